"use client";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import Link from "next/link";
import { SimulatedTag, StatusChip } from "@/components/domain/chips";
import { GateList } from "@/components/domain/GateList";
import { JobProgress } from "@/components/domain/JobProgress";
import { showOverrides, verdictOf } from "@/components/domain/walkForward/view";
import {
  formatCompact,
  formatCount,
  formatItems,
  formatNumber,
  formatPercent,
  formatSignedUsd,
} from "@/components/format";
import { Chip } from "@/components/ui/Chip";
import { Hash } from "@/components/ui/CopyText";
import { Change, Facts, Figure } from "@/components/ui/Figures";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { Checks } from "./Checks";
import { FoldGrid } from "./FoldGrid";
import { OutOfSample } from "./OutOfSample";
import { Subjects } from "./Subjects";

export type WalkForward = FunctionReturnType<typeof api.walkForwards.console.get>;

/** Is this recipe better than luck, and than the champion: retrained fold by fold, judged out of sample. */
export function WalkForwardPage({ walkForwardId }: { walkForwardId: Id<"walkForwards"> }) {
  const row = useQuery(api.walkForwards.console.get, { walkForwardId });
  const job = useQuery(api.ops.console.job, row?.jobId === undefined ? "skip" : { jobId: row.jobId });
  if (row === undefined) return <SkeletonRows rows={12} />;
  const { recipe, plan, summary } = row;
  return (
    <Page>
      <PageHeader
        title={
          <span className="inline-flex flex-wrap items-center gap-2.5">
            Walk-forward of {recipe.algorithm.toUpperCase()} on {row.instrument} {row.timeframe}
            <StatusChip status={row.status} data-testid="walk-forward-status" />
            {row.simulated ? <SimulatedTag /> : null}
          </span>
        }
        lead={`${formatItems(plan.folds, "fold")}, ${formatItems(plan.seeds.length, "seed")}, ${formatCompact(recipe.steps)} steps a training, ${plan.mode === "expanding" ? "training on everything before each fold" : "training on a window that moves"}`}
        actions={
          <>
            {row.searchId === undefined ? null : (
              <Link href={`/evaluations/search/${row.searchId}`} className="text-[13px] underline">
                A trial of a search
              </Link>
            )}
            {row.versionId === undefined ? null : (
              <Link href={`/agents/${row.versionId}`} className="text-[13px] underline underline-offset-4">
                Version asked for
              </Link>
            )}
          </>
        }
      />
      {row.error === undefined || row.status === "finished" ? null : <InlineError message={row.error} />}
      {job !== undefined && job.status !== "succeeded" ? (
        <Panel>
          <JobProgress job={job} />
        </Panel>
      ) : null}
      {summary === undefined ? (
        <Panel>
          <EmptyState title="No verdict yet">
            The verdict needs every fold, seed and probe. What is recorded already shows below as it comes.
          </EmptyState>
        </Panel>
      ) : (
        <Outcome row={row} summary={summary} />
      )}
      <Panel
        title="Out of sample"
        hint="compounded daily returns net of costs; each fold starts a new account"
      >
        <OutOfSample row={row} />
      </Panel>
      {summary === undefined ? null : (
        <div className="grid min-w-0 grid-cols-1 items-start gap-4 xl:grid-cols-[minmax(0,1.35fr)_minmax(0,1fr)]">
          <Panel
            title="Gates"
            hint={`policy version ${row.policyVersion}, as they stand now: more trials make them stricter`}
          >
            <GateList gates={row.gates} />
          </Panel>
          <Checks row={row} summary={summary} />
        </div>
      )}
      {summary === undefined ? null : <Subjects summary={summary} />}
      <FoldGrid row={row} />
      <Panel title="Made from">
        <Facts
          rows={[
            ["Dataset", <Hash key="d" value={row.datasetHash} />],
            ["Recipe", <Hash key="r" value={row.recipeHash} />],
            ["Hyperparameters that differ from the defaults", showOverrides(recipe.hyperparameters)],
            ["Features", recipe.featureSetId],
            ["Cost model", row.costModelId ?? recipe.costModelId],
            ["Environment", <Hash key="e" value={row.environmentHash} />],
            ["Kernel", row.kernelSentence],
            ["Purge", formatItems(row.purgeRows, "row")],
            ["Embargo", formatItems(row.embargoRows, "row")],
            ["First fold trains on", formatPercent(plan.trainFraction, 0)],
          ]}
        />
      </Panel>
    </Page>
  );
}

function Outcome({ row, summary }: { row: WalkForward; summary: NonNullable<WalkForward["summary"]> }) {
  const verdict = verdictOf(row.gates);
  const passed = row.gates.filter((gate) => gate.passed).length;
  const median = summary.seeds.find(({ subject }) => subject === summary.medianSubject);
  return (
    <section aria-label="Verdict" className="flex flex-col gap-4 rounded-lg border border-line bg-panel p-4">
      <div className="flex flex-wrap items-start gap-3">
        <p className="max-w-[80ch] min-w-0 text-[16px] leading-6 font-medium" data-testid="verdict">
          {verdict.headline}
        </p>
        <Chip tone={passed === row.gates.length ? "ok" : "bad"} className="sm:ml-auto">
          {passed} of {row.gates.length} gates pass
        </Chip>
        <p className="w-full text-[13px] text-soft">{verdict.consequence}</p>
      </div>
      <dl className="grid grid-cols-2 gap-x-4 gap-y-3.5 sm:grid-cols-3 lg:grid-cols-6">
        <Figure
          label="Net PnL, median seed"
          note={`from ${formatNumber(summary.netPnlUsd.worst, 0)} to ${formatNumber(summary.netPnlUsd.best, 0)}`}
        >
          <Change value={summary.netPnlUsd.median}>{formatSignedUsd(summary.netPnlUsd.median)}</Change>
        </Figure>
        <Figure label="Seed spread" note="deviation of net PnL">
          {formatNumber(summary.netPnlUsd.deviation, 0)} USD
        </Figure>
        <Figure
          label="Sharpe, median seed"
          note={<span title={median?.sharpe.convention}>daily, annualised</span>}
        >
          {formatNumber(median?.sharpe.annualised)}
        </Figure>
        <Figure label="Worst drawdown" note="of any seed">
          {formatPercent(summary.worstDrawdownFraction)}
        </Figure>
        <Figure label="Profitable folds" note="of the median seed">
          {summary.profitableFolds} of {summary.folds}
        </Figure>
        <Figure label="Trials" note="counted on this market">
          {formatCount(row.ledger.trialCount)}
        </Figure>
      </dl>
    </section>
  );
}
