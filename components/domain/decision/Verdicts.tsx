"use client";
import { formatCount, formatDuration, formatNumber, formatPercent, formatUsd, words } from "../../format";
import { type Column, DataTable } from "../../ui/DataTable";
import { PassChip } from "../chips";
import type { Decision } from "./DecisionDrawer";

/** A limit, value or headroom in the unit of its rule. */
export function formatRisk(value: number | null, unit: string): string {
  if (value === null) return "—";
  switch (unit) {
    case "usd":
      return formatUsd(value);
    case "x":
      return `${formatNumber(value)} ×`;
    case "fraction":
      return formatPercent(value);
    case "orders":
      return `${formatCount(value)} orders`;
    case "ms":
      return value < 0 ? `−${formatDuration(-value)}` : formatDuration(value);
    default:
      return formatNumber(value);
  }
}

type Verdict = Decision["verdicts"][number];

const COLUMNS: Column<Verdict>[] = [
  {
    id: "rule",
    header: "Rule",
    lead: true,
    cell: (verdict) => (
      <span className="inline-flex items-center gap-2.5" title={verdict.sentence}>
        <PassChip passed={verdict.passed} />
        {words(verdict.rule)}
      </span>
    ),
  },
  { id: "value", header: "Value", numeric: true, cell: (verdict) => formatRisk(verdict.value, verdict.unit) },
  { id: "limit", header: "Limit", numeric: true, cell: (verdict) => formatRisk(verdict.limit, verdict.unit) },
  {
    id: "headroom",
    header: "Headroom",
    numeric: true,
    cell: (verdict) => formatRisk(verdict.headroom, verdict.unit),
  },
];

/** Rule by rule: what was allowed, what it was, how far from the limit. */
export function Verdicts({ decision }: { decision: Decision }) {
  if (decision.verdicts.length === 0) return <p className="text-[13px] text-soft">No rule was evaluated.</p>;
  const states = decision.verdicts.filter((verdict) => verdict.unit === "state");
  const measured = decision.verdicts.filter((verdict) => verdict.unit !== "state");
  return (
    <>
      <ul className="mb-2 flex flex-wrap gap-x-4 gap-y-1.5 text-[13px]">
        {states.map((verdict) => (
          <li key={verdict.rule} className="inline-flex items-center gap-1.5" title={verdict.sentence}>
            <PassChip passed={verdict.passed} />
            {words(verdict.rule)}
          </li>
        ))}
      </ul>
      <div className="-mx-4">
        <DataTable
          caption="Risk rules with limit, value and headroom"
          rows={measured}
          rowKey={(verdict) => verdict.rule}
          columns={COLUMNS}
        />
      </div>
      <ul className="mt-2 flex flex-col gap-1">
        {decision.verdicts
          .filter((verdict) => !verdict.passed)
          .map((verdict) => (
            <li key={verdict.rule} className="text-[13px] text-bad">
              {verdict.sentence}
            </li>
          ))}
      </ul>
      <p className="mt-2 text-[12px] text-faint">
        Risk limits version {decision.riskLimitsVersion}, kill switch epoch {decision.killEpoch}.
      </p>
    </>
  );
}
