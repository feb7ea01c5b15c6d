import type { ColumnsOf, RangeIndicator, RangeLines, SeriesIndicator } from "./indicator";
import { createWilder } from "./series";
import { RollingWindow, requirePeriod } from "./window";

class TrueRange implements RangeIndicator {
  private previousClose = Number.NaN;
  next(high: number, low: number, close: number): number {
    const before = this.previousClose;
    this.previousClose = close;
    if (Number.isNaN(before)) return Number.NaN;
    return Math.max(high - low, Math.abs(high - before), Math.abs(low - before));
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!, close[i]!);
  }
}

/** True range; needs the close before, so its first value is at index 1. */
export function createTrueRange(): RangeIndicator {
  return new TrueRange();
}

class Atr implements RangeIndicator {
  private readonly trueRange = createTrueRange();
  private readonly average: SeriesIndicator;
  constructor(period: number) {
    this.average = createWilder(period);
  }
  next(high: number, low: number, close: number): number {
    const range = this.trueRange.next(high, low, close);
    return Number.isNaN(range) ? range : this.average.next(range);
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!, close[i]!);
  }
}

/** Average true range (Wilder); first value at index `period`. */
export function createAtr(period: number): RangeIndicator {
  return new Atr(period);
}

class Natr implements RangeIndicator {
  private readonly atr: RangeIndicator;
  constructor(period: number) {
    this.atr = createAtr(period);
  }
  next(high: number, low: number, close: number): number {
    const range = this.atr.next(high, low, close);
    return close === 0 ? 0 : (range / close) * 100;
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!, close[i]!);
  }
}

/** Average true range in percent of the close; first value at index `period`. */
export function createNatr(period: number): RangeIndicator {
  return new Natr(period);
}

export interface AdxValue {
  /** Average directional index; first value at index 2 period - 1. */
  adx: number;
  /** Directional indicators; first values at index `period`. */
  plusDi: number;
  minusDi: number;
  /** Directional index, not averaged; first value at index `period`. */
  dx: number;
  /** Smoothed directional movements in price units; first values at index period - 1. */
  plusDm: number;
  minusDm: number;
}

class Adx implements RangeLines<AdxValue> {
  private readonly trueRange = createTrueRange();
  private readonly out: AdxValue = {
    adx: Number.NaN,
    plusDi: Number.NaN,
    minusDi: Number.NaN,
    dx: Number.NaN,
    plusDm: Number.NaN,
    minusDm: Number.NaN,
  };
  private bar = -1;
  private previousHigh = 0;
  private previousLow = 0;
  private plusSum = 0;
  private minusSum = 0;
  private rangeSum = 0;
  private dxSum = 0;

  constructor(private readonly period: number) {
    requirePeriod(period, 2);
  }

  private smooth(sum: number, value: number): number {
    return this.bar < this.period ? sum + value : sum - sum / this.period + value;
  }

  next(high: number, low: number, close: number): AdxValue {
    const { out, period } = this;
    // Later bars are all alike, and what is remembered must not tell where the series began.
    const bar = this.bar === 2 * period ? this.bar : ++this.bar;
    const range = this.trueRange.next(high, low, close);
    const up = high - this.previousHigh;
    const down = this.previousLow - low;
    this.previousHigh = high;
    this.previousLow = low;
    if (bar === 0) return out;
    this.plusSum = this.smooth(this.plusSum, up > 0 && up > down ? up : 0);
    this.minusSum = this.smooth(this.minusSum, down > 0 && down > up ? down : 0);
    this.rangeSum = this.smooth(this.rangeSum, range);
    if (bar < period - 1) return out;
    out.plusDm = this.plusSum;
    out.minusDm = this.minusSum;
    if (bar >= period) this.direct(bar);
    return out;
  }

  private direct(bar: number): void {
    const { out, period } = this;
    out.plusDi = this.rangeSum === 0 ? 0 : 100 * (this.plusSum / this.rangeSum);
    out.minusDi = this.rangeSum === 0 ? 0 : 100 * (this.minusSum / this.rangeSum);
    const total = out.plusDi + out.minusDi;
    const dx = total === 0 ? Number.NaN : 100 * (Math.abs(out.plusDi - out.minusDi) / total);
    if (!Number.isNaN(dx)) out.dx = dx;
    else if (bar === period) out.dx = 0;
    if (bar < 2 * period) {
      if (!Number.isNaN(dx)) this.dxSum += dx;
      if (bar === 2 * period - 1) {
        out.adx = this.dxSum / period;
        this.dxSum = 0;
      }
    } else if (!Number.isNaN(dx)) out.adx = (out.adx * (period - 1) + dx) / period;
  }
  batch(out: ColumnsOf<AdxValue>, high: Float64Array, low: Float64Array, close: Float64Array): void {
    const { adx, plusDi, minusDi, dx, plusDm, minusDm } = out;
    for (let i = 0; i < adx.length; i++) {
      const value = this.next(high[i]!, low[i]!, close[i]!);
      adx[i] = value.adx;
      plusDi[i] = value.plusDi;
      minusDi[i] = value.minusDi;
      dx[i] = value.dx;
      plusDm[i] = value.plusDm;
      minusDm[i] = value.minusDm;
    }
  }
}

/**
 * Directional movement (Wilder) with TA-Lib's start: the first sums hold period - 1 bars and are smoothed
 * from then on; ADX starts with the mean of `period` values of DX. A window without any range leaves ADX
 * and DX as they were and gives directional indicators of 0.
 */
export function createAdx(period: number): RangeLines<AdxValue> {
  return new Adx(period);
}

class Adxr implements RangeIndicator {
  private readonly direction: RangeLines<AdxValue>;
  private readonly earlier: RollingWindow;
  constructor(period: number) {
    this.direction = createAdx(period);
    this.earlier = new RollingWindow(period);
  }
  next(high: number, low: number, close: number): number {
    const { adx } = this.direction.next(high, low, close);
    return this.earlier.push(adx) ? (adx + this.earlier.oldest()) / 2 : Number.NaN;
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!, close[i]!);
  }
}

/** Average directional index rating: the mean of ADX now and period - 1 bars ago. */
export function createAdxr(period: number): RangeIndicator {
  return new Adxr(period);
}
