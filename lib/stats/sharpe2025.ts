import { expectedMaximum, maximumMoments } from "./expectedMaximum";
import { normalCdf, normalInverse } from "./normal";

/**
 * The 2025 revision: variance at the null Sharpe, T instead of T − 1, and AR(1) correction.
 * Source: López de Prado, Lipton, Zoonekynd, "How to use the Sharpe ratio" (SSRN 5520741).
 * It disagrees with the 2012 formula on the same data, so the name is stored beside the number.
 */
export const SHARPE_2025_CONVENTION = "lopez-de-prado-lipton-zoonekynd-2025/variance-at-null/T/AR1";

/** Shape of the returns; all Sharpe ratios per observation, raw kurtosis. */
export interface ReturnShape {
  observations: number;
  skew: number;
  kurtosis: number;
  /** First-order autocorrelation of the returns. */
  autocorrelation: number;
}

/** T · variance of the Sharpe estimator at a true Sharpe. */
function scaledVariance(sharpe: number, shape: Omit<ReturnShape, "observations">): number {
  const rho = shape.autocorrelation;
  const square = rho * rho;
  const a = (1 + rho) / (1 - rho);
  const b = 1 + rho / (1 - rho) + square / (1 - square);
  const c = (1 + square) / (1 - square);
  return a - b * shape.skew * sharpe + c * ((shape.kurtosis - 1) / 4) * sharpe * sharpe;
}

/** Standard error of the Sharpe estimator at a true Sharpe. */
export function sharpeDeviation(sharpe: number, shape: ReturnShape): number {
  return Math.sqrt(scaledVariance(sharpe, shape) / shape.observations);
}

/** Probability that the true Sharpe exceeds `benchmark`. */
export function probabilisticSharpe2025(sharpe: number, benchmark: number, shape: ReturnShape): number {
  return normalCdf((sharpe - benchmark) / sharpeDeviation(benchmark, shape));
}

/** Observations needed to refuse `benchmark` at level `alpha`. */
export function minimumTrackRecord2025(
  sharpe: number,
  benchmark: number,
  shape: Omit<ReturnShape, "observations">,
  alpha: number,
): number {
  return scaledVariance(benchmark, shape) * (normalInverse(1 - alpha) / (sharpe - benchmark)) ** 2;
}

/** Smallest Sharpe that refuses `benchmark` at level `alpha`. */
export function criticalSharpe(benchmark: number, alpha: number, shape: ReturnShape): number {
  return benchmark + normalInverse(1 - alpha) * sharpeDeviation(benchmark, shape);
}

/** Probability of exceeding `critical` when the true Sharpe is `alternative` (1 − β). */
export function sharpePower(critical: number, alternative: number, shape: ReturnShape): number {
  return 1 - normalCdf((critical - alternative) / sharpeDeviation(alternative, shape));
}

/** Share of false discoveries among discoveries: α(1−p) / (α(1−p) + power·p), p = prior share of true edges. */
export function falseDiscoveryRate(alpha: number, power: number, priorTrue: number): number {
  return (alpha * (1 - priorTrue)) / (alpha * (1 - priorTrue) + power * priorTrue);
}

/** Critical Sharpe, α and β at which the planned false-discovery rate equals `targetRate` (bisection). */
export function designForFalseDiscoveryRate(options: {
  targetRate: number;
  benchmark: number;
  alternative: number;
  priorTrue: number;
  shape: ReturnShape;
}): { alpha: number; beta: number; criticalSharpe: number } {
  const { targetRate, benchmark, alternative, priorTrue, shape } = options;
  let low = benchmark - 10;
  let high = benchmark + 10;
  const at = (critical: number) => {
    const alpha = 1 - normalCdf((critical - benchmark) / sharpeDeviation(benchmark, shape));
    return { alpha, power: sharpePower(critical, alternative, shape) };
  };
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    const { alpha, power } = at(middle);
    if (falseDiscoveryRate(alpha, power, priorTrue) > targetRate) low = middle;
    else high = middle;
  }
  const { alpha, power } = at(high);
  return { alpha, beta: 1 - power, criticalSharpe: high };
}

/** DSR of this convention; `adjusted` shrinks the variance by that of the maximum of `trials` normals. */
export function deflatedSharpe2025(
  sharpe: number,
  trials: number,
  trialSharpeVariance: number,
  shape: ReturnShape,
): { plain: number; adjusted: number } {
  const benchmark = Math.sqrt(trialSharpeVariance) * expectedMaximum(trials);
  const z = (sharpe - benchmark) / sharpeDeviation(benchmark, shape);
  return { plain: normalCdf(z), adjusted: normalCdf(z / Math.sqrt(maximumMoments(trials).variance)) };
}
