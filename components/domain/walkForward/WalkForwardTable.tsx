"use client";
import type { FunctionReturnType } from "convex/server";
import { useRouter } from "next/navigation";
import type { api } from "@/convex/_generated/api";
import { formatCompact, formatNumber, formatPercent, formatSignedUsd } from "../../format";
import { type Column, DataTable } from "../../ui/DataTable";
import { Change } from "../../ui/Figures";
import { Age } from "../Age";
import { SimulatedTag, StatusChip } from "../chips";
import { subjectName } from "./view";

type WalkForward = FunctionReturnType<typeof api.walkForwards.console.list>[number];

const medianOf = ({ summary }: WalkForward) =>
  summary?.seeds.find(({ subject }) => subject === summary.medianSubject);

/** The rival with the highest net PnL, the champion among them. */
function bestRival({ summary }: WalkForward) {
  if (summary === undefined) return undefined;
  return [...summary.baselines, ...(summary.champion === null ? [] : [summary.champion])].reduce(
    (best, row) => (row.netPnlUsd > best.netPnlUsd ? row : best),
  );
}

const COLUMNS: Column<WalkForward>[] = [
  {
    id: "recipe",
    header: "Recipe",
    lead: true,
    cell: (row) => (
      <span className="inline-flex flex-wrap items-center gap-2">
        <span className="font-medium">
          {row.recipe.algorithm.toUpperCase()}, {formatCompact(row.recipe.steps)} steps
        </span>
        {row.simulated ? <SimulatedTag /> : null}
      </span>
    ),
  },
  { id: "status", header: "Status", cell: (row) => <StatusChip status={row.status} /> },
  { id: "market", header: "Market", cell: (row) => `${row.instrument} ${row.timeframe}` },
  {
    id: "plan",
    header: "Folds × seeds",
    numeric: true,
    cell: (row) => `${row.plan.folds} × ${row.plan.seeds.length}`,
  },
  {
    id: "pnl",
    header: "Net PnL, median",
    numeric: true,
    cell: (row) => (
      <Change value={row.summary?.netPnlUsd.median}>{formatSignedUsd(row.summary?.netPnlUsd.median)}</Change>
    ),
  },
  {
    id: "rival",
    header: "Best rival",
    numeric: true,
    cell: (row) => {
      const rival = bestRival(row);
      return rival === undefined
        ? "—"
        : `${formatSignedUsd(rival.netPnlUsd)}, ${subjectName(rival.subject).toLowerCase()}`;
    },
  },
  {
    id: "sharpe",
    header: "Sharpe",
    numeric: true,
    cell: (row) => (
      <span title={medianOf(row)?.sharpe.convention}>{formatNumber(medianOf(row)?.sharpe.annualised)}</span>
    ),
  },
  {
    id: "drawdown",
    header: "Worst drawdown",
    numeric: true,
    cell: (row) => formatPercent(row.summary?.worstDrawdownFraction),
  },
  {
    id: "created",
    header: "Asked for",
    numeric: true,
    cell: (row) => <Age atMs={row.createdAtMs} className="text-faint" />,
  },
];

const SHORT = new Set(["recipe", "status", "plan", "pnl", "sharpe", "created"]);

interface WalkForwardTableProps {
  rows: readonly WalkForward[];
  isCompact?: boolean;
}

export function WalkForwardTable({ rows, isCompact }: WalkForwardTableProps) {
  const router = useRouter();
  return (
    <DataTable
      caption="Walk-forwards, newest first"
      columns={isCompact ? COLUMNS.filter((column) => SHORT.has(column.id)) : COLUMNS}
      rows={rows}
      rowKey={(row) => row._id}
      onOpen={(row) => router.push(`/evaluations/walk-forward/${row._id}`)}
      rowTestId="walk-forward-row"
    />
  );
}
