"use client";
import type { FunctionReturnType } from "convex/server";
import type { ReactNode } from "react";
import {
  formatCount,
  formatNumber,
  formatPercent,
  formatSignedUsd,
  formatUsd,
  words,
} from "@/components/format";
import { Change } from "@/components/ui/Figures";
import type { api } from "@/convex/_generated/api";

type Evaluation = FunctionReturnType<typeof api.evaluations.console.get>;
type Performance = Evaluation["performance"];

type Exposure = Performance["exposureByInstrument"][string];

/** Exposure of the evaluated instrument; a policy that never traded has none. */
function exposureOf(performance: Performance): Exposure | undefined {
  return Object.values(performance.exposureByInstrument)[0];
}

const ROWS: readonly (readonly [string, (performance: Performance) => ReactNode])[] = [
  ["Net PnL", (p) => <Change value={p.netPnlUsd}>{formatSignedUsd(p.netPnlUsd)}</Change>],
  ["Sharpe", (p) => formatNumber(p.sharpe.value)],
  ["Max drawdown", (p) => formatPercent(p.maxDrawdownFraction)],
  ["Trades", (p) => formatCount(p.tradeCount)],
  ["Win rate", (p) => formatPercent(p.winRate, 1)],
  ["Turnover", (p) => `${formatNumber(p.turnover, 1)} ×`],
  ["Fees", (p) => formatUsd(p.costs.feesUsd)],
  ["Slippage", (p) => formatUsd(p.costs.slippageUsd)],
  ["Funding paid", (p) => formatSignedUsd(p.costs.fundingUsd)],
  ["Long", (p) => formatPercent(exposureOf(p)?.longFraction, 0)],
  ["Short", (p) => formatPercent(exposureOf(p)?.shortFraction, 0)],
  ["Flat", (p) => formatPercent(exposureOf(p)?.flatFraction, 0)],
  ["Mean notional", (p) => formatUsd(exposureOf(p)?.meanNotionalUsd, 0)],
  ["Average win", (p) => formatSignedUsd(p.averageWinUsd)],
  ["Average loss", (p) => formatSignedUsd(p.averageLossUsd)],
  ["Stops hit", (p) => formatCount(p.stops)],
  ["Liquidations", (p) => formatCount(p.liquidations)],
];

/** The policy and the baselines side by side; it scrolls inside its box on narrow screens. */
export function BaselineTable({ evaluation }: { evaluation: Evaluation }) {
  const columns = [
    { name: "policy", rule: "the evaluated version", performance: evaluation.performance },
    ...evaluation.baselines,
  ];
  return (
    <div className="overflow-x-auto">
      <table className="datatable" data-testid="baselines">
        <caption className="sr-only">Policy and baselines side by side</caption>
        <thead>
          <tr>
            <th scope="col" className="left-0 z-10">
              Figure
            </th>
            {columns.map((column) => (
              <th key={column.name} scope="col" className="num" title={column.rule}>
                {words(column.name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ROWS.map(([label, cell]) => (
            <tr key={label}>
              <th scope="row" className="sticky left-0 text-[12px]! tracking-normal! normal-case">
                {label}
              </th>
              {columns.map((column, index) => (
                <td key={column.name} className={index === 0 ? "num bg-gold/5 font-medium" : "num text-soft"}>
                  {cell(column.performance)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
