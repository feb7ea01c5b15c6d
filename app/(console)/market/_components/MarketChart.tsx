"use client";
import { useQuery } from "convex/react";
import { useMemo } from "react";
import { PriceChart } from "@/components/charts/PriceChart";
import { TableTwin } from "@/components/charts/TableTwin";
import { Age } from "@/components/domain/Age";
import { SimulatedTag } from "@/components/domain/chips";
import { type RunRow, runMarkers } from "@/components/domain/runView";
import {
  formatCompact,
  formatNumber,
  formatPrice,
  formatSignedPercent,
  formatTime,
  parseDay,
} from "@/components/format";
import { usePreferences } from "@/components/providers/PreferencesProvider";
import { Change } from "@/components/ui/Figures";
import { Panel } from "@/components/ui/Panel";
import { EmptyState, Skeleton } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { alignDown, timeframeMs } from "@/lib/market/timeframe";
import type { Timeframe } from "@/lib/market/types";

const BARS_SHOWN = 1_500;
const DAY_MS = 86_400_000;
const HEIGHT_PX = 460;

interface MarketChartProps {
  instrument: string;
  source: string;
  timeframe: Timeframe;
  run: RunRow | undefined;
  until: string | null;
  isSimulated: boolean;
}

/** The range a chosen run or day asks for; null means the newest bars. */
function rangeOf({ timeframe, run, until }: Pick<MarketChartProps, "timeframe" | "run" | "until">) {
  const barMs = timeframeMs(timeframe);
  const day = until === null ? null : parseDay(until);
  if (day !== null) {
    const toMs = day + DAY_MS;
    // Weekends leave fewer bars than slots, so ask for a third more time than bars.
    return { fromMs: toMs - Math.ceil(BARS_SHOWN * 1.4) * barMs, toMs };
  }
  if (run?.fromMs !== undefined && run.toMs !== undefined)
    return { fromMs: run.fromMs - 60 * barMs, toMs: run.toMs };
  return null;
}

export function MarketChart(props: MarketChartProps) {
  const { instrument, source, timeframe, run, isSimulated } = props;
  const { zone } = usePreferences();
  const range = rangeOf(props);
  const candles = useQuery(api.market.console.candles, {
    instrument,
    source,
    timeframe,
    limit: range === null ? BARS_SHOWN : 5_000,
    ...range,
  });
  const fills = useQuery(
    api.execution.console.fills,
    run === undefined ? "skip" : { runId: run._id, limit: 1_000 },
  );
  const orders = useQuery(
    api.execution.console.orders,
    run === undefined ? "skip" : { runId: run._id, limit: 1_000 },
  );
  const equity = useQuery(api.execution.console.equity, run === undefined ? "skip" : { runId: run._id });
  const firstMs = candles?.[0]?.openTimeMs ?? 0;
  const lastMs = candles?.at(-1)?.openTimeMs ?? 0;
  const markers = useMemo(
    () =>
      runMarkers(fills ?? [], orders ?? [])
        .map((marker) => ({ ...marker, timeMs: alignDown(marker.timeMs, timeframe) }))
        .filter((marker) => marker.timeMs >= firstMs && marker.timeMs <= lastMs),
    [fills, orders, firstMs, lastMs, timeframe],
  );
  const stop = useMemo(() => {
    // A coarser view keeps the stop that stood at the end of each of its bars.
    const byBar = new Map<number, number>();
    for (const [i, timeMs] of (equity?.timesMs ?? []).entries()) {
      byBar.set(alignDown(timeMs, timeframe), equity?.stopPrice[i] ?? 0);
    }
    return [...byBar]
      .map(([timeMs, value]) => ({ timeMs, value }))
      .filter((point) => point.timeMs >= firstMs && point.timeMs <= lastMs);
  }, [equity, timeframe, firstMs, lastMs]);

  const last = candles?.at(-1);
  const dayAgo = last && candles?.findLast((bar) => bar.openTimeMs <= last.openTimeMs - DAY_MS);
  const change = last && dayAgo ? last.close / dayAgo.close - 1 : null;
  return (
    <Panel
      flush
      title={
        <span className="inline-flex flex-wrap items-baseline gap-x-3">
          {instrument} {timeframe}
          <span className="text-[18px]">{formatPrice(last?.close)}</span>
          <span className="text-[13px] font-normal">
            <Change value={change}>{formatSignedPercent(change)}</Change>{" "}
            <span className="text-faint">over 24 h of bars</span>
          </span>
        </span>
      }
      actions={
        <span className="flex items-center gap-2 text-[12px] text-faint">
          {isSimulated ? <SimulatedTag /> : null}
          last bar <Age atMs={last?.openTimeMs} />
        </span>
      }
    >
      {candles === undefined ? (
        <Skeleton className="m-4 h-[460px]" />
      ) : candles.length === 0 ? (
        <EmptyState title="No bars in this range">Choose another day, timeframe or run.</EmptyState>
      ) : (
        <>
          <PriceChart
            label={`${instrument} ${timeframe} from ${source}: ${candles.length} candles up to ${formatTime(last?.openTimeMs, zone)}, last ${formatPrice(last?.close)}, ${markers.length} run markers`}
            candles={candles}
            markers={markers}
            stop={stop}
            heightPx={HEIGHT_PX}
          />
          <TableTwin
            caption="Candles"
            rows={candles}
            rowKey={(bar) => String(bar.openTimeMs)}
            columns={[
              {
                id: "time",
                header: "Open time",
                lead: true,
                cell: (bar) => formatTime(bar.openTimeMs, zone),
              },
              { id: "open", header: "Open", numeric: true, cell: (bar) => formatNumber(bar.open) },
              { id: "high", header: "High", numeric: true, cell: (bar) => formatNumber(bar.high) },
              { id: "low", header: "Low", numeric: true, cell: (bar) => formatNumber(bar.low) },
              { id: "close", header: "Close", numeric: true, cell: (bar) => formatNumber(bar.close) },
              { id: "volume", header: "Volume", numeric: true, cell: (bar) => formatCompact(bar.volume) },
            ]}
          />
        </>
      )}
    </Panel>
  );
}
