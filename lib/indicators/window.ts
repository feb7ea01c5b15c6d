/**
 * The last `period` values of a series. Sums run from the oldest to the newest value each time instead
 * of being carried along, so a result depends on the window alone: no drift, and the same bits wherever
 * the series was started.
 */
export interface RollingWindow {
  /** Adds a value; returns false until `period` values are present. */
  push(value: number): boolean;
  /** Oldest value of a full window. */
  oldest(): number;
  mean(): number;
  /** Population variance around `mean`. */
  variance(mean: number): number;
  /** Mean of the squares. */
  meanSquare(): number;
}

export function createWindow(period: number): RollingWindow {
  requirePeriod(period, 1);
  const ring = new Float64Array(period);
  let next = 0;
  let filled = 0;
  return {
    push(value) {
      ring[next] = value;
      next = next + 1 === period ? 0 : next + 1;
      if (filled < period) filled++;
      return filled === period;
    },
    oldest: () => ring[next]!,
    mean() {
      let sum = 0;
      for (let i = next; i < period; i++) sum += ring[i]!;
      for (let i = 0; i < next; i++) sum += ring[i]!;
      return sum / period;
    },
    variance(mean) {
      let sum = 0;
      for (let i = next; i < period; i++) sum += (ring[i]! - mean) * (ring[i]! - mean);
      for (let i = 0; i < next; i++) sum += (ring[i]! - mean) * (ring[i]! - mean);
      return sum / period;
    },
    meanSquare() {
      let sum = 0;
      for (let i = next; i < period; i++) sum += ring[i]! * ring[i]!;
      for (let i = 0; i < next; i++) sum += ring[i]! * ring[i]!;
      return sum / period;
    },
  };
}

/** Throws RangeError unless `period` is an integer of at least `least`. */
export function requirePeriod(period: number, least: number): void {
  if (!Number.isInteger(period) || period < least) {
    throw new RangeError(`indicator: period must be an integer >= ${least}, got ${period}`);
  }
}
