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

  constructor(
    period: number,
    private readonly sign: Sign,
  ) {
    this.window = new RollingWindow(period);
  }

  get period(): number {
    return this.window.period;
  }

  /** Adds a value; returns false until `period` values are present. */
  push(value: number): boolean {
    const { window, sign } = this;
    const isFull = window.push(value);
    if (isBeyond(value, this.extreme, sign)) {
      this.extreme = value;
      this.age = 0;
    } else if (++this.age === window.period) {
      const at = extremeAt(window.values, window.from, window.period, sign);
      this.extreme = window.values[at]!;
      this.age = window.from + window.period - 1 - at;
    }
    return isFull;
  }

  value(): number {
    return this.extreme;
  }

  /** The column form, of a fresh one: out[i] is the extreme value of the window that ends at i. */
  batch(out: Float64Array, values: Float64Array): void {
    const { period, sign } = this;
    out.fill(Number.NaN, 0, Math.min(values.length, period - 1));
    let at = -1;
    let extreme = Number.NaN;
    for (let i = period - 1; i < values.length; i++) {
      const from = i - period + 1;
      if (at < from) at = extremeAt(values, from, period, sign);
      else if (isBeyond(values[i]!, extreme, sign)) at = i;
      extreme = values[at]!;
      out[i] = extreme;
    }
  }
}

/** 1 looks for the highest value, -1 for the lowest: the highest of the negated ones. */
type Sign = 1 | -1;

/** Whether a value takes the place of the extreme one so far: as far out or farther, or the first that is none. */
function isBeyond(value: number, extreme: number, sign: Sign): boolean {
  return sign * value >= sign * extreme || Number.isNaN(extreme);
}

/** Row of the extreme one of values[from .. from + period - 1]. */
function extremeAt(values: Float64Array, from: number, period: number, sign: Sign): number {
  let at = from;
  for (let i = from + 1; i < from + period; i++) if (isBeyond(values[i]!, values[at]!, sign)) at = i;
  return at;
}
