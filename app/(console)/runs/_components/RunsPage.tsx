"use client";
import { Activity, Plus } from "lucide-react";
import { useRouter } from "next/navigation";
import type { ReactNode } from "react";
import { Age } from "@/components/domain/Age";
import { SimulatedTag, StatusChip } from "@/components/domain/chips";
import { isActive, type Run, type RunRow, speedText } from "@/components/domain/runView";
import { useLiveRun } from "@/components/domain/useLiveRun";
import {
  formatCount,
  formatDay,
  formatPercent,
  formatSignedPercent,
  formatSignedUsd,
  UNKNOWN,
} from "@/components/format";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { useUrlState } from "@/components/hooks/useUrlState";
import { Button } from "@/components/ui/Button";
import { type Column, DataTable } from "@/components/ui/DataTable";
import { Dialog } from "@/components/ui/Dialog";
import { Select } from "@/components/ui/Field";
import { Change } from "@/components/ui/Figures";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { StartRunForm } from "./StartRunForm";

function feedText(run: RunRow): string {
  if (run.feed === "live") return `live, ${run.source}`;
  return `replay, ${run.source}, ${formatDay(run.fromMs)} to ${formatDay(run.toMs)}`;
}

function pnl(run: Run): number {
  return run.equityUsd - run.initialBalanceUsd;
}

/** A figure of the run that moves with its bars. */
function Live({ row, show }: { row: RunRow; show: (run: Run) => ReactNode }) {
  const run = useLiveRun(row);
  return run === undefined ? UNKNOWN : show(run);
}

const live = (show: (run: Run) => ReactNode) => (row: RunRow) => <Live row={row} show={show} />;

const COLUMNS: Column<RunRow>[] = [
  {
    id: "name",
    header: "Run",
    lead: true,
    cell: (run) => (
      <span className="inline-flex flex-wrap items-center gap-2">
        <span className="font-medium">{run.name}</span>
        {run.simulated ? <SimulatedTag /> : null}
      </span>
    ),
  },
  { id: "status", header: "Status", cell: (run) => <StatusChip status={run.status} /> },
  { id: "version", header: "Version", cell: (run) => <span className="text-soft">{run.versionName}</span> },
  {
    id: "feed",
    header: "Feed",
    wide: true,
    cell: (run) => (
      <span className="text-soft" title={speedText(run.speed)}>
        {feedText(run)}
      </span>
    ),
  },
  {
    id: "progress",
    header: "Progress",
    numeric: true,
    cell: live((run) =>
      run.totalBars ? formatPercent(run.bars / run.totalBars, 0) : `${formatCount(run.bars)} bars`,
    ),
  },
  { id: "decisions", header: "Decisions", numeric: true, cell: live((run) => formatCount(run.decisions)) },
  { id: "fills", header: "Fills", numeric: true, cell: live((run) => formatCount(run.fills)) },
  {
    id: "pnl",
    header: "Net PnL",
    numeric: true,
    cell: live((run) => (
      <Change value={pnl(run)}>
        {formatSignedUsd(pnl(run))}{" "}
        <span className="text-[12px]">{formatSignedPercent(pnl(run) / run.initialBalanceUsd)}</span>
      </Change>
    )),
  },
  {
    id: "created",
    header: "Started",
    numeric: true,
    cell: (run) => <Age atMs={run.createdAtMs} className="text-faint" />,
  },
];

/** What runs, what ran, and a way to start the next. */
export function RunsPage() {
  const runs = usePacedQuery(api.runs.console.list, {});
  const router = useRouter();
  const { get, set } = useUrlState();
  const filter = get("status") ?? "";
  const shown = runs?.filter((run) => filter === "" || (filter === "active") === isActive(run));
  return (
    <Page>
      <PageHeader
        title="Runs"
        lead="A policy on a feed of bars, with the paper venue filling its orders."
        actions={
          <>
            <Select
              isBare
              data-filter
              label="Status"
              value={filter}
              onChange={(value) => set({ status: value })}
              options={[
                { value: "", label: "All runs" },
                { value: "active", label: "Active" },
                { value: "ended", label: "Ended" },
              ]}
            />
            <Button tone="primary" onClick={() => set({ start: "1" })} data-testid="start-run-open">
              <Plus aria-hidden /> Start a run
            </Button>
          </>
        }
      />
      <Panel flush>
        {shown === undefined ? <SkeletonRows rows={6} /> : null}
        {shown?.length === 0 ? (
          <EmptyState
            icon={Activity}
            title={runs?.length === 0 ? "No run yet" : "No run with this status"}
            command={
              runs?.length === 0
                ? "npm run -s assay -- run start --instrument XAUT-USDT --mode paper --feed replay --from 2025-07-01 --to 2025-07-15"
                : undefined
            }
          >
            A replay feeds stored bars as if they arrived now; a live run follows the market.
          </EmptyState>
        ) : null}
        {shown !== undefined && shown.length > 0 ? (
          <DataTable
            caption="Runs, newest first"
            columns={COLUMNS}
            rows={shown}
            rowKey={(run) => run._id}
            onOpen={(run) => router.push(`/runs/${run._id}`)}
            rowTestId="run-row"
          />
        ) : null}
      </Panel>
      <Dialog
        open={get("start") !== null}
        onOpenChange={(open) => {
          if (!open) set({ start: null, version: null });
        }}
        title="Start a paper run"
        data-testid="start-run-dialog"
      >
        <StartRunForm versionId={get("version")} onStarted={(runId) => router.push(`/runs/${runId}`)} />
      </Dialog>
    </Page>
  );
}
