import { createAdx, createAtr, createTrueRange, type RangeIndicator } from "./range";
import {
  createBollinger,
  createEma,
  createMacd,
  createRealisedVolatility,
  createRoc,
  createRsi,
  createSma,
  createZScore,
  type SeriesIndicator,
} from "./series";

/**
 * Batch forms over whole columns: one value per input, NaN while warming up. Each loops over the
 * streaming form, which is the only implementation.
 */
function mapSeries(values: Float64Array, indicator: SeriesIndicator): Float64Array {
  const out = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = indicator.next(values[i]!);
  return out;
}

/** Columns of equal length. */
export interface RangeColumns {
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
}

function mapRange({ high, low, close }: RangeColumns, indicator: RangeIndicator): Float64Array {
  const out = new Float64Array(close.length);
  for (let i = 0; i < close.length; i++) out[i] = indicator.next(high[i]!, low[i]!, close[i]!);
  return out;
}

/** Simple moving average. */
export const sma = (values: Float64Array, period: number) => mapSeries(values, createSma(period));
/** Exponential moving average, seeded with the simple average. */
export const ema = (values: Float64Array, period: number) => mapSeries(values, createEma(period));
/** Relative strength index (Wilder), 0..100. */
export const rsi = (values: Float64Array, period: number) => mapSeries(values, createRsi(period));
/** Rate of change in percent. */
export const roc = (values: Float64Array, period: number) => mapSeries(values, createRoc(period));
/** Rolling z-score. */
export const zScore = (values: Float64Array, period: number) => mapSeries(values, createZScore(period));
/** Realised volatility per bar of a column of log returns. */
export const realisedVolatility = (logReturns: Float64Array, period: number) =>
  mapSeries(logReturns, createRealisedVolatility(period));
/** True range. */
export const trueRange = (columns: RangeColumns) => mapRange(columns, createTrueRange());
/** Average true range (Wilder) in price units. */
export const atr = (columns: RangeColumns, period: number) => mapRange(columns, createAtr(period));

/** Moving average convergence divergence with its signal line and histogram. */
export function macd(values: Float64Array, fast: number, slow: number, signal: number) {
  const indicator = createMacd(fast, slow, signal);
  const rows = values.length;
  const out = {
    macd: new Float64Array(rows),
    signal: new Float64Array(rows),
    histogram: new Float64Array(rows),
  };
  for (let i = 0; i < rows; i++) {
    const value = indicator.next(values[i]!);
    out.macd[i] = value.macd;
    out.signal[i] = value.signal;
    out.histogram[i] = value.histogram;
  }
  return out;
}

/** Bollinger bands of `width` population deviations. */
export function bollinger(values: Float64Array, period: number, width: number) {
  const indicator = createBollinger(period, width);
  const rows = values.length;
  const out = {
    middle: new Float64Array(rows),
    upper: new Float64Array(rows),
    lower: new Float64Array(rows),
  };
  for (let i = 0; i < rows; i++) {
    const value = indicator.next(values[i]!);
    out.middle[i] = value.middle;
    out.upper[i] = value.upper;
    out.lower[i] = value.lower;
  }
  return out;
}

/** Average directional index and both directional indicators. */
export function adx({ high, low, close }: RangeColumns, period: number) {
  const indicator = createAdx(period);
  const rows = close.length;
  const out = {
    adx: new Float64Array(rows),
    plusDi: new Float64Array(rows),
    minusDi: new Float64Array(rows),
  };
  for (let i = 0; i < rows; i++) {
    const value = indicator.next(high[i]!, low[i]!, close[i]!);
    out.adx[i] = value.adx;
    out.plusDi[i] = value.plusDi;
    out.minusDi[i] = value.minusDi;
  }
  return out;
}
