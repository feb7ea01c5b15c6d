"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Ban } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { Age } from "@/components/domain/Age";
import { StatusChip } from "@/components/domain/chips";
import { GateList } from "@/components/domain/GateList";
import { JobProgress } from "@/components/domain/JobProgress";
import { ShadowPanel } from "@/components/domain/ShadowPanel";
import { actorName, formatDay, formatFigure, words } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { DataTable } from "@/components/ui/DataTable";
import { Facts } from "@/components/ui/Figures";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";

type Cycle = FunctionReturnType<typeof api.learning.console.cycle>;

/** One cycle from its dataset to its verdict, with every reason that was stored on the way. */
export function CyclePage({ cycleId }: { cycleId: Id<"learningCycles"> }) {
  const cycle = useQuery(api.learning.console.cycle, { cycleId });
  const job = useQuery(
    api.ops.console.job,
    cycle?.jobId === undefined || !cycle.isActive ? "skip" : { jobId: cycle.jobId },
  );
  const cancel = useSubmit(useMutation(api.learning.console.cancel));
  const refusal = useRefusal("operator");
  if (cycle === undefined) return <SkeletonRows rows={12} />;
  return (
    <Page>
      <PageHeader
        title={
          <span className="inline-flex flex-wrap items-center gap-2.5">
            Learning cycle of {cycle.instrument} {cycle.timeframe}
            <StatusChip status={cycle.status} data-testid="cycle-status" />
          </span>
        }
        lead={
          <>
            Started <Age atMs={cycle.startedAtMs} />{" "}
            {cycle.trigger === "manual" ? `by ${actorName(cycle.startedBy)}` : `by ${cycle.trigger}`}, policy
            version {cycle.policyVersion}
          </>
        }
        actions={
          cycle.isActive ? (
            <Button
              disabled={refusal !== null}
              title={refusal ?? "Ends the cycle and its shadow; the challenger stays a candidate"}
              busy={cancel.isBusy}
              onClick={() => void cancel.submit({ cycleId })}
              data-testid="cycle-cancel"
            >
              <Ban aria-hidden /> Cancel
            </Button>
          ) : null
        }
      />
      <InlineError message={cancel.error} />
      {job !== undefined && job.status !== "succeeded" ? (
        <Panel>
          <JobProgress job={job} />
        </Panel>
      ) : null}
      <div className="grid min-w-0 grid-cols-1 items-start gap-4 xl:grid-cols-[minmax(0,1.35fr)_minmax(0,1fr)]">
        <Panel title="What happened" hint="as stored, oldest first">
          <Reasons cycle={cycle} />
        </Panel>
        <Panel title="Made of">
          <Facts rows={partsOf(cycle)} />
        </Panel>
      </div>
      {cycle.shadowId === undefined ? null : <ShadowPanel shadowId={cycle.shadowId} title="Shadow" />}
      <div className="grid min-w-0 grid-cols-1 items-start gap-4 2xl:grid-cols-2">
        <Panel flush title="On the evaluation span" hint="both models as they are">
          <Deltas deltas={cycle.evaluationDeltas} hasChampion={cycle.championVersionId !== undefined} />
        </Panel>
        <Panel flush title="On the folds" hint="both recipes retrained">
          <Deltas deltas={cycle.foldDeltas} hasChampion={cycle.championVersionId !== undefined} />
        </Panel>
      </div>
      <Panel title="Gates" hint="as they stood when the cycle came to them">
        <GateList gates={cycle.gates} />
      </Panel>
    </Page>
  );
}

function Reasons({ cycle }: { cycle: Cycle }) {
  if (cycle.reasons.length === 0) {
    return <p className="text-[13px] text-soft">Nothing yet: the first step is under way.</p>;
  }
  return (
    <ol className="divide-y divide-line/60" data-testid="cycle-reasons">
      {cycle.reasons.map((reason) => (
        <li key={`${reason.atMs} ${reason.step} ${reason.sentence}`} className="py-2 text-[13px]">
          <p className="flex flex-wrap items-baseline gap-x-3">
            <span className="font-medium">{words(reason.step)}</span>
            <Age atMs={reason.atMs} className="ml-auto text-[12px] text-faint" />
          </p>
          <p className="text-soft">{reason.sentence}</p>
        </li>
      ))}
    </ol>
  );
}

function partsOf(cycle: Cycle): (readonly [string, ReactNode])[] {
  const link = (href: string | null, text: string) =>
    href === null ? (
      <span className="text-faint">not yet</span>
    ) : (
      <Link href={href} className="underline underline-offset-4">
        {text}
      </Link>
    );
  const to = (id: string | undefined, base: string) => (id === undefined ? null : `${base}${id}`);
  return [
    ["Trained on", `${formatDay(cycle.trainFromMs)} to ${formatDay(cycle.trainToMs)}`],
    ["Evaluated on", `${formatDay(cycle.trainToMs)} to ${formatDay(cycle.evaluateToMs)}`],
    [
      "Champion",
      cycle.championVersionId === undefined
        ? "none"
        : link(`/agents/${cycle.championVersionId}`, cycle.championName ?? "open"),
    ],
    ["Challenger", link(to(cycle.challengerVersionId, "/agents/"), cycle.challengerName ?? "open")],
    ["Dataset", link(to(cycle.datasetId, "/datasets?dataset="), "open")],
    ["Walk-forward", link(to(cycle.walkForwardId, "/evaluations/walk-forward/"), "open")],
    ["Its evaluation", link(to(cycle.evaluationId, "/evaluations/"), "open")],
    ["The champion's evaluation", link(to(cycle.championEvaluationId, "/evaluations/"), "open")],
  ];
}

function Deltas({ deltas, hasChampion }: { deltas: Cycle["foldDeltas"]; hasChampion: boolean }) {
  if (deltas.length === 0) {
    return (
      <EmptyState title={hasChampion ? "No difference computed" : "No champion to compare with"}>
        {hasChampion ? "It comes after the evaluations; the same recipe on the same folds has none." : null}
      </EmptyState>
    );
  }
  return (
    <DataTable
      caption="Challenger against champion"
      rows={deltas}
      rowKey={(row) => row.measure}
      columns={[
        {
          id: "measure",
          header: "Measure",
          lead: true,
          cell: (row) => <span className="font-medium">{words(row.measure)}</span>,
        },
        {
          id: "challenger",
          header: "Challenger",
          numeric: true,
          cell: (row) => formatFigure(row.challenger),
        },
        { id: "champion", header: "Champion", numeric: true, cell: (row) => formatFigure(row.champion) },
        { id: "delta", header: "Difference", numeric: true, cell: (row) => formatFigure(row.delta) },
        {
          id: "sentence",
          header: "In words",
          wide: true,
          className: "sm:min-w-[220px] sm:whitespace-normal",
          cell: (row) => <span className="text-soft">{row.sentence}</span>,
        },
      ]}
    />
  );
}
