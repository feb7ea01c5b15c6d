/**
 * The last `period` values of a series. Sums run from the oldest to the newest value each time instead
 * of being carried along, so a result depends on the window alone: no drift, and the same bits wherever
 * the series was started.
 */
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

  /** Oldest value of a full window. */
  oldest(): number {
    return this.values[this.from]!;
  }

  sum(): number {
    const { values, from, period } = this;
    let sum = 0;
    for (let i = from; i < from + period; i++) sum += values[i]!;
    return sum;
  }

  mean(): number {
    return this.sum() / this.period;
  }

  /** Population variance around `mean`. */
  variance(mean: number): number {
    const { values, from, period } = this;
    let sum = 0;
    for (let i = from; i < from + period; i++) sum += (values[i]! - mean) * (values[i]! - mean);
    return sum / period;
  }

  /** Mean of the squares. */
  meanSquare(): number {
    const { values, from, period } = this;
    let sum = 0;
    for (let i = from; i < from + period; i++) sum += values[i]! * values[i]!;
    return sum / period;
  }

  /** Mean distance from `center`. */
  meanDeviation(center: number): number {
    const { values, from, period } = this;
    let sum = 0;
    for (let i = from; i < from + period; i++) sum += Math.abs(values[i]! - center);
    return sum / period;
  }

  max(): number {
    const { values, from, period } = this;
    let max = values[from]!;
    for (let i = from + 1; i < from + period; i++) if (values[i]! > max) max = values[i]!;
    return max;
  }

  min(): number {
    const { values, from, period } = this;
    let min = values[from]!;
    for (let i = from + 1; i < from + period; i++) if (values[i]! < min) min = values[i]!;
    return min;
  }

  /** Values since the highest one, 0 when it is the newest; the later of equal ones counts. */
  sinceMax(): number {
    const { values, from, period } = this;
    let at = from;
    for (let i = from + 1; i < from + period; i++) if (values[i]! >= values[at]!) at = i;
    return from + period - 1 - at;
  }

  /** Values since the lowest one, 0 when it is the newest; the later of equal ones counts. */
  sinceMin(): number {
    const { values, from, period } = this;
    let at = from;
    for (let i = from + 1; i < from + period; i++) if (values[i]! <= values[at]!) at = i;
    return from + period - 1 - at;
  }
}

export function createWindow(period: number): RollingWindow {
  return new RollingWindow(period);
}

/** Throws RangeError unless `period` is an integer of at least `least`. */
export function requirePeriod(period: number, least: number): void {
  if (!Number.isInteger(period) || period < least) {
    throw new RangeError(`indicator: period must be an integer >= ${least}, got ${period}`);
  }
}
