import type { Prng } from "../../lib/core/prng";

/** Fisher-Yates over the first `length` entries. */
export function shuffle(order: Uint32Array, length: number, prng: Prng): void {
  for (let i = length - 1; i > 0; i--) {
    const j = prng.nextInt(i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
}

/** Mean and population deviation of values[i] for i of `indices`. */
export function meanAndDeviation(
  values: Float64Array,
  indices: Uint32Array,
): { mean: number; deviation: number } {
  let sum = 0;
  for (let k = 0; k < indices.length; k++) sum += values[indices[k]!]!;
  const mean = sum / indices.length;
  let square = 0;
  for (let k = 0; k < indices.length; k++) {
    const distance = values[indices[k]!]! - mean;
    square += distance * distance;
  }
  return { mean, deviation: Math.sqrt(square / indices.length) };
}

/** 1 - Var(returns - values) / Var(returns); 0 when the returns do not vary. */
export function explainedVariance(returns: Float64Array, values: Float64Array): number {
  const all = new Uint32Array(returns.length);
  for (let i = 0; i < all.length; i++) all[i] = i;
  const residuals = returns.map((r, i) => r - values[i]!);
  const ratio = meanAndDeviation(residuals, all).deviation / meanAndDeviation(returns, all).deviation;
  return Number.isFinite(ratio) ? 1 - ratio * ratio : 0;
}
