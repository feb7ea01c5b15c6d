import type { FeatureMatrix, Normaliser } from "./types";

/** Normalised features and scaled portfolio fields are cut at this many standard deviations. */
export const DEFAULT_CLIP = 5;

/**
 * Deviation of a column that never varied in training: whatever it says later, it reads as its mean. The weights
 * behind it were never trained, so a feed that arrives for the first time must not move the policy.
 */
export const UNSEEN_STD = 1e300;

/**
 * Mean and population standard deviation of each column over rows [fromRow, toRow): training rows only,
 * else the test period leaks into the policy. A column that does not vary gets UNSEEN_STD. Throws RangeError
 * for an empty range or one that reaches into warm-up rows.
 */
export function fitNormaliser(matrix: FeatureMatrix, fromRow: number, toRow: number): Normaliser {
  const { rows, width, values, names } = matrix;
  if (
    !(
      Number.isInteger(fromRow) &&
      Number.isInteger(toRow) &&
      fromRow >= 0 &&
      toRow <= rows &&
      fromRow < toRow
    )
  ) {
    throw new RangeError(`fitNormaliser: rows ${fromRow}..${toRow} are not a range within 0..${rows}`);
  }
  const count = toRow - fromRow;
  const mean: number[] = [];
  const std: number[] = [];
  for (let c = 0; c < width; c++) {
    let sum = 0;
    for (let r = fromRow; r < toRow; r++) sum += values[r * width + c]!;
    const average = sum / count;
    if (!Number.isFinite(average)) {
      throw new RangeError(
        `fitNormaliser: ${names[c]} is not finite in rows ${fromRow}..${toRow}; skip the warm-up`,
      );
    }
    let squares = 0;
    for (let r = fromRow; r < toRow; r++) {
      const distance = values[r * width + c]! - average;
      squares += distance * distance;
    }
    const deviation = Math.sqrt(squares / count);
    mean.push(average);
    std.push(deviation <= 1e-12 * Math.max(1, Math.abs(average)) ? UNSEEN_STD : deviation);
  }
  return { mean, std, clip: DEFAULT_CLIP };
}
