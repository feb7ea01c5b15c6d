import { timeframeMs } from "../market/timeframe";
import type { Timeframe } from "../market/types";
import type { FeatureSetSpec } from "./types";

const HOUR_MS = 3_600_000;
/** An exponential mean still weighs what lies three periods back with some 5 %; `warmupBars` counts alike. */
const PERIODS_REMEMBERED = 3;

/**
 * Bars of `timeframe` that a feature row looks back over: the set's warm-up, the memory of its slowest higher
 * timeframe, or the age up to which a side feed's point counts, whichever is longest.
 */
export function lookbackBars(spec: FeatureSetSpec, timeframe: Timeframe): number {
  const stepMs = timeframeMs(timeframe);
  const reach = spec.columns.map(({ params, timeframe: slower, feed }) => {
    const bars = params.bars ?? 0;
    if (slower !== undefined) return PERIODS_REMEMBERED * bars * (timeframeMs(slower) / stepMs);
    if (feed !== undefined) return bars + ((params.maxAgeHours ?? 0) * HOUR_MS) / stepMs;
    return bars;
  });
  return Math.max(spec.warmupBars, Math.ceil(Math.max(0, ...reach)));
}
