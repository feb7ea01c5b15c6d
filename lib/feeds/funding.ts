import { comparePoints } from "./chunk";
import type { FeedPoint } from "./types";

/**
 * Settled funding rates as the kernel of money asks for them: the rate of the settlement at `timeMs`, or NaN where
 * none was known by the close of a bar of `barMs` that opens with the settlement; the cost model's rate holds
 * there. Paper, backtest and training ask with the same bar length, so they are charged the same.
 */
export function settledFunding(points: readonly FeedPoint[], barMs: number): (timeMs: number) => number {
  const rates = new Map<number, number>();
  for (const point of [...points].sort(comparePoints)) {
    if (point.availableAtMs <= point.eventAtMs + barMs) rates.set(point.eventAtMs, point.value);
  }
  return (timeMs) => rates.get(timeMs) ?? Number.NaN;
}
