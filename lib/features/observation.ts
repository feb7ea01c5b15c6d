import type { FeatureSetSpec, Normaliser, PortfolioObservation } from "./types";

/** Portfolio part of the observation, in order, after the features. */
export const PORTFOLIO_FIELDS = [
  "position",
  "unrealisedFraction",
  "barsHeldFraction",
  "drawdownFraction",
  "stopDistanceFraction",
] as const satisfies ReadonlyArray<keyof PortfolioObservation>;

/**
 * Fixed factors that bring the portfolio fields to the size of normalised features: 10 % unrealised
 * profit, 20 % drawdown and a stop 5 % away each read as 1. They are part of the observation's meaning,
 * so a change is a new feature set.
 */
export const PORTFOLIO_SCALES: Record<(typeof PORTFOLIO_FIELDS)[number], number> = {
  position: 1,
  unrealisedFraction: 10,
  barsHeldFraction: 1,
  drawdownFraction: 5,
  stopDistanceFraction: 20,
};

/** Number of float32 values in an observation. */
export function observationSize(spec: FeatureSetSpec): number {
  return spec.columns.length + PORTFOLIO_FIELDS.length;
}

/** Names of the observation's values in order. */
export function observationFields(spec: FeatureSetSpec): string[] {
  return [...spec.columns.map((column) => column.name), ...PORTFOLIO_FIELDS];
}

/**
 * Writes out[offset ..]: each feature as (value - mean) / std, then the scaled portfolio fields, all
 * clipped to [-clip, clip] and rounded to float32. `features[featureOffset ..]` is one feature row.
 * Throws RangeError naming the field when an input is not finite: the caller must hold.
 */
export function writeObservation(
  out: Float32Array,
  offset: number,
  features: Float64Array,
  featureOffset: number,
  normaliser: Normaliser,
  portfolio: PortfolioObservation,
): void {
  const { mean, std, clip } = normaliser;
  const width = mean.length;
  if (featureOffset + width > features.length || offset + width + PORTFOLIO_FIELDS.length > out.length) {
    throw new RangeError(`observation: ${width} features do not fit the given arrays and offsets`);
  }
  for (let i = 0; i < width; i++) {
    const value = (features[featureOffset + i]! - mean[i]!) / std[i]!;
    if (!Number.isFinite(value)) throw new RangeError(`observation: feature ${i} is ${value}, not finite`);
    out[offset + i] = clipTo(value, clip);
  }
  for (let i = 0; i < PORTFOLIO_FIELDS.length; i++) {
    const field = PORTFOLIO_FIELDS[i]!;
    const value = portfolio[field] * PORTFOLIO_SCALES[field];
    if (!Number.isFinite(value)) throw new RangeError(`observation: ${field} is ${value}, not finite`);
    out[offset + width + i] = clipTo(value, clip);
  }
}

function clipTo(value: number, clip: number): number {
  return value > clip ? clip : Math.max(value, -clip);
}
