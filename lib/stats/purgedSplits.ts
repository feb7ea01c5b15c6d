/**
 * Splits for overlapping labels: purge what shares information with the test span, then embargo what follows it.
 * Source: López de Prado, "Advances in Financial Machine Learning" (2018), chapters 7 and 12.
 */
export interface PurgeOptions {
  rows: number;
  /** Test rows [testFrom, testTo). */
  testFrom: number;
  testTo: number;
  /** A sample at row i uses rows i .. i + horizon; the test span ends `horizon` after its last row. */
  horizon: number;
  /** Rows dropped after the test span, at least the longest look-back of the features. */
  embargo: number;
}

/** Half-open row range. */
export interface Rows {
  from: number;
  to: number;
}

/**
 * Training ranges left of and right of the test span; empty ones are left out. Spans that touch in one row count
 * as overlapping (the strict rule; the book's code lets them touch and keeps one row more on each side).
 * Throws when the test range does not lie within the rows.
 */
export function purgedTrainRanges(options: PurgeOptions): Rows[] {
  const { rows, testFrom, testTo, horizon, embargo } = options;
  const values = [rows, testFrom, testTo, horizon, embargo];
  const isShape = values.every((value) => Number.isSafeInteger(value) && value >= 0);
  if (!isShape || testFrom >= testTo || testTo > rows) {
    throw new RangeError(
      `Test rows [${testFrom}, ${testTo}) of ${rows}, horizon ${horizon}, embargo ${embargo}: ` +
        "all must be whole numbers >= 0 and the test range within the rows.",
    );
  }
  const lastTestRow = testTo - 1 + horizon;
  const left = { from: 0, to: Math.max(0, testFrom - horizon) };
  const right = { from: Math.min(rows, lastTestRow + 1 + embargo), to: rows };
  return [left, right].filter((range) => range.to > range.from);
}

/** Combinatorial purged cross-validation: C(groups, testGroups) splits that make k/N·C(N, k) full paths. */
export function combinatorialCounts(groups: number, testGroups: number): { splits: number; paths: number } {
  let splits = 1;
  for (let i = 1; i <= testGroups; i++) splits = (splits * (groups - testGroups + i)) / i;
  return { splits, paths: (splits * testGroups) / groups };
}
