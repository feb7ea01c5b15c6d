"use client";
import type { FunctionReturnType } from "convex/server";
import { formatPercent, formatSignedUsd, formatUsd } from "@/components/format";
import type { api } from "@/convex/_generated/api";

type Performance = FunctionReturnType<typeof api.evaluations.console.get>["performance"];

/** Where the money went: each cost as a bar, and what there was before costs. */
export function CostSplit({ performance }: { performance: Performance }) {
  const { feesUsd, slippageUsd, fundingUsd } = performance.costs;
  const parts = [
    { name: "Fees", usd: feesUsd, color: "var(--gold)" },
    { name: "Slippage and spread", usd: slippageUsd, color: "var(--down)" },
    { name: fundingUsd < 0 ? "Funding received" : "Funding paid", usd: fundingUsd, color: "var(--info)" },
  ];
  const total = parts.reduce((sum, part) => sum + Math.abs(part.usd), 0);
  const costsUsd = feesUsd + slippageUsd + fundingUsd;
  return (
    <div className="flex flex-col gap-2.5 text-[13px]">
      {parts.map((part) => (
        <div key={part.name} className="grid grid-cols-[140px_1fr_auto] items-center gap-3">
          <span className="text-soft">{part.name}</span>
          <span className="h-2 overflow-hidden rounded-full bg-raised" aria-hidden>
            <span
              className="block h-full rounded-full"
              style={{
                width: total > 0 ? `${(Math.abs(part.usd) / total) * 100}%` : 0,
                background: part.color,
              }}
            />
          </span>
          <span className="text-right">
            {formatUsd(part.usd)}{" "}
            <span className="text-faint">
              {total > 0 ? formatPercent(Math.abs(part.usd) / total, 0) : ""}
            </span>
          </span>
        </div>
      ))}
      <p className="border-t border-line pt-2.5 text-soft">
        {formatUsd(costsUsd)} of costs in all; before costs the result was{" "}
        {formatSignedUsd(performance.netPnlUsd + costsUsd)}.
      </p>
    </div>
  );
}
