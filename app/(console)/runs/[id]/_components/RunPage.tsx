"use client";
import { useConvex, useQuery } from "convex/react";
import Link from "next/link";
import { Age } from "@/components/domain/Age";
import { BreakerNotice } from "@/components/domain/BreakerNotice";
import { PaperTag, SimulatedTag, StatusChip } from "@/components/domain/chips";
import { DecisionFeed } from "@/components/domain/DecisionFeed";
import { DecisionDrawer } from "@/components/domain/decision/DecisionDrawer";
import { PositionCard } from "@/components/domain/PositionCard";
import { RunChart } from "@/components/domain/RunChart";
import { RunControls } from "@/components/domain/RunControls";
import { isActive, type Run, speedText } from "@/components/domain/runView";
import { useLiveRun } from "@/components/domain/useLiveRun";
import {
  formatCompact,
  formatCount,
  formatDuration,
  formatPercent,
  formatSignedPercent,
  formatSignedUsd,
  formatTime,
  formatUsd,
} from "@/components/format";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { useUrlState } from "@/components/hooks/useUrlState";
import { usePreferences } from "@/components/providers/PreferencesProvider";
import { LinkButton } from "@/components/ui/Button";
import { Hash } from "@/components/ui/CopyText";
import { ExportButtons } from "@/components/ui/ExportButtons";
import { Change, Facts, Figure, ProgressBar } from "@/components/ui/Figures";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { LIMITS } from "@/lib/contract/limits";
import { OrderTimeline } from "./OrderTimeline";

/** What is it doing now, and why. */
export function RunPage({ runId }: { runId: Id<"runs"> }) {
  const run = useLiveRun(useQuery(api.runs.console.get, { runId }));
  const { get, set } = useUrlState();
  const openId = get("decision");
  const open = (id: string) => set({ decision: id });
  if (run === undefined) return <SkeletonRows rows={12} />;
  return (
    <Page>
      <PageHeader
        title={
          <span className="inline-flex flex-wrap items-center gap-2.5">
            {run.name}
            <StatusChip status={run.status} data-testid="run-status" />
            <PaperTag />
            {run.simulated ? <SimulatedTag /> : null}
          </span>
        }
        lead={
          <>
            <Link href={`/agents/${run.versionId}`} className="underline underline-offset-4 hover:text-soft">
              {run.versionName}
            </Link>{" "}
            on {run.source} {run.sourceTimeframe} bars,{" "}
            {run.feed === "replay" ? speedText(run.speed) : "live"}
          </>
        }
        actions={
          <>
            <LinkButton href={`/decisions?run=${run._id}`}>All decisions</LinkButton>
            <RunControls run={run} />
          </>
        }
      />
      <InlineError message={run.error ?? null} />
      <BreakerNotice run={run} />
      <RunFigures run={run} />
      <div className="grid min-w-0 grid-cols-1 gap-4 xl:grid-cols-[minmax(0,1fr)_320px]">
        <Panel
          flush
          title={`${run.instrument} ${run.timeframe}`}
          hint="decisions ●, fills ▲▼, stop ‒ ‒, equity below"
        >
          <RunChart run={run} onDecision={open} />
        </Panel>
        <Panel title="Position">
          <PositionCard runId={run._id} instrument={run.instrument} />
        </Panel>
      </div>
      <div className="grid min-w-0 grid-cols-1 gap-4 xl:grid-cols-2">
        <Panel flush title="Decisions" hint={isActive(run) ? "newest first, live" : "newest first"}>
          <DecisionFeed run={run} openId={openId} onOpen={open} />
        </Panel>
        <Panel flush title="Orders and fills" hint="newest first" actions={<RunExports run={run} />}>
          <OrderTimeline run={run} onDecision={open} />
        </Panel>
      </div>
      <Panel title="What this run is made of">
        <div className="grid gap-x-10 md:grid-cols-2">
          <Facts
            rows={[
              ["Run id", <Hash key="id" value={run._id} />],
              ["Artifact", <Hash key="a" value={run.artifactSha256} />],
              ["Training dataset", <Hash key="d" value={run.datasetHash} />],
            ]}
          />
          <Facts
            rows={[
              ["Feature fingerprint", <Hash key="f" value={run.featureFingerprint} />],
              ["Started", <Age key="s" atMs={run.startedAtMs} />],
              ["Starting balance", formatUsd(run.initialBalanceUsd)],
            ]}
          />
        </div>
      </Panel>
      <DecisionDrawer decisionId={openId} onClose={() => set({ decision: null })} />
    </Page>
  );
}

