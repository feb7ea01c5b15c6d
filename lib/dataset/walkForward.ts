import { ln } from "../core/math";

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
