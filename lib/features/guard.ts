import { FEATURE_SETS } from "./registry";
import type { FeatureMatrix, FeatureSetSpec, Normaliser } from "./types";

/**
 * What the training rows looked like, to tell when a live row is unlike anything a policy was trained on.
 *
 * - `shareOutside` is the share of features outside their training range [low, high], the 0.1 % and 99.9 %
 *   quantiles of each column over the training rows;
 * - `distance` is the root mean square of (value - mean) / std over the features, not clipped: the
 *   Mahalanobis distance of a diagonal covariance, divided by the square root of the number of features.
 *
 * A row is out of distribution when either is above its limit. The limits are LIMIT_FACTOR times what the
 * most unusual 0.1 % of the training rows reach, and never below SHARE_FLOOR and DISTANCE_FLOOR, so that a tame
 * training period does not make every lively bar a stranger.
 */
export interface TrainingReference {
  low: number[];
  high: number[];
  shareLimit: number;
  distanceLimit: number;
}

export interface OutOfDistribution {
  shareOutside: number;
  distance: number;
  /** The feature that lies farthest from its training mean, in standard deviations. */
  worst: string;
}

const TAIL = 0.001;
const LIMIT_FACTOR = 1.5;
const SHARE_FLOOR = 0.25;
const DISTANCE_FLOOR = 4;
/** The reference reads at most this many rows, evenly spread. */
const ROWS_MAX = 100_000;

/** Value at the share `q` of ascending values: the element at floor(q (n - 1)). */
function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.floor(q * (sorted.length - 1))]!;
}

/** Reference of rows [fromRow, toRow), which must be the rows that the normaliser was fitted on. */
export function fitTrainingReference(
  { values, width }: FeatureMatrix,
  fromRow: number,
  toRow: number,
  normaliser: Normaliser,
): TrainingReference {
  const stride = Math.max(1, Math.ceil((toRow - fromRow) / ROWS_MAX));
  const rows = Math.ceil((toRow - fromRow) / stride);
  const low: number[] = [];
  const high: number[] = [];
  const sample = new Float64Array(rows);
  for (let c = 0; c < width; c++) {
    for (let r = 0; r < rows; r++) sample[r] = values[(fromRow + r * stride) * width + c]!;
    sample.sort();
    low.push(quantile(sample, TAIL));
    high.push(quantile(sample, 1 - TAIL));
  }
  const shares = new Float64Array(rows);
  const distances = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const at = (fromRow + r * stride) * width;
    const { shareOutside, distance } = measure(low, high, normaliser, values, at);
    shares[r] = shareOutside;
    distances[r] = distance;
  }
  shares.sort();
  distances.sort();
  return {
    low,
    high,
    shareLimit: Math.max(SHARE_FLOOR, LIMIT_FACTOR * quantile(shares, 1 - TAIL)),
    distanceLimit: Math.max(DISTANCE_FLOOR, LIMIT_FACTOR * quantile(distances, 1 - TAIL)),
  };
}

function measure(
  low: readonly number[],
  high: readonly number[],
  { mean, std }: Normaliser,
  values: Float64Array,
  at: number,
): { shareOutside: number; distance: number; worst: number } {
  let outside = 0;
  let squares = 0;
  let worst = 0;
  let worstSquare = -1;
  for (let c = 0; c < low.length; c++) {
    const value = values[at + c]!;
    if (!(value >= low[c]! && value <= high[c]!)) outside++;
    const z = (value - mean[c]!) / std[c]!;
    squares += z * z;
    if (z * z > worstSquare) {
      worstSquare = z * z;
      worst = c;
    }
  }
  return { shareOutside: outside / low.length, distance: Math.sqrt(squares / low.length), worst };
}

/** Score of the feature row at values[at ..]; the same row and reference give the same bits. `names` are its columns. */
export function scoreRow(
  { low, high }: TrainingReference,
  normaliser: Normaliser,
  names: readonly string[],
  values: Float64Array,
  at = 0,
): OutOfDistribution {
  const { worst, ...score } = measure(low, high, normaliser, values, at);
  return { ...score, worst: names[worst]! };
}

/** Why the row must not be traded on, or null when it is within the limits. */
export function outsideSentence(
  { shareOutside, distance, worst }: OutOfDistribution,
  { shareLimit, distanceLimit }: TrainingReference,
): string | null {
  if (!(shareOutside > shareLimit || distance > distanceLimit)) return null;
  return (
    `out of distribution: ${percent(shareOutside)} of the features outside their training range ` +
    `(limit ${percent(shareLimit)}), distance ${distance.toFixed(1)} (limit ${distanceLimit.toFixed(1)}), ` +
    `farthest is ${worst}`
  );
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/** Names of the set's critical features that this row lacks: a presence flag of 0, or no finite value. */
export function missingCritical(spec: FeatureSetSpec, values: Float64Array, at = 0): string[] {
  return (spec.critical ?? []).filter((name) => {
    const value = values[at + spec.columns.findIndex((column) => column.name === name)];
    return value === undefined || value === 0 || !Number.isFinite(value);
  });
}

/** What a guard needs of an artifact's manifest. */
export interface Guarded {
  featureSetId: string;
  normaliser: Normaliser;
  observationFields: readonly string[];
  trainingReference?: TrainingReference;
}

export interface RowVerdict {
  /** Why nothing may be decided on the row, or null. */
  forcedHold: string | null;
  outOfDistribution?: OutOfDistribution;
}

/**
 * Whether a policy may decide on the feature row at values[at ..]. Live decisions, replays and backtests ask the
 * same question, so that a report and a run hold on the same bars.
 */
export function judgeRow(manifest: Guarded, values: Float64Array, at = 0): RowVerdict {
  const { trainingReference, normaliser, observationFields, featureSetId } = manifest;
  const spec = FEATURE_SETS.find(({ id }) => id === featureSetId);
  const missing = spec?.critical === undefined ? [] : missingCritical(spec, values, at);
  if (missing.length > 0) return { forcedHold: `critical features are missing: ${missing.join(", ")}` };
  if (trainingReference === undefined) return { forcedHold: null };
  const outOfDistribution = scoreRow(trainingReference, normaliser, observationFields, values, at);
  return { forcedHold: outsideSentence(outOfDistribution, trainingReference), outOfDistribution };
}