/** Every order and every fill of the run, not only those shown. */
function RunExports({ run }: { run: Run }) {
  const convex = useConvex();
  const runId = run._id;
  const page = (cursor: string | null) => ({ numItems: LIMITS.pageSize, cursor });
  return (
    <>
      <ExportButtons
        name={`orders-${runId}`}
        what="Orders"
        kind="orders"
        read={(cursor) =>
          convex.query(api.execution.console.orderPages, { runId, paginationOpts: page(cursor) })
        }
      />
      <ExportButtons
        name={`fills-${runId}`}
        what="Fills"
        kind="fills"
        total={run.fills}
        read={(cursor) =>
          convex.query(api.execution.console.fillPages, { runId, paginationOpts: page(cursor) })
        }
      />
    </>
  );
}

function RunFigures({ run }: { run: Run }) {
  const { zone } = usePreferences();
  const job = usePacedQuery(
    api.ops.console.job,
    run.jobId === undefined || !isActive(run) ? "skip" : { jobId: run.jobId },
  );
  const progress = job?.progress;
  const pnlUsd = run.equityUsd - run.initialBalanceUsd;
  const fraction = run.totalBars ? run.bars / run.totalBars : null;
  return (
    <section aria-label="Figures of the run" className="rounded-lg border border-line bg-panel p-4">
      <dl className="grid grid-cols-2 gap-x-4 gap-y-3.5 sm:grid-cols-3 lg:grid-cols-6">
        <Figure label="Equity" note={`from ${formatUsd(run.initialBalanceUsd, 0)}`} data-testid="run-equity">
          {formatUsd(run.equityUsd)}
        </Figure>
        <Figure
          label="Net PnL"
          note={formatSignedPercent(pnlUsd / run.initialBalanceUsd)}
          data-testid="run-pnl"
        >
          <Change value={pnlUsd}>{formatSignedUsd(pnlUsd)}</Change>
        </Figure>
        <Figure label="Decisions" note={`${formatCount(run.holds)} holds`} data-testid="run-decisions-count">
          {formatCount(run.decisions)}
        </Figure>
        <Figure label="Fills" note="paper venue" data-testid="run-fills-count">
          {formatCount(run.fills)}
        </Figure>
        <Figure
          label="Bars"
          note={run.totalBars ? `of ${formatCount(run.totalBars)}` : "as they close"}
          data-testid="run-bars-count"
        >
          {formatCount(run.bars)}
        </Figure>
        <Figure label="Newest bar" note={`${zone === "utc" ? "UTC" : "local"}, open time`}>
          {formatTime(run.lastBarOpenTimeMs, zone)}
        </Figure>
      </dl>
      {fraction !== null ? (
        <div className="mt-3.5 flex items-center gap-3">
          <ProgressBar fraction={fraction} label="Replay progress" />
          <span className="shrink-0 text-right text-[12px] whitespace-nowrap text-faint sm:min-w-44">
            {formatPercent(fraction, 0)}
            {isActive(run) && progress !== undefined && progress.ratePerSecond > 0
              ? `, ${formatCompact(progress.ratePerSecond)} ${progress.unit}/s, ${formatDuration(progress.etaSeconds * 1000)} left`
              : ""}
          </span>
        </div>
      ) : null}
    </section>
  );
}
