"use client";
import { useRouter } from "next/navigation";
import { StatusChip } from "@/components/domain/chips";
import { showHyperparameter } from "@/components/domain/walkForward/view";
import { formatCompact, formatNumber, formatSignedUsd } from "@/components/format";
import { type Column, DataTable } from "@/components/ui/DataTable";
import { Change } from "@/components/ui/Figures";
import type { Search } from "./SearchPage";

type Trial = Search["trials"][number];

/** Best score first; the longer training first where two are equal. */
export function Trials({ search }: { search: Search }) {
  const router = useRouter();
  const rows = [...search.trials].sort(
    (a, b) =>
      (b.sharpePerDay ?? Number.NEGATIVE_INFINITY) - (a.sharpePerDay ?? Number.NEGATIVE_INFINITY) ||
      b.rung - a.rung ||
      a.index - b.index,
  );
  const columns: Column<Trial>[] = [
    {
      id: "trial",
      header: "Trial",
      lead: true,
      cell: (trial) => (
        <span className="font-medium">
          Rung {trial.rung + 1}, no. {trial.index + 1}
        </span>
      ),
    },
    { id: "status", header: "Status", cell: (trial) => <StatusChip status={trial.status} /> },
    { id: "steps", header: "Steps", numeric: true, cell: (trial) => formatCompact(trial.steps) },
    ...search.ranges.map(({ name }) => ({
      id: name,
      header: name,
      numeric: true,
      cell: (trial: Trial) => {
        const value = trial.hyperparameters[name];
        return value === undefined ? "—" : showHyperparameter(value);
      },
    })),
    {
      id: "sharpe",
      header: "Sharpe a day",
      numeric: true,
      cell: (trial) => formatNumber(trial.sharpePerDay, 4),
    },
    {
      id: "pnl",
      header: "Net PnL",
      numeric: true,
      cell: (trial) => <Change value={trial.netPnlUsd}>{formatSignedUsd(trial.netPnlUsd)}</Change>,
    },
  ];
  return (
    <DataTable
      caption="Trials, best first"
      columns={columns}
      rows={rows}
      rowKey={(trial) => trial._id}
      onOpen={(trial) => router.push(`/evaluations/walk-forward/${trial.walkForwardId}`)}
      rowTestId="trial-row"
      maxHeight="460px"
    />
  );
}
