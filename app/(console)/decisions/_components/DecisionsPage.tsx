"use client";
import { useConvex, usePaginatedQuery, useQuery } from "convex/react";
import { ListChecks } from "lucide-react";
import { SimulatedTag, StatusChip } from "@/components/domain/chips";
import { DecisionDrawer } from "@/components/domain/decision/DecisionDrawer";
import { DecisionTable } from "@/components/domain/decision/DecisionTable";
import { isActive, type RunRow } from "@/components/domain/runView";
import { useLiveRun } from "@/components/domain/useLiveRun";
import { useNewestDecisions } from "@/components/domain/useNewestDecisions";
import { formatCount } from "@/components/format";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { useUrlState } from "@/components/hooks/useUrlState";
import { Button, LinkButton } from "@/components/ui/Button";
import { ExportButtons } from "@/components/ui/ExportButtons";
import { Select } from "@/components/ui/Field";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { LIMITS } from "@/lib/contract/limits";

const PAGE_ROWS = 50;

type Outcome = "order" | "hold";

function readOutcome(text: string | null): Outcome | undefined {
  return text === "order" || text === "hold" ? text : undefined;
}

/** Any decision of any run, and its proof. */
export function DecisionsPage() {
  const { get, set } = useUrlState();
  const runs = usePacedQuery(api.runs.console.list, {});
  const wanted = get("run");
  const openId = get("decision");
  const linked = useQuery(
    api.decisions.console.get,
    openId !== null && wanted === null ? { decisionId: openId as Id<"decisions"> } : "skip",
  );
  const runId = wanted ?? linked?.runId ?? runs?.[0]?._id ?? null;
  const run = runs?.find((candidate) => candidate._id === runId);
  const live = useLiveRun(run);
  const convex = useConvex();
  const outcome = readOutcome(get("outcome"));
  const open = (id: string) => set({ decision: id });
  return (
    <Page>
      <PageHeader
        title="Decisions"
        lead="Every closed bar leaves one decision; each can be traced to its bits and recomputed."
        actions={
          runs !== undefined && runs.length > 0 ? (
            <>
              <Select
                isBare
                data-filter
                label="Run"
                value={runId ?? ""}
                onChange={(value) => set({ run: value, decision: null })}
                options={runs.map((candidate) => ({
                  value: candidate._id as string,
                  label: runLabel(candidate),
                }))}
                data-testid="run-picker"
              />
              <Select
                isBare
                label="Outcome"
                value={outcome ?? ""}
                onChange={(value) => set({ outcome: value })}
                options={[
                  { value: "", label: "Orders and holds" },
                  { value: "order", label: "Orders only" },
                  { value: "hold", label: "Holds only" },
                ]}
                data-testid="outcome-filter"
              />
            </>
          ) : null
        }
      />
      <Panel
        flush
        title={run === undefined ? "Decisions" : run.name}
        hint={
          run === undefined
            ? undefined
            : `${formatCount(live?.decisions)} decisions, ${formatCount(live?.holds)} holds`
        }
        actions={
          run === undefined ? null : (
            <>
              {run.simulated ? <SimulatedTag /> : null}
              <StatusChip status={run.status} />
              <ExportButtons
                name={`decisions-${run._id}`}
                kind="decisions"
                total={outcome === undefined ? live?.decisions : undefined}
                read={(cursor) =>
                  convex.query(api.decisions.console.list, {
                    runId: run._id,
                    outcome,
                    paginationOpts: { numItems: LIMITS.pageSize, cursor },
                  })
                }
              />
              <LinkButton size="sm" href={`/runs/${run._id}`}>
                Open run
              </LinkButton>
            </>
          )
        }
      >
        {runs === undefined ? <SkeletonRows rows={10} /> : null}
        {runs?.length === 0 ? (
          <EmptyState
            icon={ListChecks}
            title="No run has decided anything yet"
            command="npm run -s assay -- run start --instrument XAUT-USDT --mode paper --feed replay --from 2025-07-01 --to 2025-07-15"
            action={<LinkButton href="/runs">Start a run</LinkButton>}
          >
            Start a paper run; each closed bar then becomes a row here.
          </EmptyState>
        ) : null}
        {run === undefined && runId !== null && runs !== undefined ? (
          <DecisionList runId={runId as Id<"runs">} outcome={outcome} openId={openId} onOpen={open} />
        ) : null}
        {run === undefined ? null : isActive(run) ? (
          <LiveDecisions run={run} outcome={outcome} openId={openId} onOpen={open} />
        ) : (
          <DecisionList runId={run._id} outcome={outcome} openId={openId} onOpen={open} />
        )}
      </Panel>
      <DecisionDrawer decisionId={openId} onClose={() => set({ decision: null })} />
    </Page>
  );
}

function runLabel(run: RunRow): string {
  const day = new Date(run.createdAtMs).toISOString().slice(0, 16).replace("T", " ");
  return `${run.name}, ${run.status}, ${day}`;
}

interface DecisionListProps {
  runId: Id<"runs">;
  outcome: Outcome | undefined;
  openId: string | null;
  onOpen: (id: string) => void;
}

interface LiveDecisionsProps extends Omit<DecisionListProps, "runId"> {
  run: RunRow;
}

/** While a run goes on, its newest decisions; the paginating hook's first page would grow with each. */
function LiveDecisions({ run, outcome, openId, onOpen }: LiveDecisionsProps) {
  const newest = useNewestDecisions(run, PAGE_ROWS, outcome);
  if (newest === undefined) return <SkeletonRows rows={10} />;
  if (newest.rows.length === 0) return <NoDecision outcome={outcome} />;
  return (
    <>
      <DecisionTable rows={newest.rows} openId={openId} onOpen={onOpen} />
      {newest.hasOlder ? (
        <p className="border-t border-line px-4 py-2.5 text-[12px] text-faint">
          The newest {formatCount(newest.rows.length)}, live; older ones can be paged when the run has ended.
        </p>
      ) : null}
    </>
  );
}

function NoDecision({ outcome }: { outcome: Outcome | undefined }) {
  return (
    <EmptyState
      icon={ListChecks}
      title={outcome === undefined ? "No decision yet" : `No ${outcome} among the decisions`}
    >
      {outcome === undefined
        ? "The first closed bar of the run makes the first one."
        : "Choose another outcome above."}
    </EmptyState>
  );
}

function DecisionList({ runId, outcome, openId, onOpen }: DecisionListProps) {
  const { results, status, loadMore } = usePaginatedQuery(
    api.decisions.console.list,
    { runId, outcome },
    { initialNumItems: PAGE_ROWS },
  );
  if (status === "LoadingFirstPage") return <SkeletonRows rows={10} />;
  if (results.length === 0) return <NoDecision outcome={outcome} />;
  return (
    <>
      <DecisionTable rows={results} openId={openId} onOpen={onOpen} />
      <div className="flex items-center justify-between gap-3 border-t border-line px-4 py-2.5 text-[12px] text-faint">
        <span>{formatCount(results.length)} shown</span>
        {status === "CanLoadMore" || status === "LoadingMore" ? (
          <Button size="sm" busy={status === "LoadingMore"} onClick={() => loadMore(PAGE_ROWS)}>
            Show older
          </Button>
        ) : (
          <span>that is all</span>
        )}
      </div>
    </>
  );
}
