/** What a model saw while it was trained, feature by feature, and how far a newer window is from it. */
import type { FeatureSetSpec } from "../features/types";
import { binShares, kolmogorovSmirnov, populationStabilityIndex } from "../stats/drift";

const BINS = 10;
/** Evenly spaced quantiles that stand for the training sample in the KS test; fewer than its rows, so it errs late. */
const QUANTILES = 200;

/** Columns of the calendar: a window that is shorter than a week differs from a year by its dates alone. */
const CALENDAR_KINDS: ReadonlySet<string> = new Set(["session", "daySin", "dayCos", "weekSin", "weekCos"]);

/** Names of the columns whose distribution can drift, in order. */
export function watchedColumns({ columns }: Pick<FeatureSetSpec, "columns">): string[] {
  return columns.filter(({ kind }) => !CALENDAR_KINDS.has(kind)).map(({ name }) => name);
}

export interface FeatureReference {
  /** Lower bounds of all bins but the first: deciles of the training rows. */
  edges: number[];
  /** Share of the training rows in each bin. */
  shares: number[];
  quantiles: number[];
}

export interface FeatureShift {
  psi: number;
  statistic: number;
  pValue: number;
}

/** The reference of one feature. Throws RangeError on no values or one that is not finite. */
export function featureReference(values: Float64Array): FeatureReference {
  if (values.length === 0 || !values.every(Number.isFinite)) {
    throw new RangeError("A reference needs at least one value, all of them finite.");
  }
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const edges = Array.from({ length: BINS - 1 }, (_, i) => at((i + 1) / BINS));
  const quantiles = Array.from({ length: QUANTILES }, (_, i) => at((i + 0.5) / QUANTILES));
  return { edges, shares: binShares(edges, values), quantiles };
}

/** PSI over the reference's deciles, and the two-sample KS test against its quantiles. */
export function featureShift(
  { edges, shares, quantiles }: FeatureReference,
  window: Float64Array,
): FeatureShift {
  const psi = populationStabilityIndex(shares, binShares(edges, window));
  return { psi, ...kolmogorovSmirnov(quantiles, window) };
}
