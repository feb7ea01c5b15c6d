"use client";
import type { FunctionReturnType } from "convex/server";
import { LineFigure } from "@/components/charts/LineFigure";
import { TableTwin } from "@/components/charts/TableTwin";
import { formatCount, formatDuration, formatLatency, formatNumber, formatPercent } from "@/components/format";
import { Hash } from "@/components/ui/CopyText";
import { Facts } from "@/components/ui/Figures";
import type { api } from "@/convex/_generated/api";

type Model = FunctionReturnType<typeof api.costs.console.current>["model"];

const bps = (value: number | undefined) => `${formatNumber(value, 2)} bps`;
const hourText = (hour: number) => `${String(Math.round(hour)).padStart(2, "0")}:00 UTC`;

/** Every number of a cost table, and the spread hour by hour where it is measured. */
export function CostModelView({ model, hash }: { model: Model; hash: string | undefined }) {
  const { spread, latency, marginTiers } = model;
  return (
    <div className="grid min-w-0 grid-cols-1 gap-6 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.2fr)]">
      <Facts
        rows={[
          ["Taker fee", bps(model.takerFeeBps)],
          ["Maker fee", bps(model.makerFeeBps)],
          [spread === undefined ? "Half spread" : "Half spread, mean of the day", bps(model.halfSpreadBps)],
          ["Slippage", bps(model.slippageBps)],
          [
            "Slippage, 90 % quantile",
            model.slippageP90Bps === undefined ? "not given" : bps(model.slippageP90Bps),
          ],
          ["A fill pays", model.charge ?? "p50"],
          [
            "Latency",
            latency === undefined
              ? "none"
              : `${formatLatency(latency.p50Ms)} median, ${formatLatency(latency.p90Ms)} at 90 %`,
          ],
          [
            "Funding",
            `${formatPercent(model.fundingRatePerInterval, 3)} every ${formatDuration(model.fundingIntervalMs)}`,
          ],
          ["Maintenance margin", formatPercent(model.maintenanceMarginRate, 2)],
          [
            "Margin tiers",
            marginTiers === undefined ? "one for every size" : formatCount(marginTiers.length),
          ],
          ["Liquidation fee", bps(model.liquidationFeeBps)],
          ["Share of a bar's volume", formatPercent(model.maxVolumeParticipation, 0)],
          ...(hash === undefined ? [] : [["Hash", <Hash key="h" value={hash} />] as const]),
        ]}
      />
      {spread === undefined ? (
        <p className="self-center text-center text-[13px] text-soft">
          One spread for every hour. A fitted model shows here how the spread widens over the day.
        </p>
      ) : (
        <SpreadByHour spread={spread} />
      )}
    </div>
  );
}

function SpreadByHour({ spread }: { spread: NonNullable<Model["spread"]> }) {
  const line = (name: string, values: number[], color: string, dashed: boolean) => ({
    name,
    color,
    dashed,
    points: values.map((value, hour) => ({ timeMs: hour, value })),
  });
  const widest = spread.p50Bps.indexOf(Math.max(...spread.p50Bps));
  return (
    <div className="min-w-0">
      <h3 className="eyebrow mb-1">Half spread by hour of the day, bps</h3>
      <LineFigure
        label={`Half spread by hour in UTC: widest at ${hourText(widest)} with ${bps(spread.p50Bps[widest])} at the median`}
        lines={[
          ...(spread.p99Bps === undefined ? [] : [line("p99", spread.p99Bps, "var(--down)", true)]),
          line("p90", spread.p90Bps, "var(--info)", true),
          line("p50", spread.p50Bps, "var(--gold)", false),
        ]}
        formatY={(value) => formatNumber(value, 2)}
        formatX={hourText}
        heightPx={240}
      />
      <TableTwin
        caption="Half spread by hour, bps"
        rows={spread.p50Bps.map((p50, hour) => ({
          hour,
          p50,
          p90: spread.p90Bps[hour],
          p99: spread.p99Bps?.[hour],
        }))}
        rowKey={(row) => String(row.hour)}
        columns={[
          { id: "hour", header: "Hour", lead: true, cell: (row) => hourText(row.hour) },
          { id: "p50", header: "p50, bps", numeric: true, cell: (row) => formatNumber(row.p50, 3) },
          { id: "p90", header: "p90, bps", numeric: true, cell: (row) => formatNumber(row.p90, 3) },
          { id: "p99", header: "p99, bps", numeric: true, cell: (row) => formatNumber(row.p99, 3) },
        ]}
      />
    </div>
  );
}
