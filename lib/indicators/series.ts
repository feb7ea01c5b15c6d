import { createWindow, RollingWindow, requirePeriod } from "./window";

/**
 * Indicators of one series as streaming state machines: `next(value)` takes the next value and returns
 * the indicator at it, or NaN while it warms up. The batch forms in `batch.ts` loop over these, so both
 * give the same bits. Conventions are TA-Lib's (warm-up, seeds, Wilder smoothing).
 *
 * Fields are numbers, Float64Arrays or objects of such fields, so that `exportState` reads all of them.
 */
export interface SeriesIndicator {
  next(value: number): number;
}

class Sma implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    this.window = createWindow(period);
  }
  next(value: number): number {
    return this.window.push(value) ? this.window.mean() : Number.NaN;
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
      if (++this.count === this.period) this.average = this.sum / this.period;
    } else this.average = (value - this.average) * this.factor + this.average;
    return this.average;
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
      if (++this.count === period) this.average = this.sum / period;
    } else this.average = (this.average * (period - 1) + value) / period;
    return this.average;
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
    const gain = this.gains.next(Math.max(change, 0));
    const loss = this.losses.next(change < 0 ? -change : 0);
    const total = gain + loss;
    return total === 0 ? this.flatValue : 100 * (gain / total);
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

class Macd {
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
    this.count++;
    if (this.count < this.slow) return out;
    out.macd = fastValue - slowValue;
    out.signal = this.signalEma.next(out.macd);
    out.histogram = out.macd - out.signal;
    return out;
  }
}

/**
 * Moving average convergence divergence. As in TA-Lib both averages first exist at index slow - 1, so the
 * fast one is seeded with the last `fast` values up to there; the signal follows signal - 1 values later.
 * The returned object is reused by the next call.
 */
export function createMacd(fast: number, slow: number, signal: number): { next(value: number): MacdValue } {
  return new Macd(fast, slow, signal);
}

export interface BollingerValue {
  middle: number;
  upper: number;
  lower: number;
  /** Population standard deviation of the window. */
  deviation: number;
}

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
    this.window = createWindow(period);
  }
  next(value: number): BollingerValue {
    const { out, window, width } = this;
    if (!window.push(value)) return out;
    out.middle = window.mean();
    out.deviation = Math.sqrt(window.variance(out.middle));
    out.upper = out.middle + width * out.deviation;
    out.lower = out.middle - width * out.deviation;
    return out;
  }
}

/** Bollinger bands: mean of `period` values, plus and minus `width` deviations. The object is reused. */
export function createBollinger(period: number, width: number): { next(value: number): BollingerValue } {
  return new Bollinger(period, width);
}

/** Reads one figure from the window of the last `period` values, once it is full. */
export class WindowFigure implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number, least: number, read: (window: RollingWindow, newest: number) => number) {
    requirePeriod(period, least);
    this.window = new RollingWindow(period);
    // Not a field to be listed: it is what the indicator does, not what it remembers.
    Object.defineProperty(this, "read", { value: read, enumerable: false });
  }
  declare private readonly read: (window: RollingWindow, newest: number) => number;
  next(value: number): number {
    return this.window.push(value) ? this.read(this.window, value) : Number.NaN;
  }
}

/** Rate of change in percent over `period` values: (value / value[period ago] - 1) * 100. */
export function createRoc(period: number): SeriesIndicator {
  requirePeriod(period, 1);
  return new WindowFigure(period + 1, 2, (window, value) => {
    const before = window.oldest();
    return before === 0 ? 0 : (value / before - 1) * 100;
  });
}

/** Realised volatility per bar: the root mean square of `period` log returns (zero mean assumed). */
export function createRealisedVolatility(period: number): SeriesIndicator {
  return new WindowFigure(period, 1, (window) => Math.sqrt(window.meanSquare()));
}

/** Distance of the newest value from the mean of `period` values in population deviations; 0 if they are equal. */
export function createZScore(period: number): SeriesIndicator {
  return new WindowFigure(period, 2, (window, value) => {
    const mean = window.mean();
    const deviation = Math.sqrt(window.variance(mean));
    // Equal values may leave a deviation of rounding size, which must not be divided by.
    return deviation <= 1e-12 * Math.abs(mean) ? 0 : (value - mean) / deviation;
  });
}
