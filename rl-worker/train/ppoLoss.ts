/** The arithmetic of PPO: advantages, the loss of one sample with its gradient, and drawing an action. */
import { ln } from "../../lib/core/math";
import { exp } from "../../lib/policy/exp";
import type { DenseNetwork } from "../../lib/policy/kernel/denseNetwork";
import type { PpoSettings } from "./ppoTypes";

/**
 * Generalised advantage estimation over a rollout stored step by step, environment by environment:
 *   delta_t = r_t + gamma * V_{t+1} - V_t;  A_t = delta_t + gamma * lambda * A_{t+1}
 * where both t+1 terms vanish at an episode's end. `returns` = A + V, the value function's target. The sizes
 * of `rewards` and `lastValues` say how many samples there are; `advantages` and `returns` are filled.
 */
export function generalisedAdvantages(input: {
  rewards: Float64Array;
  values: Float64Array;
  ended: ArrayLike<number>;
  lastValues: Float64Array;
  gamma: number;
  lambda: number;
  advantages: Float64Array;
  returns: Float64Array;
}): void {
  const { rewards, values, ended, lastValues, gamma, lambda, advantages, returns } = input;
  const envCount = lastValues.length;
  for (let i = rewards.length - 1; i >= 0; i--) {
    const isLast = i + envCount >= rewards.length;
    const nextValue = isLast ? lastValues[i % envCount]! : values[i + envCount]!;
    const nextAdvantage = isLast ? 0 : advantages[i + envCount]!;
    const goesOn = ended[i] ? 0 : 1;
    const delta = rewards[i]! + gamma * nextValue * goesOn - values[i]!;
    advantages[i] = delta + gamma * lambda * goesOn * nextAdvantage;
    returns[i] = advantages[i]! + values[i]!;
  }
}

export interface Sample {
  action: number;
  oldLogProb: number;
  /** Already normalised. */
  advantage: number;
  valueTarget: number;
}

/**
 * One sample's policy part of the loss
 *   -min(rho A, clip(rho, 1 - c, 1 + c) A) - entropyCoefficient H
 * from the logits at outputs[at ..], and 1 / n of its gradient written to the same places of outputGradient.
 * The policy term, H, the KL estimator rho - 1 - ln rho (Schulman 2020) and whether the ratio left the clip range
 * are added to `sums`, in the order of LANE_SUMS; `row` is scratch.
 */
export function policyLoss(
  s: Pick<PpoSettings, "clipRange" | "entropyCoefficient">,
  { action, oldLogProb, advantage }: Sample,
  { outputs, outputGradient: gradient }: NetworkOutputs,
  at: number,
  n: number,
  row: ActionRow,
  sums: Float64Array,
): void {
  logSoftmax(outputs, at, row);
  const actionCount = row.probabilities.length;
  const logRatio = row.logProbs[action]! - oldLogProb;
  const ratio = exp(logRatio);
  const clippedRatio = Math.max(1 - s.clipRange, Math.min(1 + s.clipRange, ratio));
  const surrogate = Math.min(advantage * ratio, advantage * clippedRatio);
  // The minimum's gradient is zero where the clipped branch is the smaller one.
  const slope = advantage * ratio <= advantage * clippedRatio ? -advantage * ratio : 0;
  let entropy = 0;
  for (let a = 0; a < actionCount; a++) entropy -= row.probabilities[a]! * row.logProbs[a]!;
  for (let a = 0; a < actionCount; a++) {
    const p = row.probabilities[a]!;
    const policyGradient = slope * ((a === action ? 1 : 0) - p);
    const entropyGradient = -p * (row.logProbs[a]! + entropy);
    gradient[at + a] = (policyGradient - s.entropyCoefficient * entropyGradient) / n;
  }
  sums[0]! -= surrogate;
  sums[2]! += entropy;
  sums[3]! += ratio - 1 - logRatio;
  sums[4]! += Math.abs(ratio - 1) > s.clipRange ? 1 : 0;
}

/** Its value part, valueCoefficient (V - target)^2 / 2, from the value at outputs[at]; likewise. */
export function valueLoss(
  s: Pick<PpoSettings, "valueCoefficient">,
  { valueTarget }: Sample,
  { outputs, outputGradient: gradient }: NetworkOutputs,
  at: number,
  n: number,
  sums: Float64Array,
): void {
  const error = outputs[at]! - valueTarget;
  gradient[at] = (s.valueCoefficient * error) / n;
  sums[1]! += 0.5 * error * error;
}

export type NetworkOutputs = Pick<DenseNetwork, "outputs" | "outputGradient">;

export interface ActionRow {
  probabilities: Float64Array;
  logProbs: Float64Array;
}

/** Fills `row` from the logits that start at outputs[at]. */
function logSoftmax(outputs: Float32Array, at: number, row: ActionRow): void {
  const n = row.logProbs.length;
  let largest = outputs[at]!;
  for (let a = 1; a < n; a++) largest = Math.max(largest, outputs[at + a]!);
  let total = 0;
  for (let a = 0; a < n; a++) {
    row.probabilities[a] = exp(outputs[at + a]! - largest);
    total += row.probabilities[a]!;
  }
  const logTotal = ln(total);
  for (let a = 0; a < n; a++) {
    row.probabilities[a] = row.probabilities[a]! / total;
    row.logProbs[a] = outputs[at + a]! - largest - logTotal;
  }
}

/** Draws an action by inverting the cumulative distribution at `uniform`. */
export function sampleAction(outputs: Float32Array, at: number, row: ActionRow, uniform: number): number {
  logSoftmax(outputs, at, row);
  let left = uniform;
  const last = row.probabilities.length - 1;
  for (let a = 0; a < last; a++) {
    left -= row.probabilities[a]!;
    if (left < 0) return a;
  }
  return last;
}
