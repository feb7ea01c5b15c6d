"use client";
import { useQuery } from "convex/react";
import { FlaskRound, Footprints, Play } from "lucide-react";
import { StatusChip } from "@/components/domain/chips";
import { JobProgress } from "@/components/domain/JobProgress";
import { VersionWalkForwardForm } from "@/components/domain/walkForward/WalkForwardForm";
import { formatCompact, formatCount, formatDuration, formatNumber } from "@/components/format";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { useUrlState } from "@/components/hooks/useUrlState";
import { Button, LinkButton } from "@/components/ui/Button";
import { Dialog } from "@/components/ui/Dialog";
import { Figure } from "@/components/ui/Figures";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { ArtifactPanel } from "./ArtifactPanel";
import { EvaluateForm } from "./EvaluateForm";
import { EvaluationsOfVersion } from "./EvaluationsOfVersion";
import { PromotePanel } from "./PromotePanel";
import { TrainingCurves } from "./TrainingCurves";
import { WalkForwardsOfVersion } from "./WalkForwardsOfVersion";

/** One version: how it learned, what it is, how it was judged, and what may be done with it. */
export function AgentPage({ versionId }: { versionId: Id<"agentVersions"> }) {
  const version = useQuery(api.agents.console.get, { versionId });
  const job = useQuery(api.ops.console.job, version?.jobId === undefined ? "skip" : { jobId: version.jobId });
  const points = usePacedQuery(api.agents.console.trainingCurve, { versionId });
  const { get, set } = useUrlState();
  if (version === undefined) return <SkeletonRows rows={12} />;
  const isTrained = version.artifactSha256 !== undefined;
  const newest = points?.at(-1);
  const share = version.environmentSteps / version.stepsRequested;
  return (
    <Page>
      <PageHeader
        title={
          <span className="inline-flex flex-wrap items-center gap-2.5">
            {version.name}
            <StatusChip status={version.status} data-testid="version-status" />
          </span>
        }
        lead={`${version.algorithm.toUpperCase()} on ${version.instrument} ${version.timeframe}, seed ${version.seed}`}
        actions={
          isTrained ? (
            <>
              <Button onClick={() => set({ evaluate: "1" })} data-testid="evaluate-open">
                <FlaskRound aria-hidden /> Evaluate
              </Button>
              <Button onClick={() => set({ walk: "1" })} data-testid="walk-open">
                <Footprints aria-hidden /> Walk forward
              </Button>
              <LinkButton tone="primary" href={`/runs?start=1&version=${versionId}`}>
                <Play aria-hidden /> Start a run
              </LinkButton>
            </>
          ) : null
        }
      />
      {version.status === "failed" ? <InlineError message={version.error ?? null} /> : null}
      {version.status === "cancelled" && version.error ? (
        <p className="text-[13px] text-soft">Training {version.error}.</p>
      ) : null}
      {job !== undefined && job.status !== "succeeded" ? (
        <Panel>
          <JobProgress job={job} title="Training" />
        </Panel>
      ) : null}
      <section aria-label="Figures of the training" className="rounded-lg border border-line bg-panel p-4">
        <dl className="grid grid-cols-2 gap-x-4 gap-y-3.5 sm:grid-cols-3 lg:grid-cols-6">
          <Figure
            label="Steps"
            note={`of ${formatCompact(version.stepsRequested)} (${formatNumber(share * 100, 0)} %)`}
          >
            {formatCompact(version.environmentSteps)}
          </Figure>
          <Figure label="Speed" note="environment steps per second">
            {formatCount(version.stepsPerSecond)}
          </Figure>
          <Figure label="Time" note="training only">
            {isTrained ? formatDuration(version.trainingSeconds * 1000) : "—"}
          </Figure>
          <Figure label="Episode return" note="mean of the last 100">
            {formatNumber(version.finalMetrics.meanEpisodeReturn ?? newest?.meanEpisodeReturn, 3)}
          </Figure>
          {version.algorithm === "dqn" ? (
            <>
              <Figure label="Mean Q" note="of the actions learned from">
                {formatNumber(version.finalMetrics.meanQ ?? newest?.meanQ, 3)}
              </Figure>
              <Figure label="TD error" note="mean distance to the target">
                {formatNumber(version.finalMetrics.tdError ?? newest?.tdError, 4)}
              </Figure>
            </>
          ) : (
            <>
              <Figure label="Entropy" note="nats">
                {formatNumber(version.finalMetrics.entropy ?? newest?.entropy, 3)}
              </Figure>
              <Figure label="Explained variance" note="of the value head">
                {formatNumber(version.finalMetrics.explainedVariance ?? newest?.explainedVariance, 3)}
              </Figure>
            </>
          )}
        </dl>
      </section>
      <Panel title="Training curves" hint="by environment steps, live while it trains">
        <TrainingCurves versionId={versionId} />
      </Panel>
      <div className="grid min-w-0 grid-cols-1 items-start gap-4 xl:grid-cols-2">
        <ArtifactPanel version={version} />
        <div className="flex min-w-0 flex-col gap-4">
          <PromotePanel versionId={versionId} name={version.name} isTrained={isTrained} />
          <Panel flush title="Evaluations">
            <EvaluationsOfVersion versionId={versionId} />
          </Panel>
          <Panel flush title="Walk-forwards" hint="of this version's recipe">
            <WalkForwardsOfVersion versionId={versionId} />
          </Panel>
        </div>
      </div>
      <Dialog
        open={get("walk") !== null}
        onOpenChange={(open) => {
          if (!open) set({ walk: null });
        }}
        title={`Walk ${version.name} forward`}
        description="Retrains its recipe fold by fold on its own dataset, beside the champion's"
      >
        <VersionWalkForwardForm versionId={versionId} />
      </Dialog>
      <Dialog
        open={get("evaluate") !== null}
        onOpenChange={(open) => {
          if (!open) set({ evaluate: null });
        }}
        title={`Evaluate ${version.name}`}
      >
        <EvaluateForm version={version} onRequested={() => set({ evaluate: null })} />
      </Dialog>
    </Page>
  );
}
