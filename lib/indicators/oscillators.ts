import type { ColumnsOf, HighLowIndicator, RangeIndicator, RangeLines, SeriesIndicator } from "./indicator";
import { addSecondLine, positionInRange, type StochasticValue } from "./momentum";
import { typicalPrice } from "./prices";
import { createSma } from "./series";
import { RollingExtreme, RollingWindow, requirePeriod } from "./window";
import { deviationColumns } from "./windowSums";

/** Where the close stands in the recent range; conventions are TA-Lib's. */

class PriceRange {
  private readonly highs: RollingExtreme;
  private readonly lows: RollingExtreme;
  constructor(period: number) {
    this.highs = new RollingExtreme(period, 1);
    this.lows = new RollingExtreme(period, -1);
  }
  push(high: number, low: number): boolean {
    this.lows.push(low);
    return this.highs.push(high);
  }
  highest(): number {
    return this.highs.value();
  }
  lowest(): number {
    return this.lows.value();
  }
  /** Highest and lowest of the window that ends at each bar, NaN until it is full. */
  columns(high: Float64Array, low: Float64Array): { highest: Float64Array; lowest: Float64Array } {
    const columns = { highest: new Float64Array(high.length), lowest: new Float64Array(high.length) };
    this.highs.batch(columns.highest, high);
    this.lows.batch(columns.lowest, low);
    return columns;
  }
}

class Stochastic implements RangeLines<StochasticValue> {
  private readonly range: PriceRange;
  private readonly smoothK: SeriesIndicator;
  private readonly smoothD: SeriesIndicator;
  private readonly out: StochasticValue = { k: Number.NaN, d: Number.NaN };
  private seen = 0;
  constructor(
    private readonly period: number,
    private readonly slowK: number,
    slowD: number,
  ) {
    this.range = new PriceRange(period);
    this.smoothK = createSma(slowK);
    this.smoothD = createSma(slowD);
  }
  next(high: number, low: number, close: number): StochasticValue {
    const { out, range } = this;
    if (!range.push(high, low)) return out;
    const k = this.smoothK.next(positionInRange(close, range.lowest(), range.highest()));
    if (++this.seen < this.slowK) return out;
    out.d = this.smoothD.next(k);
    // TA-Lib starts both lines together.
    out.k = Number.isNaN(out.d) ? Number.NaN : k;
    return out;
  }
  batch(
    { k, d }: ColumnsOf<StochasticValue>,
    high: Float64Array,
    low: Float64Array,
    close: Float64Array,
  ): void {
    const first = Math.min(k.length, this.period - 1);
    const { highest, lowest } = this.range.columns(high, low);
    // %K before it is smoothed takes the place of the highest values.
    for (let i = first; i < k.length; i++) highest[i] = positionInRange(close[i]!, lowest[i]!, highest[i]!);
    this.smoothK.batch(k.subarray(first), highest.subarray(first));
    addSecondLine({ k, d }, first + this.slowK - 1, this.smoothD);
  }
}

/** Slow stochastic: %K smoothed over `slowK`, %D the average of that over `slowD`. */
export function createStochastic(period: number, slowK: number, slowD: number): RangeLines<StochasticValue> {
  return new Stochastic(period, slowK, slowD);
}

class WilliamsR implements RangeIndicator {
  private readonly range: PriceRange;
  constructor(private readonly period: number) {
    this.range = new PriceRange(period);
  }
  private of(close: number, lowest: number, highest: number): number {
    const width = (highest - lowest) / -100;
    return width === 0 ? 0 : (highest - close) / width;
  }
  next(high: number, low: number, close: number): number {
    const { range } = this;
    return range.push(high, low) ? this.of(close, range.lowest(), range.highest()) : Number.NaN;
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void {
    const { highest, lowest } = this.range.columns(high, low);
    out.fill(Number.NaN, 0, Math.min(out.length, this.period - 1));
    for (let i = this.period - 1; i < out.length; i++) out[i] = this.of(close[i]!, lowest[i]!, highest[i]!);
  }
}

/** Williams %R, -100..0; first value at index period - 1. */
export function createWilliamsR(period: number): RangeIndicator {
  return new WilliamsR(period);
}

class Midprice implements HighLowIndicator {
  private readonly range: PriceRange;
  constructor(period: number) {
    this.range = new PriceRange(period);
  }
  next(high: number, low: number): number {
    return this.range.push(high, low) ? (this.range.highest() + this.range.lowest()) / 2 : Number.NaN;
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!);
  }
}

