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
 * The observation's columns by what they describe: the bars' own timeframe ("base"), each higher timeframe, the
 * side feeds ("feeds") and the account ("portfolio"). Every column is in exactly one group, none is empty.
 */
export function observationGroups(spec: FeatureSetSpec): Array<{ name: string; columns: number[] }> {
  const names = [
    ...spec.columns.map(({ timeframe, feed }) => timeframe ?? (feed === undefined ? "base" : "feeds")),
    ...PORTFOLIO_FIELDS.map(() => "portfolio"),
  ];
  return [...new Set(names)].map((name) => ({
    name,
    columns: names.flatMap((other, column) => (other === name ? [column] : [])),
  }));
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
  writeFeatures(out, offset, features, featureOffset, normaliser);
  writePortfolio(out, offset + normaliser.mean.length, portfolio, normaliser.clip);
}

/** The market part of `writeObservation`, which depends on the row alone. */
export function writeFeatures(
  out: Float32Array,
  offset: number,
  features: Float64Array,
  featureOffset: number,
  { mean, std, clip }: Normaliser,
): void {
  const width = mean.length;
  if (featureOffset + width > features.length || offset + width > out.length) {
    throw new RangeError(`observation: ${width} features do not fit the given arrays and offsets`);
  }
  for (let i = 0; i < width; i++) {
    const value = (features[featureOffset + i]! - mean[i]!) / std[i]!;
    out[offset + i] = value <= clip && value >= -clip ? value : clipOutlier(value, clip, i);
  }
}

/** The account part of `writeObservation`: PORTFOLIO_FIELDS from out[offset] on. */
export function writePortfolio(
  out: Float32Array,
  offset: number,
  portfolio: PortfolioObservation,
  clip: number,
): void {
  if (offset + PORTFOLIO_FIELDS.length > out.length) {
    throw new RangeError("observation: the portfolio fields do not fit the given array and offset");
  }
  // One call a field: looking the fields up by name in a loop costs more than all the features.
  writePortfolioField(out, offset, "position", portfolio.position * PORTFOLIO_SCALES.position, clip);
  writePortfolioField(
    out,
    offset + 1,
    "unrealisedFraction",
    portfolio.unrealisedFraction * PORTFOLIO_SCALES.unrealisedFraction,
    clip,
  );
  writePortfolioField(
    out,
    offset + 2,
    "barsHeldFraction",
    portfolio.barsHeldFraction * PORTFOLIO_SCALES.barsHeldFraction,
    clip,
  );
  writePortfolioField(
    out,
    offset + 3,
    "drawdownFraction",
    portfolio.drawdownFraction * PORTFOLIO_SCALES.drawdownFraction,
    clip,
  );
  writePortfolioField(
    out,
    offset + 4,
    "stopDistanceFraction",
    portfolio.stopDistanceFraction * PORTFOLIO_SCALES.stopDistanceFraction,
    clip,
  );
}

function writePortfolioField(
  out: Float32Array,
  at: number,
  field: (typeof PORTFOLIO_FIELDS)[number],
  scaled: number,
  clip: number,
): void {
  out[at] = scaled <= clip && scaled >= -clip ? scaled : clipOutlier(scaled, clip, field);
}

/** What a value outside [-clip, clip] becomes; NaN fails every comparison, so it comes here too. */
function clipOutlier(value: number, clip: number, field: number | string): number {
  if (Number.isFinite(value)) return value > 0 ? clip : -clip;
  const name = typeof field === "number" ? `feature ${field}` : field;
  throw new RangeError(`observation: ${name} is ${value}, not finite`);
}
