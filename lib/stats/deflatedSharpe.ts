import { expectedMaximum } from "./expectedMaximum";
import { normalCdf, normalInverse } from "./normal";

/** Stored beside every PSR, DSR and MinTRL computed here; the 2025 revision has its own name. */
export const PSR_CONVENTION = "bailey-lopez-de-prado-2012/variance-at-observed-sharpe/T-1";

/** Sharpe per observation (not annualised), raw kurtosis (normal = 3). */
export interface SharpeSample {
  sharpe: number;
  observations: number;
  skew: number;
  kurtosis: number;
}

/** 1 − γ3·SR + (γ4−1)/4·SR²; a sample whose moments make it non-positive has no defined PSR. */
function varianceFactor(sharpe: number, sample: SharpeSample): number {
  return 1 - sample.skew * sharpe + ((sample.kurtosis - 1) / 4) * sharpe * sharpe;
}

/**
 * Probability that the true Sharpe exceeds `benchmark`: Φ[(SR − SR*)·√(T−1) / √(1 − γ3·SR + (γ4−1)/4·SR²)].
 * Source: Bailey and López de Prado (2012). 0 when there are fewer than two observations, NaN when the sample's
 * moments are impossible.
 */
export function probabilisticSharpe(sample: SharpeSample, benchmark = 0): number {
  if (sample.observations < 2) return 0;
  const factor = varianceFactor(sample.sharpe, sample);
  if (!(factor > 0)) return Number.NaN;
  return normalCdf(((sample.sharpe - benchmark) * Math.sqrt(sample.observations - 1)) / Math.sqrt(factor));
}

/** Sharpe that the best of `trials` worthless trials is expected to show: √V · E[max_N], same period as V. */
export function expectedMaximumSharpe(trials: number, trialSharpeVariance: number): number {
  return Math.sqrt(trialSharpeVariance) * expectedMaximum(trials);
}

/**
 * Deflated Sharpe ratio: PSR against the expected maximum of the trials. `trialSharpeVariance` is the variance
 * of the trials' Sharpe ratios per observation, the same period as the sample.
 * Source: Bailey and López de Prado (2014).
 */
export function deflatedSharpe(sample: SharpeSample, trials: number, trialSharpeVariance: number): number {
  return probabilisticSharpe(sample, expectedMaximumSharpe(trials, trialSharpeVariance));
}

/**
 * Observations needed before SR > `benchmark` holds with `confidence`:
 * 1 + [1 − γ3·SR + (γ4−1)/4·SR²]·(z / (SR − SR*))². Infinity when SR does not exceed the benchmark.
 */
export function minimumTrackRecord(
  sample: Omit<SharpeSample, "observations">,
  benchmark: number,
  confidence: number,
): number {
  const edge = sample.sharpe - benchmark;
  if (!(edge > 0)) return Number.POSITIVE_INFINITY;
  const factor = varianceFactor(sample.sharpe, { ...sample, observations: 0 });
  return 1 + factor * (normalInverse(confidence) / edge) ** 2;
}
