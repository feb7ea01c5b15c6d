"use client";
import type { FunctionReturnType } from "convex/server";
import { useRouter } from "next/navigation";
import type { api } from "@/convex/_generated/api";
import { formatCount, formatDay, formatNumber, formatPercent, formatSignedUsd } from "../format";
import { type Column, DataTable } from "../ui/DataTable";
import { Change } from "../ui/Figures";
import { Age } from "./Age";
import { SimulatedTag } from "./chips";

export type Evaluation = FunctionReturnType<typeof api.evaluations.console.list>[number];

/** Net PnL of the best baseline: what the policy has to beat. */
export function bestBaseline(evaluation: Pick<Evaluation, "baselines">) {
  return evaluation.baselines.reduce<Evaluation["baselines"][number] | null>(
    (best, candidate) =>
      best === null || candidate.performance.netPnlUsd > best.performance.netPnlUsd ? candidate : best,
    null,
  );
}

const COLUMNS: Column<Evaluation>[] = [
  {
    id: "version",
    header: "Version",
    lead: true,
    cell: (row) => (
      <span className="inline-flex flex-wrap items-center gap-2">
        <span className="font-medium">{row.versionName}</span>
        {row.simulated ? <SimulatedTag /> : null}
      </span>
    ),
  },
  {
    id: "period",
    header: "Period",
    wide: true,
    cell: (row) => `${formatDay(row.fromMs)} to ${formatDay(row.toMs)}`,
  },
  {
    id: "pnl",
    header: "Net PnL",
    numeric: true,
    cell: (row) => (
      <Change value={row.performance.netPnlUsd}>{formatSignedUsd(row.performance.netPnlUsd)}</Change>
    ),
  },
  {
    id: "best",
    header: "Best baseline",
    numeric: true,
    cell: (row) => {
      const best = bestBaseline(row);
      return best === null ? "—" : `${formatSignedUsd(best.performance.netPnlUsd)}, ${best.name}`;
    },
  },
  {
    id: "sharpe",
    header: "Sharpe",
    numeric: true,
    cell: (row) => (
      <span title={row.performance.sharpe.convention}>{formatNumber(row.performance.sharpe.value)}</span>
    ),
  },
  {
    id: "drawdown",
    header: "Max drawdown",
    numeric: true,
    cell: (row) => formatPercent(row.performance.maxDrawdownFraction),
  },
  { id: "trades", header: "Trades", numeric: true, cell: (row) => formatCount(row.performance.tradeCount) },
  { id: "win", header: "Win rate", numeric: true, cell: (row) => formatPercent(row.performance.winRate, 1) },
  { id: "trials", header: "Trials", numeric: true, cell: (row) => formatCount(row.trialCount) },
  {
    id: "created",
    header: "Made",
    numeric: true,
    cell: (row) => <Age atMs={row.createdAtMs} className="text-faint" />,
  },
];

const SHORT = new Set(["period", "pnl", "sharpe", "trades", "created"]);

export function EvaluationTable({
  evaluations,
  isCompact,
}: {
  evaluations: readonly Evaluation[];
  isCompact?: boolean;
}) {
  const router = useRouter();
  return (
    <DataTable
      caption="Evaluations, newest first"
      columns={isCompact ? COLUMNS.filter((column) => SHORT.has(column.id)) : COLUMNS}
      rows={evaluations}
      rowKey={(row) => row._id}
      onOpen={(row) => router.push(`/evaluations/${row._id}`)}
      rowTestId="evaluation-row"
    />
  );
}
