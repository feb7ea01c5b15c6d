import { positionInRange, type StochasticValue } from "./momentum";
import type { RangeIndicator } from "./range";
import { createSma, type SeriesIndicator } from "./series";
import { RollingWindow, requirePeriod } from "./window";

/** Where the close stands in the recent range; conventions are TA-Lib's. */

class PriceRange {
  private readonly highs: RollingWindow;
  private readonly lows: RollingWindow;
  constructor(period: number) {
    requirePeriod(period, 1);
    this.highs = new RollingWindow(period);
    this.lows = new RollingWindow(period);
  }
  push(high: number, low: number): boolean {
    this.lows.push(low);
    return this.highs.push(high);
  }
  highest(): number {
    return this.highs.max();
  }
  lowest(): number {
    return this.lows.min();
  }
}

class Stochastic {
  private readonly range: PriceRange;
  private readonly smoothK: SeriesIndicator;
  private readonly smoothD: SeriesIndicator;
  private readonly out: StochasticValue = { k: Number.NaN, d: Number.NaN };
  private seen = 0;
  constructor(
    period: number,
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
}

/** Slow stochastic: %K smoothed over `slowK`, %D the average of that over `slowD`. The object is reused. */
export function createStochastic(
  period: number,
  slowK: number,
  slowD: number,
): { next(high: number, low: number, close: number): StochasticValue } {
  return new Stochastic(period, slowK, slowD);
}

class WilliamsR implements RangeIndicator {
  private readonly range: PriceRange;
  constructor(period: number) {
    this.range = new PriceRange(period);
  }
  next(high: number, low: number, close: number): number {
    const { range } = this;
    if (!range.push(high, low)) return Number.NaN;
    const highest = range.highest();
    const width = (highest - range.lowest()) / -100;
    return width === 0 ? 0 : (highest - close) / width;
  }
}

/** Williams %R, -100..0; first value at index period - 1. */
export function createWilliamsR(period: number): RangeIndicator {
  return new WilliamsR(period);
}

class Midprice {
  private readonly range: PriceRange;
  constructor(period: number) {
    this.range = new PriceRange(period);
  }
  next(high: number, low: number): number {
    return this.range.push(high, low) ? (this.range.highest() + this.range.lowest()) / 2 : Number.NaN;
  }
}

/** Middle of the highest high and the lowest low. */
export function createMidprice(period: number): { next(high: number, low: number): number } {
  return new Midprice(period);
}

export interface AroonValue {
  up: number;
  down: number;
  oscillator: number;
}

class Aroon {
  private readonly highs: RollingWindow;
  private readonly lows: RollingWindow;
  private readonly out: AroonValue = { up: Number.NaN, down: Number.NaN, oscillator: Number.NaN };
  constructor(private readonly period: number) {
    requirePeriod(period, 2);
    this.highs = new RollingWindow(period + 1);
    this.lows = new RollingWindow(period + 1);
  }
  next(high: number, low: number): AroonValue {
    const { out, highs, lows, period } = this;
    lows.push(low);
    if (!highs.push(high)) return out;
    const sinceHigh = highs.sinceMax();
    const sinceLow = lows.sinceMin();
    const factor = 100 / period;
    out.up = factor * (period - sinceHigh);
    out.down = factor * (period - sinceLow);
    out.oscillator = factor * (sinceLow - sinceHigh);
    return out;
  }
}

/** Aroon up, down and oscillator; first values at index `period`. The object is reused. */
export function createAroon(period: number): { next(high: number, low: number): AroonValue } {
  return new Aroon(period);
}

class Cci implements RangeIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    requirePeriod(period, 2);
    this.window = new RollingWindow(period);
  }
  next(high: number, low: number, close: number): number {
    const typical = (high + low + close) / 3;
    if (!this.window.push(typical)) return Number.NaN;
    const mean = this.window.mean();
    const deviation = this.window.meanDeviation(mean);
    const distance = typical - mean;
    return distance === 0 || deviation === 0 ? 0 : distance / (0.015 * deviation);
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
}

/** Ultimate oscillator of three periods, 0..100; first value at index of the longest period. */
export function createUltimateOscillator(short: number, middle: number, long: number): RangeIndicator {
  return new UltimateOscillator(short, middle, long);
}
