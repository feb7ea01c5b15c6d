import type { FunctionReturnType } from "convex/server";
import type { api } from "@/convex/_generated/api";
import { timeframeMs } from "../../lib/market/timeframe";
import type { ChartMarker } from "../charts/PriceChart";

/** A run as lists have it; without progress while it is active. */
export type RunRow = FunctionReturnType<typeof api.runs.console.get>;
/** A run with its progress as of now. */
export type Run = RunRow & NonNullable<RunRow["progress"]>;
type Fill = FunctionReturnType<typeof api.execution.console.fills>[number];
type Order = FunctionReturnType<typeof api.execution.console.orders>[number];

export function isActive(run: Pick<Run, "status">): boolean {
  return run.status === "queued" || run.status === "running" || run.status === "paused";
}

/** Bars shown before the run began, for context. */
const LEAD_IN_BARS = 60;
/** Longer replays are shown window by window, in steps of this many bars. */
const BLOCK_BARS = 1_000;
const WINDOW_BLOCKS = 3;

type Windowed = Pick<Run, "feed" | "timeframe" | "fromMs" | "toMs" | "lastBarOpenTimeMs" | "createdAtMs">;

/**
 * The bars to ask for. It changes only every thousand bars, so a replay at full speed does not ask again at
 * each bar; what has not arrived yet is cut off by `arrivedCount`.
 */
export function candleWindow(run: Windowed): { fromMs: number; toMs?: number } {
  const barMs = timeframeMs(run.timeframe);
  const startMs = run.fromMs ?? run.createdAtMs;
  if (run.feed === "live" || run.toMs === undefined) return { fromMs: startMs - LEAD_IN_BARS * barMs };
  const blockMs = BLOCK_BARS * barMs;
  const lastMs = run.lastBarOpenTimeMs ?? startMs;
  if (run.toMs - startMs <= WINDOW_BLOCKS * blockMs)
    return { fromMs: startMs - LEAD_IN_BARS * barMs, toMs: run.toMs };
  const block = Math.floor((lastMs - startMs) / blockMs);
  const fromMs = startMs + Math.max(0, block - 1) * blockMs;
  return {
    fromMs: fromMs - LEAD_IN_BARS * barMs,
    toMs: Math.min(run.toMs, fromMs + WINDOW_BLOCKS * blockMs),
  };
}

/** How many of the ascending bars the run has seen: a replay must not show its own future. */
export function arrivedCount(
  bars: readonly { openTimeMs: number }[],
  run: Pick<Run, "feed" | "fromMs" | "lastBarOpenTimeMs">,
): number {
  if (run.feed === "live") return bars.length;
  const lastMs = run.lastBarOpenTimeMs ?? (run.fromMs ?? 0) - 1;
  let low = 0;
  let high = bars.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bars[middle]!.openTimeMs <= lastMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Fills as arrows and squares, order decisions as dots; ascending in time, as the chart wants them. */
export function runMarkers(fills: readonly Fill[], orders: readonly Order[]): ChartMarker[] {
  const markers: ChartMarker[] = [];
  for (const fill of fills) {
    const kind = fill.reason === "order" ? (fill.qty > 0 ? "buy" : "sell") : fill.reason;
    markers.push({ id: `fill:${fill.tradeId}`, timeMs: fill.timeMs, kind });
  }
  for (const order of orders) {
    if (order.decisionId === undefined) continue;
    const kind = order.reduceOnly ? "wantsFlat" : order.qty > 0 ? "wantsLong" : "wantsShort";
    markers.push({ id: `decision:${order.decisionId}`, timeMs: order.barOpenTimeMs, kind });
  }
  return markers.sort((a, b) => a.timeMs - b.timeMs);
}

/** Orders and fills to ask for: while a run is active each bar may ask again, so only the newest then. */
export function tradeLimit(run: Pick<Run, "status">): number {
  return isActive(run) ? 120 : 1_000;
}

/** "as fast as possible", "60 × (1 min per s)". */
export function speedText(speed: number): string {
  return speed === 0 ? "as fast as possible" : `${speed.toLocaleString("en-US")} × real time`;
}
