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

/** Of the window that ends at i: means[i] its mean, variances[i] its population variance. */
export function varianceColumns(
  means: Float64Array,
  variances: Float64Array,
  values: Float64Array,
  period: number,
): void {
  begin(means, values, period);
  const last = begin(variances, values, period);
  let from = 0;
  for (; from + 3 <= last; from += 4) {
    const at = from + period - 1;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let a = values[from]!;
    let b = values[from + 1]!;
    let c = values[from + 2]!;
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
    const m0 = s0 / period;
    const m1 = s1 / period;
    const m2 = s2 / period;
    const m3 = s3 / period;
    s0 = 0;
    s1 = 0;
    s2 = 0;
    s3 = 0;
    a = values[from]!;
    b = values[from + 1]!;
    c = values[from + 2]!;
    for (let i = from + 3; i <= at + 3; i++) {
      const d = values[i]!;
      s0 += (a - m0) * (a - m0);
      s1 += (b - m1) * (b - m1);
      s2 += (c - m2) * (c - m2);
      s3 += (d - m3) * (d - m3);
      a = b;
      b = c;
      c = d;
    }
    means[at] = m0;
    means[at + 1] = m1;
    means[at + 2] = m2;
    means[at + 3] = m3;
    variances[at] = s0 / period;
    variances[at + 1] = s1 / period;
    variances[at + 2] = s2 / period;
    variances[at + 3] = s3 / period;
  }
  for (; from <= last; from++) {
    const mean = windowSum(values, from, period) / period;
    means[from + period - 1] = mean;
    variances[from + period - 1] = windowSquares(values, from, period, mean) / period;
  }
}

/** Of the window that ends at i: means[i] its mean, deviations[i] the mean distance from that. */
export function deviationColumns(
  means: Float64Array,
  deviations: Float64Array,
  values: Float64Array,
  period: number,
): void {
  begin(means, values, period);
  const last = begin(deviations, values, period);
  let from = 0;
  for (; from + 3 <= last; from += 4) {
    const at = from + period - 1;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let a = values[from]!;
    let b = values[from + 1]!;
    let c = values[from + 2]!;
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
    const m0 = s0 / period;
    const m1 = s1 / period;
    const m2 = s2 / period;
    const m3 = s3 / period;
    s0 = 0;
    s1 = 0;
    s2 = 0;
    s3 = 0;
    a = values[from]!;
    b = values[from + 1]!;
    c = values[from + 2]!;
    for (let i = from + 3; i <= at + 3; i++) {
      const d = values[i]!;
      s0 += Math.abs(a - m0);
      s1 += Math.abs(b - m1);
      s2 += Math.abs(c - m2);
      s3 += Math.abs(d - m3);
      a = b;
      b = c;
      c = d;
    }
    means[at] = m0;
    means[at + 1] = m1;
    means[at + 2] = m2;
    means[at + 3] = m3;
    deviations[at] = s0 / period;
    deviations[at + 1] = s1 / period;
    deviations[at + 2] = s2 / period;
    deviations[at + 3] = s3 / period;
  }
  for (; from <= last; from++) {
    const mean = windowSum(values, from, period) / period;
    means[from + period - 1] = mean;
    deviations[from + period - 1] = windowDistances(values, from, period, mean) / period;
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
