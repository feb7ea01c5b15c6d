import { createColumns, sliceColumns } from "./columns";
import { timeframeMs } from "./timeframe";
import type { Candle, CandleColumns, Timeframe } from "./types";

export interface AggregateOptions {
  /** Timeframe of the source bars; with it the bar that ends a bucket closes it at once. */
  sourceTimeframe?: Timeframe;
  /** Time up to which the source is known to be complete; a bucket that ends at or before it is closed. */
  untilMs?: number;
}

/**
 * Bars of a higher timeframe: first open, highest high, lowest low, last close, summed volume. Only
 * closed buckets are given and only those with at least one source bar; nothing is filled in.
 *
 * A bucket is closed when a bar of a later bucket exists, when (with `sourceTimeframe`) the source bar
 * that covers its end exists, or when `untilMs` reaches its end. Same results as `CandleAggregator`.
 * Throws RangeError when the source timeframe does not divide the target.
 */
export function aggregateCandles(
  columns: CandleColumns,
  toTimeframe: Timeframe,
  options: AggregateOptions = {},
): CandleColumns {
  checkTimeframes(options.sourceTimeframe, toTimeframe);
  const step = timeframeMs(toTimeframe);
  const { openTimeMs, open, high, low, close, volume } = columns;
  const rows = openTimeMs.length;
  const out = createColumns(rows);
  let bars = 0;
  let bucketEnd = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < rows; i++) {
    const time = openTimeMs[i]!;
    if (time >= bucketEnd) {
      const bucketStart = Math.floor(time / step) * step;
      bucketEnd = bucketStart + step;
      out.openTimeMs[bars] = bucketStart;
      out.open[bars] = open[i]!;
      out.high[bars] = high[i]!;
      out.low[bars] = low[i]!;
      out.close[bars] = close[i]!;
      out.volume[bars] = volume[i]!;
      bars++;
      continue;
    }
    const bar = bars - 1;
    if (high[i]! > out.high[bar]!) out.high[bar] = high[i]!;
    if (low[i]! < out.low[bar]!) out.low[bar] = low[i]!;
    out.close[bar] = close[i]!;
    out.volume[bar]! += volume[i]!;
  }
  if (bars > 0) {
    const sourceMs = options.sourceTimeframe === undefined ? 0 : timeframeMs(options.sourceTimeframe);
    const completeTo = Math.max(
      options.untilMs ?? Number.NEGATIVE_INFINITY,
      openTimeMs[rows - 1]! + sourceMs,
    );
    if (completeTo < bucketEnd) bars--;
  }
  return sliceColumns(out, 0, bars);
}

/** Streaming twin of `aggregateCandles`: bars go in one by one, closed higher bars come out. */
export class CandleAggregator {
  private readonly stepMs: number;
  private readonly sourceMs: number;
  /** The open bucket; its openTimeMs is NaN while there is none. Plain fields, so that `exportState` reads them. */
  private openTimeMs = Number.NaN;
  private open = 0;
  private high = 0;
  private low = 0;
  private close = 0;
  private volume = 0;
  private lastOpenTimeMs = Number.NEGATIVE_INFINITY;

  /** Without `sourceTimeframe` a bucket closes only when a bar of a later one arrives. */
  constructor(toTimeframe: Timeframe, sourceTimeframe?: Timeframe) {
    checkTimeframes(sourceTimeframe, toTimeframe);
    this.stepMs = timeframeMs(toTimeframe);
    this.sourceMs = sourceTimeframe === undefined ? 0 : timeframeMs(sourceTimeframe);
  }

  /**
   * Takes the next closed source bar; returns the higher bars that it closes, oldest first: none, one, or
   * two after a hole (the bucket before the hole, and its own when it is also the last of its bucket).
   * Throws RangeError when the bar is not later than the one before.
   */
  push(candle: Candle): Candle[] {
    if (!(candle.openTimeMs > this.lastOpenTimeMs)) {
      throw new RangeError(`aggregate: bar ${candle.openTimeMs} is not later than ${this.lastOpenTimeMs}`);
    }
    this.lastOpenTimeMs = candle.openTimeMs;
    const closed = this.closeUntil(candle.openTimeMs);
    if (Number.isNaN(this.openTimeMs)) {
      this.openTimeMs = Math.floor(candle.openTimeMs / this.stepMs) * this.stepMs;
      this.open = candle.open;
      this.high = candle.high;
      this.low = candle.low;
      this.volume = candle.volume;
    } else {
      if (candle.high > this.high) this.high = candle.high;
      if (candle.low < this.low) this.low = candle.low;
      this.volume += candle.volume;
    }
    this.close = candle.close;
    closed.push(...this.closeUntil(candle.openTimeMs + this.sourceMs));
    return closed;
  }

  /** Closes the open bucket when the source is complete up to `timeMs` and that reaches the bucket's end. */
  closeUntil(timeMs: number): Candle[] {
    const { openTimeMs, open, high, low, close, volume } = this;
    // NaN: there is no open bucket, and the comparison is false.
    if (!(timeMs >= openTimeMs + this.stepMs)) return [];
    this.openTimeMs = Number.NaN;
    return [{ openTimeMs, open, high, low, close, volume }];
  }
}

function checkTimeframes(source: Timeframe | undefined, target: Timeframe): void {
  if (source !== undefined && timeframeMs(target) % timeframeMs(source) !== 0) {
    throw new RangeError(
      `aggregate: ${source} bars do not divide ${target} bars; choose a multiple of ${source}`,
    );
  }
}
