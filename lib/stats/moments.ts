/** Sample moments of a series; `kurtosis` is raw (normal = 3), never excess. */
export interface Moments {
  count: number;
  mean: number;
  /** Sample deviation, ddof 1; 0 for fewer than two values. */
  deviation: number;
  /** Population skewness m3 / m2^1.5; 0 when the series does not vary. */
  skew: number;
  /** Population raw kurtosis m4 / m2²; 3 when the series does not vary. */
  kurtosis: number;
}

/** Throws a RangeError on a value that is not finite. */
export function moments(values: ArrayLike<number>): Moments {
  const count = values.length;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i]!;
  if (!Number.isFinite(sum)) throw new RangeError("The series holds a value that is not finite.");
  const mean = count > 0 ? sum / count : 0;
  let m2 = 0;
  let m3 = 0;
  let m4 = 0;
  for (let i = 0; i < count; i++) {
    const d = values[i]! - mean;
    m2 += d * d;
    m3 += d * d * d;
    m4 += d * d * d * d;
  }
  const deviation = count > 1 ? Math.sqrt(m2 / (count - 1)) : 0;
  // Rounding alone gives a constant series a deviation near 1e-16 of its level.
  if (count < 2 || deviation <= Math.abs(mean) * 1e-14) {
    return { count, mean, deviation: 0, skew: 0, kurtosis: 3 };
  }
  const variance = m2 / count;
  return {
    count,
    mean,
    deviation,
    skew: m3 / count / (variance * Math.sqrt(variance)),
    kurtosis: m4 / count / (variance * variance),
  };
}
