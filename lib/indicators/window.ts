import { windowDistances, windowSquares, windowSum } from "./windowSums";

/** The last `period` values of a series and sums over them. */
export class RollingWindow {
  /** Every value is kept twice, `period` apart, so that the window is always one unbroken stretch. */
  readonly values: Float64Array;
  /** Index of the oldest value of a full window; the newest is at from + period - 1. */
  from = 0;
  private filled = 0;

  constructor(readonly period: number) {
    requirePeriod(period, 1);
    this.values = new Float64Array(2 * period);
  }

  /** Adds a value; returns false until `period` values are present. */
  push(value: number): boolean {
    const { values, from, period } = this;
    values[from] = value;
    values[from + period] = value;
    this.from = from + 1 === period ? 0 : from + 1;
    return this.filled === period || ++this.filled === period;
  }

  /** The same window, its buffer turned so that a full one begins with its oldest value. */
  fromOldest(): RollingWindow {
    const { from, period, filled } = this;
    const first = filled === period ? from : 0;
    const turned = new RollingWindow(period);
    turned.values.set(this.values.subarray(first, first + period));
    turned.values.copyWithin(period, 0, period);
    turned.from = from - first;
    turned.filled = filled;
    return turned;
  }

  /** Oldest value of a full window. */
  oldest(): number {
    return this.values[this.from]!;
  }

  sum(): number {
    return windowSum(this.values, this.from, this.period);
  }

  mean(): number {
    return this.sum() / this.period;
  }

  /** Population variance around `mean`. */
  variance(mean: number): number {
    return windowSquares(this.values, this.from, this.period, mean) / this.period;
  }

  /** Mean of the squares. */
  meanSquare(): number {
    return this.variance(0);
  }

  /** Mean distance from `center`. */
  meanDeviation(center: number): number {
    return windowDistances(this.values, this.from, this.period, center) / this.period;
  }
}

/** Throws RangeError unless `period` is an integer of at least `least`. */
export function requirePeriod(period: number, least: number): void {
  if (!Number.isInteger(period) || period < least) {
    throw new RangeError(`indicator: period must be an integer >= ${least}, got ${period}`);
  }
}

/**
 * The highest of the last `period` values (or the lowest) and its age, the later of equal ones. It looks
 * through the window only when that value leaves it. NaN is passed over; a window of nothing else gives NaN.
 */
export class RollingExtreme {
  private readonly window: RollingWindow;
  private extreme = Number.NaN;
  /** Values since the extreme one, 0 when it is the newest. */
  age = 0;

  /** `sign` 1 for the highest, -1 for the lowest value: the lowest is the highest of the negated ones. */
  constructor(
    period: number,
    private readonly sign: 1 | -1,
  ) {
    this.window = new RollingWindow(period);
  }

  /** Adds a value; returns false until `period` values are present. */
  push(value: number): boolean {
    const { window } = this;
    const signed = this.sign * value;
    const isFull = window.push(signed);
    if (signed >= this.extreme || Number.isNaN(this.extreme)) {
      this.extreme = signed;
      this.age = 0;
    } else if (++this.age === window.period) this.search();
    return isFull;
  }

  value(): number {
    return this.sign * this.extreme;
  }

  private search(): void {
    const { values, from, period } = this.window;
    let extreme = Number.NaN;
    let at = from;
    for (let i = from; i < from + period; i++) {
      const value = values[i]!;
      if (value >= extreme || Number.isNaN(extreme)) {
        extreme = value;
        at = i;
      }
    }
    this.extreme = extreme;
    this.age = from + period - 1 - at;
  }
}
