"use client";
import { useMemo } from "react";
import { api } from "@/convex/_generated/api";
import type { Candle } from "@/lib/market/types";
import type { PricePoint } from "../charts/chartData";
import { PriceChart, type PriceLevel } from "../charts/PriceChart";
import { TableTwin } from "../charts/TableTwin";
import { formatNumber, formatSignedUsd, formatTime, formatUsd } from "../format";
import { usePacedQuery } from "../hooks/usePacedQuery";
import { usePreferences } from "../providers/PreferencesProvider";
import { arrivedCount, candleWindow, type Run, runMarkers, tradeLimit } from "./runView";
import { useEquity } from "./useEquity";

const NO_BARS: readonly Candle[] = [];

interface RunChartProps {
  run: Run;
  heightPx?: number;
  onDecision?: (decisionId: string) => void;
}

/** The run on its market: candles up to the bar it has seen, decisions, fills, stop, entry and equity. */
export function RunChart({ run, heightPx = 440, onDecision }: RunChartProps) {
  const { zone } = usePreferences();
  const window = candleWindow(run);
  const limit = tradeLimit(run);
  const loaded = usePacedQuery(api.market.console.candles, {
    instrument: run.instrument,
    timeframe: run.timeframe,
    source: run.source,
    limit: 5_000,
    ...window,
  });
  const fills = usePacedQuery(api.execution.console.fills, { runId: run._id, limit });
  const orders = usePacedQuery(api.execution.console.orders, { runId: run._id, limit });
  const history = useEquity(run);
  const account = usePacedQuery(api.execution.console.account, { runId: run._id });

  const count = loaded === undefined ? 0 : arrivedCount(loaded, run);
  const candles = useMemo(() => loaded?.slice(0, count) ?? NO_BARS, [loaded, count]);
  const firstMs = candles[0]?.openTimeMs ?? 0;
  const markers = useMemo(
    () => runMarkers(fills ?? [], orders ?? []).filter((marker) => marker.timeMs >= firstMs),
    [fills, orders, firstMs],
  );
  const series = useMemo(() => {
    const shown = (points: readonly PricePoint[]) => points.filter((point) => point.timeMs >= firstMs);
    return { equity: shown(history?.equity ?? []), stop: shown(history?.stop ?? []) };
  }, [history, firstMs]);

  const entryPrice = account?.account.positionQty ? account.account.entryPrice : 0;
  const stopPrice = account?.account.positionQty ? account.account.stopPrice : 0;
  const levels = useMemo<PriceLevel[]>(
    () => [
      { title: "entry", price: entryPrice, tone: "soft" },
      { title: "stop", price: stopPrice, tone: "gold" },
    ],
    [entryPrice, stopPrice],
  );

  const pnlUsd = run.equityUsd - run.initialBalanceUsd;
  const label = `${run.instrument} ${run.timeframe} candles of ${run.name}: ${candles.length} bars, ${run.decisions} decisions, ${run.fills} fills, equity ${formatUsd(run.equityUsd)}, ${formatSignedUsd(pnlUsd)} since the start`;
  return (
    <div data-testid="run-chart" data-bars={candles.length}>
      <PriceChart
        label={label}
        candles={candles}
        markers={markers}
        stop={series.stop}
        levels={levels}
        equity={series.equity}
        heightPx={heightPx}
        onMarker={(id) => {
          const [kind, decisionId] = id.split(":");
          if (kind === "decision" && decisionId !== undefined) onDecision?.(decisionId);
        }}
      />
      <TableTwin
        caption="Bars of the run"
        rows={candles}
        rowKey={(bar) => String(bar.openTimeMs)}
        columns={[
          { id: "time", header: "Open time", lead: true, cell: (bar) => formatTime(bar.openTimeMs, zone) },
          { id: "open", header: "Open", numeric: true, cell: (bar) => formatNumber(bar.open) },
          { id: "high", header: "High", numeric: true, cell: (bar) => formatNumber(bar.high) },
          { id: "low", header: "Low", numeric: true, cell: (bar) => formatNumber(bar.low) },
          { id: "close", header: "Close", numeric: true, cell: (bar) => formatNumber(bar.close) },
        ]}
      />
    </div>
  );
}
