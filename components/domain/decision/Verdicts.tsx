"use client";
import { formatCount, formatDuration, formatNumber, formatPercent, formatUsd, words } from "../../format";
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

/** Rule by rule: what was allowed, what it was, how far from the limit. */
export function Verdicts({ decision }: { decision: Decision }) {
  if (decision.verdicts.length === 0) return <p className="text-[13px] text-soft">No rule was evaluated.</p>;
  return (
    <>
      <div className="-mx-4 overflow-x-auto">
        <table className="datatable">
          <caption className="sr-only">Risk rules with limit, value and headroom</caption>
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col">Verdict</th>
              <th scope="col" className="num">
                Value
              </th>
              <th scope="col" className="num">
                Limit
              </th>
              <th scope="col" className="num">
                Headroom
              </th>
            </tr>
          </thead>
          <tbody>
            {decision.verdicts.map((verdict) => (
              <tr key={verdict.rule} title={verdict.sentence}>
                <td>{words(verdict.rule)}</td>
                <td>
                  <PassChip passed={verdict.passed} />
                </td>
                <td className="num">{formatRisk(verdict.value, verdict.unit)}</td>
                <td className="num">{formatRisk(verdict.limit, verdict.unit)}</td>
                <td className="num">{formatRisk(verdict.headroom, verdict.unit)}</td>
              </tr>
            ))}
          </tbody>
        </table>
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
