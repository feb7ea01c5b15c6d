import { createWilder } from "./series";
import { requirePeriod } from "./window";

/** Indicators of high, low and close; see `series.ts` for how they are used. */
export interface RangeIndicator {
  next(high: number, low: number, close: number): number;
}

/** True range; needs the close before, so its first value is at index 1. */
export function createTrueRange(): RangeIndicator {
  let previousClose = Number.NaN;
  return {
    next(high, low, close) {
      const before = previousClose;
      previousClose = close;
      if (Number.isNaN(before)) return Number.NaN;
      return Math.max(high - low, Math.abs(high - before), Math.abs(low - before));
    },
  };
}

/** Average true range (Wilder); first value at index `period`. */
export function createAtr(period: number): RangeIndicator {
  const trueRange = createTrueRange();
  const average = createWilder(period);
  return {
    next(high, low, close) {
      const range = trueRange.next(high, low, close);
      return Number.isNaN(range) ? range : average.next(range);
    },
  };
}

export interface AdxValue {
  /** Average directional index; first value at index 2 period - 1. */
  adx: number;
  /** Directional indicators; first values at index `period`. */
  plusDi: number;
  minusDi: number;
}

/**
 * Directional movement (Wilder) with TA-Lib's start: the first sums hold period - 1 bars and are smoothed
 * from then on; ADX starts with the mean of `period` values of DX. A window without any range leaves ADX
 * as it was and gives directional indicators of 0. The returned object is reused by the next call.
 */
export function createAdx(period: number): { next(high: number, low: number, close: number): AdxValue } {
  requirePeriod(period, 2);
  const trueRange = createTrueRange();
  const out: AdxValue = { adx: Number.NaN, plusDi: Number.NaN, minusDi: Number.NaN };
  let bar = -1;
  let previousHigh = 0;
  let previousLow = 0;
  let plusSum = 0;
  let minusSum = 0;
  let rangeSum = 0;
  let dxSum = 0;

  function smooth(sum: number, value: number): number {
    return bar < period ? sum + value : sum - sum / period + value;
  }

  return {
    next(high, low, close) {
      bar++;
      const range = trueRange.next(high, low, close);
      const up = high - previousHigh;
      const down = previousLow - low;
      previousHigh = high;
      previousLow = low;
      if (bar === 0) return out;
      plusSum = smooth(plusSum, up > 0 && up > down ? up : 0);
      minusSum = smooth(minusSum, down > 0 && down > up ? down : 0);
      rangeSum = smooth(rangeSum, range);
      if (bar < period) return out;
      out.plusDi = rangeSum === 0 ? 0 : 100 * (plusSum / rangeSum);
      out.minusDi = rangeSum === 0 ? 0 : 100 * (minusSum / rangeSum);
      const total = out.plusDi + out.minusDi;
      const dx = total === 0 ? Number.NaN : 100 * (Math.abs(out.plusDi - out.minusDi) / total);
      if (bar < 2 * period) {
        if (!Number.isNaN(dx)) dxSum += dx;
        if (bar === 2 * period - 1) out.adx = dxSum / period;
      } else if (!Number.isNaN(dx)) out.adx = (out.adx * (period - 1) + dx) / period;
      return out;
    },
  };
}
