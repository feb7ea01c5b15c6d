import { TIMEFRAMES, type Timeframe } from "./types";

const MINUTE_MS = 60_000;

const TIMEFRAME_MS: Record<Timeframe, number> = {
  "1m": MINUTE_MS,
  "3m": 3 * MINUTE_MS,
  "5m": 5 * MINUTE_MS,
  "15m": 15 * MINUTE_MS,
  "30m": 30 * MINUTE_MS,
  "1h": 60 * MINUTE_MS,
  "2h": 120 * MINUTE_MS,
  "4h": 240 * MINUTE_MS,
  "6h": 360 * MINUTE_MS,
  "12h": 720 * MINUTE_MS,
  "1d": 1440 * MINUTE_MS,
};

/** Length of a bar in milliseconds. */
export function timeframeMs(timeframe: Timeframe): number {
  return TIMEFRAME_MS[timeframe];
}

/** True for a timeframe of the vocabulary; use it where text comes from outside. */
export function isTimeframe(text: string): text is Timeframe {
  return (TIMEFRAMES as readonly string[]).includes(text);
}

/** Open time of the bar that contains `timeMs`; bars are aligned to the Unix epoch in UTC. */
export function alignDown(timeMs: number, timeframe: Timeframe): number {
  const step = TIMEFRAME_MS[timeframe];
  return Math.floor(timeMs / step) * step;
}

/** First bar open time at or after `timeMs`. */
export function alignUp(timeMs: number, timeframe: Timeframe): number {
  const step = TIMEFRAME_MS[timeframe];
  return Math.ceil(timeMs / step) * step;
}
