import type { ColumnsOf, SeriesIndicator, SeriesLines } from "./indicator";
import { RollingWindow, requirePeriod } from "./window";
import { sumColumn, varianceColumns } from "./windowSums";

/** Indicators of one series. Conventions are TA-Lib's (warm-up, seeds, Wilder smoothing). */

class Sma implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    this.window = new RollingWindow(period);
  }
  next(value: number): number {
    return this.window.push(value) ? this.window.mean() : Number.NaN;
  }
  batch(out: Float64Array, values: Float64Array): void {
    const { period } = this.window;
    sumColumn(out, values, period);
    for (let i = period - 1; i < out.length; i++) out[i] = out[i]! / period;
  }
}

/** Simple moving average; first value at index period - 1. */
export function createSma(period: number): SeriesIndicator {
  return new Sma(period);
}

class Ema implements SeriesIndicator {
  private readonly factor: number;
  private count = 0;
  private sum = 0;
  private average = Number.NaN;
  constructor(private readonly period: number) {
    requirePeriod(period, 1);
    this.factor = 2 / (period + 1);
  }
  next(value: number): number {
    if (this.count < this.period) {
      this.sum += value;
      if (++this.count === this.period) {
        this.average = this.sum / this.period;
        this.sum = 0;
      }
    } else this.average = (value - this.average) * this.factor + this.average;
    return this.average;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Exponential moving average, factor 2 / (period + 1), seeded with the mean of the first `period` values. */
export function createEma(period: number): SeriesIndicator {
  return new Ema(period);
}

class Wilder implements SeriesIndicator {
  private count = 0;
  private sum = 0;
  private average = Number.NaN;
  constructor(private readonly period: number) {
    requirePeriod(period, 1);
  }
  next(value: number): number {
    const { period } = this;
    if (this.count < period) {
      this.sum += value;
      if (++this.count === period) {
        this.average = this.sum / period;
        this.sum = 0;
      }
    } else this.average = (this.average * (period - 1) + value) / period;
    return this.average;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Wilder's average: the mean of the first `period` values, then (previous (period - 1) + value) / period. */
export function createWilder(period: number): SeriesIndicator {
  return new Wilder(period);
}

class Rsi implements SeriesIndicator {
  private readonly gains: SeriesIndicator;
  private readonly losses: SeriesIndicator;
  private previous = Number.NaN;
  constructor(
    period: number,
    private readonly flatValue: number,
  ) {
    requirePeriod(period, 2);
    this.gains = createWilder(period);
    this.losses = createWilder(period);
  }
  next(value: number): number {
    const change = value - this.previous;
    const first = Number.isNaN(this.previous);
    this.previous = value;
    if (first) return Number.NaN;
    // No branch: nobody can guess which way a price goes, and a processor that guesses wrong starts over.
    const gain = this.gains.next(change * Number(change > 0));
    const loss = this.losses.next(-change * Number(change < 0));
    const total = gain + loss;
    return total === 0 ? this.flatValue : 100 * (gain / total);
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/**
 * Relative strength index (Wilder), 0..100; first value at index `period`. When no value changed at all
 * it is `flatValue`; TA-Lib gives 0 there, callers that need the neutral reading pass 50.
 */
export function createRsi(period: number, flatValue = 0): SeriesIndicator {
  return new Rsi(period, flatValue);
}

export interface MacdValue {
  macd: number;
  signal: number;
  histogram: number;
}

class Macd implements SeriesLines<MacdValue> {
  private readonly fastEma: SeriesIndicator;
  private readonly slowEma: SeriesIndicator;
  private readonly signalEma: SeriesIndicator;
  private readonly out: MacdValue = { macd: Number.NaN, signal: Number.NaN, histogram: Number.NaN };
  private count = 0;
  constructor(
    private readonly fast: number,
    private readonly slow: number,
    signal: number,
  ) {
    if (fast >= slow) throw new RangeError(`macd: fast period ${fast} must be below slow period ${slow}`);
    this.fastEma = createEma(fast);
    this.slowEma = createEma(slow);
    this.signalEma = createEma(signal);
  }
  next(value: number): MacdValue {
    const { out } = this;
    const slowValue = this.slowEma.next(value);
    const fastValue = this.count >= this.slow - this.fast ? this.fastEma.next(value) : Number.NaN;
    if (this.count < this.slow) this.count++;
    if (this.count < this.slow) return out;
    out.macd = fastValue - slowValue;
    out.signal = this.signalEma.next(out.macd);
    out.histogram = out.macd - out.signal;
    return out;
  }
  batch({ macd, signal, histogram }: ColumnsOf<MacdValue>, values: Float64Array): void {
    for (let i = 0; i < values.length; i++) {
      const value = this.next(values[i]!);
      macd[i] = value.macd;
      signal[i] = value.signal;
      histogram[i] = value.histogram;
    }
  }
}

/**
 * Moving average convergence divergence. As in TA-Lib both averages first exist at index slow - 1, so the
 * fast one is seeded with the last `fast` values up to there; the signal follows signal - 1 values later.
 */
export function createMacd(fast: number, slow: number, signal: number): SeriesLines<MacdValue> {
  return new Macd(fast, slow, signal);
}

export interface BollingerValue {
  middle: number;
  upper: number;
  lower: number;
  /** Population standard deviation of the window. */
  deviation: number;
}

type Bands = Pick<BollingerValue, "middle" | "upper" | "lower">;

class Bollinger {
  private readonly window: RollingWindow;
  private readonly out: BollingerValue = {
    middle: Number.NaN,
    upper: Number.NaN,
    lower: Number.NaN,
    deviation: Number.NaN,
  };
  constructor(
    period: number,
    private readonly width: number,
  ) {
    this.window = new RollingWindow(period);
  }
  private place(middle: number, variance: number): BollingerValue {
    const { out, width } = this;
    out.middle = middle;
    out.deviation = Math.sqrt(variance);
    out.upper = out.middle + width * out.deviation;
    out.lower = out.middle - width * out.deviation;
    return out;
  }
  next(value: number): BollingerValue {
    const { out, window } = this;
    if (!window.push(value)) return out;
    const middle = window.mean();
    return this.place(middle, window.variance(middle));
  }
  batch({ middle, upper, lower }: ColumnsOf<Bands>, values: Float64Array): void {
    varianceColumns(middle, upper, values, this.window.period);
    for (let i = 0; i < values.length; i++) {
      const bands = this.place(middle[i]!, upper[i]!);
      upper[i] = bands.upper;
      lower[i] = bands.lower;
    }
  }
}

/** Bollinger bands: mean of `period` values, plus and minus `width` deviations. The object is reused. */
export function createBollinger(
  period: number,
  width: number,
): { next(value: number): BollingerValue; batch(out: ColumnsOf<Bands>, values: Float64Array): void } {
  return new Bollinger(period, width);
}

class RealisedVolatility implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    this.window = new RollingWindow(period);
  }
  next(value: number): number {
    return this.window.push(value) ? Math.sqrt(this.window.meanSquare()) : Number.NaN;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Realised volatility per bar: the root mean square of `period` log returns (zero mean assumed). */
export function createRealisedVolatility(period: number): SeriesIndicator {
  return new RealisedVolatility(period);
}

class ZScore implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    requirePeriod(period, 2);
    this.window = new RollingWindow(period);
  }
  next(value: number): number {
    const { window } = this;
    if (!window.push(value)) return Number.NaN;
    const mean = window.mean();
    const deviation = Math.sqrt(window.variance(mean));
    // Equal values may leave a deviation of rounding size, which must not be divided by.
    return deviation <= 1e-12 * Math.abs(mean) ? 0 : (value - mean) / deviation;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Distance of the newest value from the mean of `period` values in population deviations; 0 if they are equal. */
export function createZScore(period: number): SeriesIndicator {
  return new ZScore(period);
}