/** Middle of the highest high and the lowest low. */
export function createMidprice(period: number): HighLowIndicator {
  return new Midprice(period);
}

export interface AroonValue {
  up: number;
  down: number;
  oscillator: number;
}

class Aroon {
  private readonly highs: RollingExtreme;
  private readonly lows: RollingExtreme;
  private readonly out: AroonValue = { up: Number.NaN, down: Number.NaN, oscillator: Number.NaN };
  constructor(private readonly period: number) {
    requirePeriod(period, 2);
    this.highs = new RollingExtreme(period + 1, 1);
    this.lows = new RollingExtreme(period + 1, -1);
  }
  next(high: number, low: number): AroonValue {
    const { out, highs, lows, period } = this;
    lows.push(low);
    if (!highs.push(high)) return out;
    const factor = 100 / period;
    out.up = factor * (period - highs.age);
    out.down = factor * (period - lows.age);
    out.oscillator = factor * (lows.age - highs.age);
    return out;
  }
  batch({ up, down, oscillator }: ColumnsOf<AroonValue>, high: Float64Array, low: Float64Array): void {
    for (let i = 0; i < up.length; i++) {
      const value = this.next(high[i]!, low[i]!);
      up[i] = value.up;
      down[i] = value.down;
      oscillator[i] = value.oscillator;
    }
  }
}

/** Aroon up, down and oscillator; first values at index `period`. The object is reused. */
export function createAroon(period: number): Aroon {
  return new Aroon(period);
}

class Cci implements RangeIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    requirePeriod(period, 2);
    this.window = new RollingWindow(period);
  }
  private of(typical: number, mean: number, deviation: number): number {
    const distance = typical - mean;
    return distance === 0 || deviation === 0 ? 0 : distance / (0.015 * deviation);
  }
  next(high: number, low: number, close: number): number {
    const { window } = this;
    const typical = typicalPrice(high, low, close);
    if (!window.push(typical)) return Number.NaN;
    const mean = window.mean();
    return this.of(typical, mean, window.meanDeviation(mean));
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void {
    const { period } = this.window;
    const typical = new Float64Array(out.length);
    for (let i = 0; i < out.length; i++) typical[i] = typicalPrice(high[i]!, low[i]!, close[i]!);
    const means = new Float64Array(out.length);
    deviationColumns(means, out, typical, period);
    for (let i = period - 1; i < out.length; i++) out[i] = this.of(typical[i]!, means[i]!, out[i]!);
  }
}

/** Commodity channel index; first value at index period - 1. */
export function createCci(period: number): RangeIndicator {
  return new Cci(period);
}

class UltimateOscillator implements RangeIndicator {
  private readonly pressures: RollingWindow[];
  private readonly ranges: RollingWindow[];
  private previousClose = Number.NaN;
  private count = 0;
  constructor(short: number, middle: number, long: number) {
    const periods = [short, middle, long].sort((a, b) => a - b);
    this.pressures = periods.map((period) => new RollingWindow(period));
    this.ranges = periods.map((period) => new RollingWindow(period));
  }
  next(high: number, low: number, close: number): number {
    const before = this.previousClose;
    this.previousClose = close;
    if (this.count++ === 0) return Number.NaN;
    const floor = Math.min(low, before);
    const range = Math.max(high - low, Math.abs(before - high), Math.abs(before - low));
    let isFull = false;
    for (let i = 0; i < 3; i++) {
      this.pressures[i]!.push(close - floor);
      isFull = this.ranges[i]!.push(range);
    }
    if (!isFull) return Number.NaN;
    let total = 0;
    for (let i = 0; i < 3; i++) {
      const sum = this.ranges[i]!.sum();
      if (sum !== 0) total += (4 >> i) * (this.pressures[i]!.sum() / sum);
    }
    return 100 * (total / 7);
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!, close[i]!);
  }
}

/** Ultimate oscillator of three periods, 0..100; first value at index of the longest period. */
export function createUltimateOscillator(short: number, middle: number, long: number): RangeIndicator {
  return new UltimateOscillator(short, middle, long);
}
