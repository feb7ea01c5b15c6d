/**
 * Sums over windows of a series. Every sum runs from the oldest to the newest value of its window, so a result
 * depends on the window alone: no drift, and the same bits wherever the series was started. The column forms
 * add up four neighbouring windows side by side, each in that same order: a sum of many terms waits for each
 * addition to end, and four that do not wait for each other take hardly longer than one.
 */

/** Sum of values[from .. from + period - 1]. */
export function windowSum(values: Float64Array, from: number, period: number): number {
  let sum = 0;
  for (let i = from; i < from + period; i++) sum += values[i]!;
  return sum;
}

/** Sum of the squared distances from `center`. */
export function windowSquares(values: Float64Array, from: number, period: number, center: number): number {
  let sum = 0;
  for (let i = from; i < from + period; i++) sum += (values[i]! - center) * (values[i]! - center);
  return sum;
}

/** Sum of the distances from `center`. */
export function windowDistances(values: Float64Array, from: number, period: number, center: number): number {
  let sum = 0;
  for (let i = from; i < from + period; i++) sum += Math.abs(values[i]! - center);
  return sum;
}

/** Sum of the values times `weights`, the first of which belongs to the oldest value. */
export function windowWeighted(values: Float64Array, from: number, weights: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += values[from + i]! * weights[i]!;
  return sum;
}

/** NaN before the first full window; returns the row of the last window's oldest value. */
function begin(out: Float64Array, values: Float64Array, period: number): number {
  out.fill(Number.NaN, 0, Math.min(values.length, period - 1));
  return values.length - period;
}

/** out[i] = `windowSum` of the window that ends at i. */
export function sumColumn(out: Float64Array, values: Float64Array, period: number): void {
  const last = begin(out, values, period);
  let from = 0;
  for (; from + 3 <= last; from += 4) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let a = values[from]!;
    let b = values[from + 1]!;
    let c = values[from + 2]!;
    const at = from + period - 1;
    for (let i = from + 3; i <= at + 3; i++) {
      const d = values[i]!;
      s0 += a;
      s1 += b;
      s2 += c;
      s3 += d;
      a = b;
      b = c;
      c = d;
    }
    out[at] = s0;
    out[at + 1] = s1;
    out[at + 2] = s2;
    out[at + 3] = s3;
  }
  for (; from <= last; from++) out[from + period - 1] = windowSum(values, from, period);
}

/** out[i] = `windowSquares` around centers[i] of the window that ends at i; `out` may not be `centers`. */
export function squaresColumn(
  out: Float64Array,
  values: Float64Array,
  period: number,
  centers: Float64Array,
): void {
  const last = begin(out, values, period);
  let from = 0;
  for (; from + 3 <= last; from += 4) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let a = values[from]!;
    let b = values[from + 1]!;
    let c = values[from + 2]!;
    const at = from + period - 1;
    const c0 = centers[at]!;
    const c1 = centers[at + 1]!;
    const c2 = centers[at + 2]!;
    const c3 = centers[at + 3]!;
    for (let i = from + 3; i <= at + 3; i++) {
      const d = values[i]!;
      s0 += (a - c0) * (a - c0);
      s1 += (b - c1) * (b - c1);
      s2 += (c - c2) * (c - c2);
      s3 += (d - c3) * (d - c3);
      a = b;
      b = c;
      c = d;
    }
    out[at] = s0;
    out[at + 1] = s1;
    out[at + 2] = s2;
    out[at + 3] = s3;
  }
  for (; from <= last; from++) {
    const at = from + period - 1;
    out[at] = windowSquares(values, from, period, centers[at]!);
  }
}

/** out[i] = `windowDistances` from centers[i] of the window that ends at i; `out` may not be `centers`. */
export function distancesColumn(
  out: Float64Array,
  values: Float64Array,
  period: number,
  centers: Float64Array,
): void {
  const last = begin(out, values, period);
  let from = 0;
  for (; from + 3 <= last; from += 4) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let a = values[from]!;
    let b = values[from + 1]!;
    let c = values[from + 2]!;
    const at = from + period - 1;
    const c0 = centers[at]!;
    const c1 = centers[at + 1]!;
    const c2 = centers[at + 2]!;
    const c3 = centers[at + 3]!;
    for (let i = from + 3; i <= at + 3; i++) {
      const d = values[i]!;
      s0 += Math.abs(a - c0);
      s1 += Math.abs(b - c1);
      s2 += Math.abs(c - c2);
      s3 += Math.abs(d - c3);
      a = b;
      b = c;
      c = d;
    }
    out[at] = s0;
    out[at + 1] = s1;
    out[at + 2] = s2;
    out[at + 3] = s3;
  }
  for (; from <= last; from++) {
    const at = from + period - 1;
    out[at] = windowDistances(values, from, period, centers[at]!);
  }
}

/** out[i] = `windowWeighted` of the window that ends at i. */
export function weightedColumn(out: Float64Array, values: Float64Array, weights: Float64Array): void {
  const period = weights.length;
  const last = begin(out, values, period);
  let from = 0;
  for (; from + 3 <= last; from += 4) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let a = values[from]!;
    let b = values[from + 1]!;
    let c = values[from + 2]!;
    for (let i = 0; i < period; i++) {
      const d = values[from + 3 + i]!;
      const weight = weights[i]!;
      s0 += a * weight;
      s1 += b * weight;
      s2 += c * weight;
      s3 += d * weight;
      a = b;
      b = c;
      c = d;
    }
    const at = from + period - 1;
    out[at] = s0;
    out[at + 1] = s1;
    out[at + 2] = s2;
    out[at + 3] = s3;
  }
  for (; from <= last; from++) out[from + period - 1] = windowWeighted(values, from, weights);
}
