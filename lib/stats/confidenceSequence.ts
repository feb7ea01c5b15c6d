/**
 * A confidence sequence: intervals that hold at every bar at once, however often somebody looks. For the running
 * mean of bounded differences whose conditional mean may change from bar to bar.
 *
 * Empirical-Bernstein confidence sequence with the polynomial stitched boundary. Source: S. R. Howard, A. Ramdas,
 * J. McAuliffe and J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of
 * Statistics 49 (2021), theorems 1 (stitched boundary) and 4 (empirical Bernstein):
 *
 *   X_i in [-B, B], range c = 2B; V_t = Σ (X_i − X̂_i)² with the prediction X̂_i made before X_i;
 *   with probability ≥ 1 − α, for all t:  |mean_t − (1/t) Σ E[X_i | past]| < u(max(V_t, m)) / t,
 *   u(v) = √(k₁² v ℓ(v) + k₂² c² ℓ(v)²) + k₂ c ℓ(v),  ℓ(v) = s·ln(ln(η v / m) / ln η) + ln(2 ζ(s) / α),
 *   k₁ = (η^¼ + η^−¼) / √2,  k₂ = (√η + 1) / 2.
 */

/** Geometric spacing of the epochs and the exponent of their weights; any η, s > 1 are valid, these are the paper's. */
const ETA = 2;
const S = 1.4;
/** ζ(1.4), rounded up. */
const ZETA_S = 3.1056;
const K1 = (ETA ** 0.25 + ETA ** -0.25) / Math.SQRT2;
const K2 = (Math.sqrt(ETA) + 1) / 2;

/** Plain numbers, so that it is stored as it is and goes on where it stood. */
export interface MeanSequence {
  count: number;
  sum: number;
  /** V_t: squared distances from the mean of what came before. */
  squares: number;
  /** Differences that were cut to the bound. */
  clipped: number;
}

export interface MeanInterval {
  mean: number;
  lower: number;
  upper: number;
}

export interface SequenceSettings {
  /** B: differences beyond ±B are cut to it; the interval is for the mean of what is left. Above 0. */
  bound: number;
  /** Probability that the interval ever misses, in (0, 1). */
  alpha: number;
}

export function emptySequence(): MeanSequence {
  return { count: 0, sum: 0, squares: 0, clipped: 0 };
}

/** The sequence with one more difference. Throws RangeError on a number that is not finite. */
export function extendSequence(
  { count, sum, squares, clipped }: MeanSequence,
  difference: number,
  { bound }: SequenceSettings,
): MeanSequence {
  if (!Number.isFinite(difference)) throw new RangeError(`The difference is ${difference}; give a number.`);
  const value = Math.min(bound, Math.max(-bound, difference));
  const predicted = count === 0 ? 0 : sum / count;
  return {
    count: count + 1,
    sum: sum + value,
    squares: squares + (value - predicted) ** 2,
    clipped: clipped + (value === difference ? 0 : 1),
  };
}

/** The interval now; the whole range [-B, B] before the first difference. */
export function meanInterval(
  { count, sum, squares }: MeanSequence,
  { bound, alpha }: SequenceSettings,
): MeanInterval {
  if (!(bound > 0)) throw new RangeError(`bound must be above 0, got ${bound}.`);
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`alpha must be above 0 and below 1, got ${alpha}.`);
  if (count === 0) return { mean: 0, lower: -bound, upper: bound };
  const range = 2 * bound;
  const start = range * range;
  const variance = Math.max(squares, start);
  const epochs = Math.log((ETA * variance) / start) / Math.log(ETA);
  const level = S * Math.log(epochs) + Math.log((2 * ZETA_S) / alpha);
  const linear = K2 * range * level;
  const half = (Math.sqrt(K1 * K1 * variance * level + linear * linear) + linear) / count;
  const mean = sum / count;
  return { mean, lower: Math.max(-bound, mean - half), upper: Math.min(bound, mean + half) };
}
