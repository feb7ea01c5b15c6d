/**
 * Market vocabulary shared by every room: instruments, timeframes and candles.
 * Pure data; no function here reads a clock.
 */

export const TIMEFRAMES = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d"] as const;
export type Timeframe = (typeof TIMEFRAMES)[number];

/** One closed bar. `openTimeMs` is the bar's OPEN time in UTC milliseconds, aligned to its timeframe. */
export interface Candle {
  openTimeMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** The same bars column by column; all arrays have equal length and `openTimeMs` strictly ascends. */
export interface CandleColumns {
  openTimeMs: Float64Array;
  open: Float64Array;
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
  volume: Float64Array;
}

/** When an instrument is expected to print bars. `always` trades 24/7; `metals` keeps New York metals hours. */
export type SessionCalendar = "always" | "metals";

export type GapCause = "weekend" | "dailyBreak" | "missing";

/** A hole between two stored bars. `fromMs` is the first missing open time, `toMs` the first present one after it. */
export interface Gap {
  fromMs: number;
  toMs: number;
  missingBars: number;
  cause: GapCause;
}

export interface CoverageReport {
  expectedBars: number;
  presentBars: number;
  coveragePct: number;
  /** Unexpected holes only (cause "missing"). */
  gaps: number;
  missingBars: number;
  verdict: "ok" | "degraded" | "failed";
}
