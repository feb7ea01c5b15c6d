import { createWindow, requirePeriod } from "./window";

/**
 * Indicators of one series as streaming state machines: `next(value)` takes the next value and returns
 * the indicator at it, or NaN while it warms up. The batch forms in `batch.ts` loop over these, so both
 * give the same bits. Conventions are TA-Lib's (warm-up, seeds, Wilder smoothing).
 */
export interface SeriesIndicator {
  next(value: number): number;
}

/** Simple moving average; first value at index period - 1. */
export function createSma(period: number): SeriesIndicator {
  const window = createWindow(period);
  return { next: (value) => (window.push(value) ? window.mean() : Number.NaN) };
}

/** Exponential moving average, factor 2 / (period + 1), seeded with the mean of the first `period` values. */
export function createEma(period: number): SeriesIndicator {
  requirePeriod(period, 1);
  const factor = 2 / (period + 1);
  let count = 0;
  let sum = 0;
  let average = Number.NaN;
  return {
    next(value) {
      if (count < period) {
        sum += value;
        if (++count === period) average = sum / period;
      } else average = (value - average) * factor + average;
      return average;
    },
  };
}

/** Wilder's average: the mean of the first `period` values, then (previous (period - 1) + value) / period. */
export function createWilder(period: number): SeriesIndicator {
  requirePeriod(period, 1);
  let count = 0;
  let sum = 0;
  let average = Number.NaN;
  return {
    next(value) {
      if (count < period) {
        sum += value;
        if (++count === period) average = sum / period;
      } else average = (average * (period - 1) + value) / period;
      return average;
    },
  };
}

/**
 * Relative strength index (Wilder), 0..100; first value at index `period`. When no value changed at all
 * it is `flatValue`; TA-Lib gives 0 there, callers that need the neutral reading pass 50.
 */
export function createRsi(period: number, flatValue = 0): SeriesIndicator {
  requirePeriod(period, 2);
  const gains = createWilder(period);
  const losses = createWilder(period);
  let previous = Number.NaN;
  return {
    next(value) {
      const change = value - previous;
      const first = Number.isNaN(previous);
      previous = value;
      if (first) return Number.NaN;
      const gain = gains.next(Math.max(change, 0));
      const loss = losses.next(change < 0 ? -change : 0);
      const total = gain + loss;
      return total === 0 ? flatValue : 100 * (gain / total);
    },
  };
}

export interface MacdValue {
  macd: number;
  signal: number;
  histogram: number;
}

/**
 * Moving average convergence divergence. As in TA-Lib both averages first exist at index slow - 1, so the
 * fast one is seeded with the last `fast` values up to there; the signal follows signal - 1 values later.
 * The returned object is reused by the next call.
 */
export function createMacd(fast: number, slow: number, signal: number): { next(value: number): MacdValue } {
  if (fast >= slow) throw new RangeError(`macd: fast period ${fast} must be below slow period ${slow}`);
  const fastEma = createEma(fast);
  const slowEma = createEma(slow);
  const signalEma = createEma(signal);
  const out: MacdValue = { macd: Number.NaN, signal: Number.NaN, histogram: Number.NaN };
  let count = 0;
  return {
    next(value) {
      const slowValue = slowEma.next(value);
      const fastValue = count >= slow - fast ? fastEma.next(value) : Number.NaN;
      count++;
      if (count < slow) return out;
      out.macd = fastValue - slowValue;
      out.signal = signalEma.next(out.macd);
      out.histogram = out.macd - out.signal;
      return out;
    },
  };
}

export interface BollingerValue {
  middle: number;
  upper: number;
  lower: number;
  /** Population standard deviation of the window. */
  deviation: number;
}

/** Bollinger bands: mean of `period` values, plus and minus `width` deviations. The object is reused. */
export function createBollinger(period: number, width: number): { next(value: number): BollingerValue } {
  const window = createWindow(period);
  const nan = Number.NaN;
  const out: BollingerValue = { middle: nan, upper: nan, lower: nan, deviation: nan };
  return {
    next(value) {
      if (!window.push(value)) return out;
      out.middle = window.mean();
      out.deviation = Math.sqrt(window.variance(out.middle));
      out.upper = out.middle + width * out.deviation;
      out.lower = out.middle - width * out.deviation;
      return out;
    },
  };
}

/** Rate of change in percent over `period` values: (value / value[period ago] - 1) * 100. */
export function createRoc(period: number): SeriesIndicator {
  requirePeriod(period, 1);
  const window = createWindow(period + 1);
  return {
    next(value) {
      if (!window.push(value)) return Number.NaN;
      const before = window.oldest();
      return before === 0 ? 0 : (value / before - 1) * 100;
    },
  };
}

/** Realised volatility per bar: the root mean square of `period` log returns (zero mean assumed). */
export function createRealisedVolatility(period: number): SeriesIndicator {
  const window = createWindow(period);
  return { next: (logReturn) => (window.push(logReturn) ? Math.sqrt(window.meanSquare()) : Number.NaN) };
}

/** Distance of the newest value from the mean of `period` values in population deviations; 0 if they are equal. */
export function createZScore(period: number): SeriesIndicator {
  requirePeriod(period, 2);
  const window = createWindow(period);
  return {
    next(value) {
      if (!window.push(value)) return Number.NaN;
      const mean = window.mean();
      const deviation = Math.sqrt(window.variance(mean));
      // Equal values may leave a deviation of rounding size, which must not be divided by.
      return deviation <= 1e-12 * Math.abs(mean) ? 0 : (value - mean) / deviation;
    },
  };
}
