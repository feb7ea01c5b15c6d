/** How a desk learns and watches its models: the numbers of one instrument and timeframe, and what they must be. */

import { DEFAULT_DRIFT_POLICY, type DriftPolicy, driftPolicyProblem } from "../drift/policy";
import type { Algorithm } from "../policy/algorithms";

export interface ShadowPolicy {
  /** A cycle without a shadow promotes on its gates alone. */
  enabled: boolean;
  /** No verdict before this many bars. */
  minBars: number;
  /** A challenger that is still undecided then is rejected. */
  maxBars: number;
  /** Return per bar that the challenger may be worse by and still be promoted. */
  tolerance: number;
  /** Differences of returns per bar beyond this are cut to it. */
  bound: number;
  /** Probability that the interval ever misses. */
  alpha: number;
}

export interface LearningPolicy {
  /** Cycles start by themselves. Off until a person turns it on; a cycle can always be started by hand. */
  enabled: boolean;
  /** From the start of one cycle to the start of the next. */
  cadenceHours: number;
  source: string;
  sourceTimeframe: string;
  featureSetId: string;
  /** Length of the training window; it ends where the evaluation begins. */
  trainingDays: number;
  /** The newest days: challenger and champion are evaluated on them, and trained on none. */
  evaluationDays: number;
  algorithm: Algorithm;
  steps: number;
  hyperparameters: Record<string, number>;
  /** The first trains the challenger; the walk-forward trains with each. */
  seeds: number[];
  folds: number;
  trainFraction: number;
  costMultipliers: number[];
  /** Leak and noise probes in the walk-forward. */
  probes: boolean;
  shadow: ShadowPolicy;
  drift: DriftPolicy;
}

export const DEFAULT_LEARNING_POLICY: LearningPolicy = {
  enabled: false,
  cadenceHours: 168,
  source: "file",
  sourceTimeframe: "1m",
  featureSetId: "core-v1",
  trainingDays: 365,
  evaluationDays: 60,
  algorithm: "ppo",
  steps: 500_000,
  hyperparameters: {},
  seeds: [1, 2, 3, 4, 5],
  folds: 6,
  trainFraction: 0.5,
  costMultipliers: [1, 2],
  probes: true,
  shadow: { enabled: true, minBars: 200, maxBars: 5_000, tolerance: 0.0001, bound: 0.005, alpha: 0.05 },
  drift: DEFAULT_DRIFT_POLICY,
};

export interface PolicyProblem {
  field: string;
  message: string;
}

/** The first number that means nothing, or null. What a training or a walk-forward checks itself is left to them. */
export function learningPolicyProblem(policy: LearningPolicy): PolicyProblem | null {
  const { shadow } = policy;
  const ranges: [string, number, number, number][] = [
    ["cadenceHours", policy.cadenceHours, 1, 8_760],
    ["trainingDays", policy.trainingDays, 1, 3_650],
    ["evaluationDays", policy.evaluationDays, 1, 730],
    ["shadow.minBars", shadow.minBars, 1, 1_000_000],
    ["shadow.maxBars", shadow.maxBars, 1, 1_000_000],
    ["shadow.tolerance", shadow.tolerance, 0, 0.1],
    ["shadow.bound", shadow.bound, 1e-6, 1],
    ["shadow.alpha", shadow.alpha, 1e-6, 0.5],
  ];
  for (const [field, value, low, high] of ranges) {
    if (!(value >= low && value <= high)) {
      return { field, message: `${field} must be from ${low} to ${high}, got ${value}` };
    }
  }
  const whole: [string, number][] = [
    ["shadow.minBars", shadow.minBars],
    ["shadow.maxBars", shadow.maxBars],
  ];
  for (const [field, value] of whole) {
    if (!Number.isInteger(value)) return { field, message: `${field} must be a whole number, got ${value}` };
  }
  if (shadow.minBars > shadow.maxBars) {
    return {
      field: "shadow.minBars",
      message: `shadow.minBars is ${shadow.minBars}; it must not be above shadow.maxBars, ${shadow.maxBars}`,
    };
  }
  if (policy.seeds.length === 0) return { field: "seeds", message: "give at least one seed" };
  return driftPolicyProblem(policy.drift);
}
