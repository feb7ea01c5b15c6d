"use client";
import { useQuery } from "convex/react";
import { subjectName } from "@/components/domain/walkForward/view";
import { formatCount, formatDay, formatNumber, formatPercent, formatSignedUsd } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { Hash } from "@/components/ui/CopyText";
import { DataTable } from "@/components/ui/DataTable";
import { ExportButtons } from "@/components/ui/ExportButtons";
import { Select } from "@/components/ui/Field";
import { Change } from "@/components/ui/Figures";
import { Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { WalkForward } from "./WalkForwardPage";

/** One row for each subject and fold under the condition chosen. */
export function FoldGrid({ row }: { row: WalkForward }) {
  const slices = useQuery(api.walkForwards.console.slices, { walkForwardId: row._id });
  const { get, set } = useUrlState();
  const condition = get("condition") ?? "1";
  const conditions = [
    ...row.plan.costMultipliers.map((value) => ({ value: String(value), label: `Costs × ${value}` })),
    { value: "late", label: "One bar late" },
  ];
  const shown = slices
    ?.filter((slice) =>
      condition === "late"
        ? slice.lagBars > 0
        : slice.lagBars === 0 && String(slice.costMultiplier) === condition,
    )
    .sort((a, b) => a.fold - b.fold || a.subject.localeCompare(b.subject, "en", { numeric: true }));
  const rangeOf = (fold: number) => row.foldRanges.find((range) => range.fold === fold);
  return (
    <Panel
      flush
      title="Folds"
      hint="trained before, tested after, with purge and embargo between"
      actions={
        <>
          <ExportButtons name={`walk-forward-${row._id}-folds`} rows={slices} />
          <Select
            isBare
            data-filter
            label="Condition"
            value={condition}
            onChange={(value) => set({ condition: value === "1" ? null : value })}
            options={conditions}
          />
        </>
      }
    >
      {shown === undefined ? <SkeletonRows rows={6} /> : null}
      {shown?.length === 0 ? (
        <EmptyState title="Nothing recorded under this condition">
          Folds appear here as the worker finishes them.
        </EmptyState>
      ) : null}
      {shown !== undefined && shown.length > 0 ? (
        <DataTable
          caption="Result of each subject in each fold"
          rows={shown}
          rowKey={(slice) => slice._id}
          rowTestId="fold-row"
          maxHeight="460px"
          columns={[
            {
              id: "subject",
              header: "Subject",
              lead: true,
              cell: (slice) => <span className="font-medium">{subjectName(slice.subject)}</span>,
            },
            { id: "fold", header: "Fold", numeric: true, cell: (slice) => slice.fold + 1 },
            {
              id: "tested",
              header: "Tested on",
              wide: true,
              cell: (slice) =>
                `${formatDay(rangeOf(slice.fold)?.testFromMs)} to ${formatDay(rangeOf(slice.fold)?.testToMs)}`,
            },
            {
              id: "trained",
              header: "Trained on",
              numeric: true,
              cell: (slice) => `${formatCount(rangeOf(slice.fold)?.trainRows)} rows`,
            },
            {
              id: "pnl",
              header: "Net PnL",
              numeric: true,
              cell: ({ performance }) => (
                <Change value={performance.netPnlUsd}>{formatSignedUsd(performance.netPnlUsd)}</Change>
              ),
            },
            {
              id: "sharpe",
              header: "Sharpe",
              numeric: true,
              cell: ({ performance }) => (
                <span title={performance.sharpe.convention}>{formatNumber(performance.sharpe.value)}</span>
              ),
            },
            {
              id: "drawdown",
              header: "Max drawdown",
              numeric: true,
              cell: ({ performance }) => formatPercent(performance.maxDrawdownFraction),
            },
            {
              id: "trades",
              header: "Trades",
              numeric: true,
              cell: ({ performance }) => formatCount(performance.tradeCount),
            },
            {
              id: "artifact",
              header: "Artifact",
              cell: (slice) => <Hash value={slice.artifactSha256 ?? undefined} />,
            },
          ]}
        />
      ) : null}
    </Panel>
  );
}
