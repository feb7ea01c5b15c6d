import { ln } from "../core/math";
import type { Algorithm } from "../policy/algorithms";

/**
 * Walk-forward folds over the rows of a dataset: train on the past, test on what follows, move on.
 * Between the two lie the purge (rows whose reward reaches into the test span) and the embargo (the look-back of
 * the features), so that no row is seen from both sides. Source: López de Prado (2018), chapter 7.
 */
export interface WalkForwardPlan {
  /** Rows [firstRow, rows) can be used. */
  firstRow: number;
  rows: number;
  folds: number;
  /** expanding: train on everything before; rolling: on the `minTrainRows` before. */
  mode: "expanding" | "rolling";
  /** Training rows of the first fold, and of every fold when rolling. */
  minTrainRows: number;
  /** At least the reward horizon in bars. */
  purgeRows: number;
  /** At least the longest look-back of the features in bars. */
  embargoRows: number;
}

/** Half-open row ranges; `testFrom - trainTo` is purge plus embargo. */
export interface WalkForwardFold {
  fold: number;
  trainFrom: number;
  trainTo: number;
  testFrom: number;
  testTo: number;
}

export const WALK_FORWARD_LIMITS = { foldsMax: 24, testRowsMin: 50 } as const;

/**
 * The folds in time order; together their test spans cover all rows after the first training, once each. The
 * last fold takes the remainder of the division.
 * @throws RangeError naming the field, its limit and what to change.
 */
export function walkForwardFolds(plan: WalkForwardPlan): WalkForwardFold[] {
  const { firstRow, rows, folds, mode, minTrainRows, purgeRows, embargoRows } = plan;
  whole("firstRow", firstRow, 0, rows);
  whole("folds", folds, 1, WALK_FORWARD_LIMITS.foldsMax);
  whole("minTrainRows", minTrainRows, 2, rows);
  whole("purgeRows", purgeRows, 0, rows);
  whole("embargoRows", embargoRows, 0, rows);
  const gap = purgeRows + embargoRows;
  const firstTest = firstRow + minTrainRows + gap;
  const span = Math.floor((rows - firstTest) / folds);
  if (span < WALK_FORWARD_LIMITS.testRowsMin) {
    throw new RangeError(
      `${rows - firstRow} usable rows leave ${Math.max(0, span)} test rows a fold after ${minTrainRows} training ` +
        `and ${gap} purged rows; at least ${WALK_FORWARD_LIMITS.testRowsMin} are needed. ` +
        "Use fewer folds, a smaller minTrainRows or a longer dataset.",
    );
  }
  return Array.from({ length: folds }, (_, fold) => {
    const testFrom = firstTest + fold * span;
    const trainTo = testFrom - gap;
    return {
      fold,
      trainFrom: mode === "expanding" ? firstRow : trainTo - minTrainRows,
      trainTo,
      testFrom,
      testTo: fold === folds - 1 ? rows : testFrom + span,
    };
  });
}

function whole(field: string, value: number, low: number, high: number): void {
  if (Number.isSafeInteger(value) && value >= low && value <= high) return;
  throw new RangeError(`${field} must be a whole number from ${low} to ${high}, got ${value}.`);
}

/**
 * Bars after which a discounted, traced reward has lost all but one percent of its weight:
 * ln 0.01 / ln(gamma · lambda). `lambda` is 1 for n-step methods; the purge is at least this long.
 */
export function rewardHorizonBars(gamma: number, lambda: number): number {
  const decay = gamma * lambda;
  if (!(decay >= 0 && decay < 1)) return 1_000;
  return decay === 0 ? 1 : Math.min(1_000, Math.ceil(ln(0.01) / ln(decay)));
}

/** Settings of the algorithms that say how far a training target reaches; part of their defaults. */
export const HORIZON_DEFAULTS = {
  ppo: {
    gamma: 0.99,
    // Shorter than the usual 0.95: bar returns are mostly noise, and a long trace passes it on.
    gaeLambda: 0.9,
  },
  dqn: { nStep: 1 },
} as const;

/** Bars that a training target reaches ahead: the trace of PPO's advantages, the n steps of DQN's returns. */
export function targetHorizonBars(algorithm: Algorithm, hyperparameters: Record<string, number>): number {
  if (algorithm === "dqn") return { ...HORIZON_DEFAULTS.dqn, ...hyperparameters }.nStep;
  const { gamma, gaeLambda } = { ...HORIZON_DEFAULTS.ppo, ...hyperparameters };
  return rewardHorizonBars(gamma, gaeLambda);
}

/** Fold as the desk stores it: times of first and last rows, both included. */
export interface FoldRange {
  fold: number;
  trainFromMs: number;
  trainToMs: number;
  testFromMs: number;
  testToMs: number;
  trainRows: number;
  testRows: number;
}

/**
 * The first thing that makes stated folds dishonest, as a sentence; null when there is none: folds that are
 * missing, test spans that overlap or go back in time, training that comes nearer to its test than `gapRows` rows.
 * Missing bars only lengthen the gap in time.
 */
export function foldRangesProblem(
  ranges: readonly FoldRange[],
  wanted: { folds: number; gapRows: number; stepMs: number },
): string | null {
  if (ranges.length !== wanted.folds) return `${ranges.length} of ${wanted.folds} folds are laid out`;
  const gapMs = (wanted.gapRows + 1) * wanted.stepMs;
  let lastTestMs = Number.NEGATIVE_INFINITY;
  for (const [i, { fold, trainFromMs, trainToMs, testFromMs, testToMs }] of ranges.entries()) {
    if (fold !== i) return `fold ${fold} stands where fold ${i} belongs`;
    if (!(trainFromMs <= trainToMs && testFromMs <= testToMs)) return `fold ${fold} ends before it begins`;
    if (!(testFromMs - trainToMs >= gapMs)) {
      return `fold ${fold} trains nearer to its test span than the ${wanted.gapRows} rows of purge and embargo`;
    }
    if (!(testFromMs > lastTestMs)) return `the test span of fold ${fold} begins inside the one before it`;
    lastTestMs = testToMs;
  }
  return null;
}
