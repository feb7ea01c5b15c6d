import { normalCdf, normalInverse, normalPdf } from "./normal";

const EULER_MASCHERONI = 0.5772156649015329;

/**
 * Expected maximum of `trials` independent standard normals, by the extreme-value approximation
 * (1−γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e)). Source: Bailey and López de Prado (2014). 0 for one trial or none.
 */
export function expectedMaximum(trials: number): number {
  if (!(trials > 1)) return 0;
  return (
    (1 - EULER_MASCHERONI) * normalInverse(1 - 1 / trials) +
    EULER_MASCHERONI * normalInverse(1 - 1 / (trials * Math.E))
  );
}

/** Exact mean and variance of that maximum, by integrating N·φ(z)·Φ(z)^(N−1). `trials` >= 1. */
export function maximumMoments(trials: number): { mean: number; variance: number } {
  const low = -12;
  const high = 12;
  const intervals = 4_800;
  const width = (high - low) / intervals;
  let first = 0;
  let second = 0;
  for (let i = 0; i <= intervals; i++) {
    const z = low + i * width;
    // Simpson's weights 1 4 2 4 … 4 1.
    const weight = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
    const density = weight * trials * normalPdf(z) * normalCdf(z) ** (trials - 1);
    first += z * density;
    second += z * z * density;
  }
  const mean = (first * width) / 3;
  return { mean, variance: (second * width) / 3 - mean * mean };
}

/**
 * Minimum backtest length in years below which the best of `trials` worthless strategies is expected to show
 * an annual Sharpe of `annualSharpe`: (E[max] / SR)², with its bound 2·ln N / SR².
 * Source: Bailey, Borwein, López de Prado, Zhu (2014).
 */
export function minimumBacktestYears(trials: number, annualSharpe: number): { years: number; bound: number } {
  const square = annualSharpe * annualSharpe;
  return { years: expectedMaximum(trials) ** 2 / square, bound: (2 * Math.log(trials)) / square };
}
