import type { Timeframe } from "../market/types";
import type { SideFeedName } from "./sides";

/**
 * A feature set is a versioned specification: names, parameters and warm-up. Its fingerprint is the
 * SHA-256 of the canonical JSON of this object, so any change of order or parameter is a new set.
 */
export interface FeatureColumn {
  name: string;
  kind: string;
  params: Record<string, number>;
  /** Higher timeframe that a context column reads. */
  timeframe?: Timeframe;
  /** Side feed that a side column reads. */
  feed?: SideFeedName;
}

export interface FeatureSetSpec {
  id: string;
  version: number;
  columns: FeatureColumn[];
  /** Bars needed before the first row that may be used. */
  warmupBars: number;
  /** Presence flags that must not be 0 when a decision is taken; see `missingCritical`. */
  critical?: string[];
  /**
   * Feature streams start at a multiple of this many bar lengths (see `featureStartMs`), so that ranges that
   * begin close together share their start, and with it every bit of the features they share.
   */
  startGridBars?: number;
}

/** Row-major matrix: row i belongs to candle i. Rows before `warmupBars` hold NaN and must not be used. */
export interface FeatureMatrix {
  names: string[];
  rows: number;
  width: number;
  values: Float64Array;
}

/** Fitted on training rows only; travels inside the artifact. */
export interface Normaliser {
  mean: number[];
  std: number[];
  /** Normalised features are clipped to [-clip, clip]. */
  clip: number;
}

/** The account as the policy sees it at a bar's close; every field is dimensionless. */
export interface PortfolioObservation {
  /** -1 short, 0 flat, 1 long. */
  position: number;
  /** Unrealised profit as a fraction of equity. */
  unrealisedFraction: number;
  /** Bars since the position was opened, divided by 100 and clipped to 1. */
  barsHeldFraction: number;
  /** Equity below its peak as a fraction of the peak. */
  drawdownFraction: number;
  /** Distance from the close to the protective stop as a fraction of the close; 0 when flat. */
  stopDistanceFraction: number;
}
