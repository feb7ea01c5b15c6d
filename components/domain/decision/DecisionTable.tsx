"use client";
import type { FunctionReturnType } from "convex/server";
import type { api } from "@/convex/_generated/api";
import { baseOf, formatLatency, formatPercent, formatPrice, formatQty, words } from "../../format";
import type { Column } from "../../ui/DataTable";
import { DataTable } from "../../ui/DataTable";
import { When } from "../Age";
import { ActionChip, OutcomeChip } from "../chips";

export type DecisionRow = FunctionReturnType<typeof api.decisions.console.list>["page"][number];

/** Why a decision ended as it did, in one line. */
export function causeOf(row: DecisionRow): string {
  if (row.outcome === "order")
    return row.plannedQty > 0 ? "bought to reach the target" : "sold to reach the target";
  if (row.failedRules.length > 0 && row.plannedQty !== 0)
    return `risk: ${row.failedRules.map(words).join(", ")}`;
  return row.holdReason ?? "nothing to do";
}

const COLUMNS: Column<DecisionRow>[] = [
  {
    id: "time",
    header: "Bar close",
    lead: true,
    cell: (row) => (
      <span className="inline-flex items-center gap-2">
        <When atMs={row.barCloseTimeMs} />
        <span className="text-[11px] text-faint">#{row.sequence}</span>
      </span>
    ),
  },
  { id: "action", header: "Action", cell: (row) => <ActionChip action={row.action} /> },
  { id: "p", header: "Probability", numeric: true, cell: (row) => formatPercent(row.confidence, 1) },
  { id: "outcome", header: "Outcome", cell: (row) => <OutcomeChip outcome={row.outcome} /> },
  {
    id: "cause",
    header: "Cause",
    wide: true,
    className: "sm:max-w-[320px] sm:truncate",
    cell: (row) => <span title={causeOf(row)}>{causeOf(row)}</span>,
  },
  {
    id: "qty",
    header: "Quantity",
    numeric: true,
    desktopOnly: true,
    cell: (row) => (row.outcome === "order" ? formatQty(row.plannedQty, baseOf(row.instrument)) : "—"),
  },
  {
    id: "price",
    header: "Reference",
    numeric: true,
    desktopOnly: true,
    cell: (row) => formatPrice(row.referencePrice),
  },
  {
    id: "latency",
    header: "Latency",
    numeric: true,
    desktopOnly: true,
    cell: (row) => formatLatency(row.totalMs),
  },
];

const SHORT = new Set(["time", "action", "p", "outcome", "cause"]);

interface DecisionTableProps {
  rows: readonly DecisionRow[];
  openId: string | null;
  onOpen: (id: string) => void;
  /** Fewer columns, for a panel beside a chart. */
  isCompact?: boolean;
  maxHeight?: string;
}

export function DecisionTable({ rows, openId, onOpen, isCompact, maxHeight }: DecisionTableProps) {
  return (
    <DataTable
      caption="Decisions, newest first"
      columns={isCompact ? COLUMNS.filter((column) => SHORT.has(column.id)) : COLUMNS}
      rows={rows}
      rowKey={(row) => row._id}
      onOpen={(row) => onOpen(row._id)}
      isSelected={(row) => row._id === openId}
      rowTestId="decision-row"
      maxHeight={maxHeight}
    />
  );
}
