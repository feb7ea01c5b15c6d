import { timeframeMs } from "./timeframe";
import type { Candle, CandleColumns, Timeframe } from "./types";

/** Why a bar or a row of a file is refused. */
export type RejectReason =
  | "columnCount"
  | "nonNumeric"
  | "notFinite"
  | "nonPositivePrice"
  | "highBelowLow"
  | "highBelowBody"
  | "lowAboveBody"
  | "negativeVolume"
  | "timeOutOfRange"
  | "unaligned"
  | "unordered"
  | "duplicate"
  | "lineTooLong";

/** One sentence per reason, for reports. */
export const REJECT_TEXT: Record<RejectReason, string> = {
  columnCount: "the row does not have 6 fields",
  nonNumeric: "a field is empty or not a plain decimal number",
  notFinite: "a field is NaN or infinite",
  nonPositivePrice: "a price is zero or negative",
  highBelowLow: "high is below low",
  highBelowBody: "high is below open or close",
  lowAboveBody: "low is above open or close",
  negativeVolume: "volume is negative",
  timeOutOfRange: "the open time is not in milliseconds between 1970 and 2200",
  unaligned: "the open time is not a whole multiple of the timeframe",
  unordered: "the open time is before that of the previous accepted row",
  duplicate: "the open time equals that of the previous accepted row",
  lineTooLong: "the line is longer than 4096 bytes",
};

/** 2200-01-01: beyond it lie times in microseconds, which would block every later row. */
const LATEST_OPEN_TIME_MS = 7_258_118_400_000;

/** First rule that an open time breaks on its own, or null; `stepMs` is the bar length. */
export function validateOpenTime(openTimeMs: number, stepMs: number): RejectReason | null {
  if (!(openTimeMs >= 0 && openTimeMs < LATEST_OPEN_TIME_MS)) {
    return Number.isFinite(openTimeMs) ? "timeOutOfRange" : "notFinite";
  }
  return openTimeMs % stepMs === 0 ? null : "unaligned";
}

/** First rule that the values of a bar break, or null when it is sound. */
export function validatePrices(
  open: number,
  high: number,
  low: number,
  close: number,
  volume: number,
): RejectReason | null {
  // The sum is finite unless a part is NaN or infinite or the parts overflow, which no market reaches.
  if (!Number.isFinite(open + high + low + close + volume)) return "notFinite";
  if (open <= 0 || high <= 0 || low <= 0 || close <= 0) return "nonPositivePrice";
  if (high < low) return "highBelowLow";
  if (high < open || high < close) return "highBelowBody";
  if (low > open || low > close) return "lowAboveBody";
  if (volume < 0) return "negativeVolume";
  return null;
}

/** First rule that a bar breaks, or null. Order against its neighbours is checked by `validateColumns`. */
export function validateCandle(candle: Candle, timeframe: Timeframe): RejectReason | null {
  return (
    validateOpenTime(candle.openTimeMs, timeframeMs(timeframe)) ??
    validatePrices(candle.open, candle.high, candle.low, candle.close, candle.volume)
  );
}

/** Every broken bar of a batch with its index; a bar is compared with the last sound one before it. */
export function validateColumns(
  columns: CandleColumns,
  timeframe: Timeframe,
): Array<{ index: number; reason: RejectReason }> {
  const step = timeframeMs(timeframe);
  const broken: Array<{ index: number; reason: RejectReason }> = [];
  let previous = Number.NEGATIVE_INFINITY;
  const { openTimeMs, open, high, low, close, volume } = columns;
  for (let index = 0; index < openTimeMs.length; index++) {
    const time = openTimeMs[index]!;
    let reason = validateOpenTime(time, step);
    if (reason === null && time <= previous) reason = time === previous ? "duplicate" : "unordered";
    reason ??= validatePrices(open[index]!, high[index]!, low[index]!, close[index]!, volume[index]!);
    if (reason === null) previous = time;
    else broken.push({ index, reason });
  }
  return broken;
}
