import { moments } from "./moments";

/**
 * Simple returns e[i] / e[i−1] − 1, one fewer than the equity values. After equity reaches zero there is nothing
 * left to earn, so later returns are 0. Throws on a value that is not finite.
 */
export function returnsFromEquity(equityUsd: ArrayLike<number>): Float64Array {
  const returns = new Float64Array(Math.max(0, equityUsd.length - 1));
  for (let i = 0; i < equityUsd.length; i++) {
    if (!Number.isFinite(equityUsd[i]!)) throw new RangeError(`Equity at index ${i} is ${equityUsd[i]}.`);
    if (i > 0) returns[i - 1] = equityUsd[i - 1]! > 0 ? equityUsd[i]! / equityUsd[i - 1]! - 1 : 0;
  }
  return returns;
}

export interface Drawdown {
  /** Largest fall below a running peak, as a fraction of that peak, in [0, 1] while equity is not negative. */
  maxDrawdownFraction: number;
  peakIndex: number;
  troughIndex: number;
}

/** Maximum drawdown of an equity series; zeros for an empty one. */
export function maxDrawdown(equityUsd: ArrayLike<number>): Drawdown {
  const worst: Drawdown = { maxDrawdownFraction: 0, peakIndex: 0, troughIndex: 0 };
  let peakIndex = 0;
  for (let i = 0; i < equityUsd.length; i++) {
    const peak = equityUsd[peakIndex]!;
    if (equityUsd[i]! > peak) peakIndex = i;
    const fall = peak > 0 ? 1 - equityUsd[i]! / peak : 0;
    if (fall > worst.maxDrawdownFraction) {
      worst.maxDrawdownFraction = fall;
      worst.peakIndex = peakIndex;
      worst.troughIndex = i;
    }
  }
  return worst;
}

/** The only Sharpe convention of the project; stored beside every value. */
export const SHARPE_CONVENTION = "simple-bar-returns/no-risk-free/ddof1/annualised-by-observed-bars";

export interface Sharpe {
  convention: typeof SHARPE_CONVENTION;
  /** Mean over deviation of the bar returns: what PSR and DSR take. */
  perObservation: number;
  /** perObservation · √observationsPerYear. */
  annualised: number;
  observations: number;
  /** Observed bars over the observed span, so closed hours do not inflate it. */
  observationsPerYear: number;
  skew: number;
  /** Raw: 3 for a normal series. */
  kurtosis: number;
}

const YEAR_MS = 365.25 * 24 * 3_600_000;

/**
 * Sharpe ratio of an equity series sampled at the bars' open times (same length, ascending). A series that does
 * not vary has Sharpe 0.
 */
export function sharpeFromEquity(equityUsd: ArrayLike<number>, openTimesMs: ArrayLike<number>): Sharpe {
  if (equityUsd.length !== openTimesMs.length) {
    throw new RangeError(
      `${equityUsd.length} equity values for ${openTimesMs.length} times; give one for each.`,
    );
  }
  const { count, mean, deviation, skew, kurtosis } = moments(returnsFromEquity(equityUsd));
  const spanMs = count > 0 ? openTimesMs[count]! - openTimesMs[0]! : 0;
  const observationsPerYear = spanMs > 0 ? (count * YEAR_MS) / spanMs : 0;
  const perObservation = deviation > 0 ? mean / deviation : 0;
  const annualised = perObservation * Math.sqrt(observationsPerYear);
  return {
    convention: SHARPE_CONVENTION,
    perObservation,
    annualised,
    observations: count,
    observationsPerYear,
    skew,
    kurtosis,
  };
}
