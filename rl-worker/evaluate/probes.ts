/** Probes that could show a good result to be false: does the pipeline look ahead, find edges in noise, or learn at all? */
import { createPrng, type Prng } from "../../lib/core/prng";
import { computeAtr, computeFeatures } from "../../lib/features/batch";
import type { FeatureMatrix, FeatureSetSpec } from "../../lib/features/types";
import type { CandleColumns, Timeframe } from "../../lib/market/types";
import { dailyReturns } from "../../lib/stats/dailyReturns";
import { probabilisticSharpe } from "../../lib/stats/deflatedSharpe";
import { moments } from "../../lib/stats/moments";
import type { ProbeResult } from "../../lib/stats/walkForwardGates";
import type { MarketData } from "../env/marketData";
import type { BacktestResult } from "./backtest";

/** A feature that correlates more than this with the next return is worth a second look, and proves nothing. */
const CORRELATION_NOTED = 0.25;
/** One that explains nearly all of the next bar is the next bar: its times are off by one in the stored bars themselves. */
const CORRELATION_COPIED = 0.95;
/** Above this probability of a Sharpe over zero, an edge was found. */
const EDGE_CONFIDENCE = 0.95;

export interface Causality {
  /** Rows of the whole dataset and of the one built from the bars up to a cut. */
  whole: MarketData;
  prefix: MarketData;
}

/** First value of the shared rows that differs in its bits, as a sentence; null when none does. */
function firstDifference({ whole, prefix }: Causality): string | null {
  const { names, width, values } = whole.features;
  const rows = prefix.candles.openTimeMs.length;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < width; column++) {
      const i = row * width + column;
      if (Object.is(values[i], prefix.features.values[i])) continue;
      const time = new Date(prefix.candles.openTimeMs[row]!).toISOString();
      return `${names[column]} of ${time} changes when later bars are known`;
    }
    if (!Object.is(whole.atr[row], prefix.atr[row]))
      return `ATR of row ${row} changes when later bars are known`;
  }
  return null;
}

/** Largest |correlation| of a feature with the return of the bar that follows it. */
export function lookAheadCorrelation(
  features: FeatureMatrix,
  close: Float64Array,
): { feature: string; correlation: number } {
  let worst = { feature: features.names[0] ?? "none", correlation: 0 };
  const rows = features.rows - 1;
  for (const [column, feature] of features.names.entries()) {
    let n = 0;
    let [sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0];
    for (let row = 0; row < rows; row++) {
      const x = features.values[row * features.width + column]!;
      const y = close[row + 1]! / close[row]! - 1;
      if (!Number.isFinite(x)) continue;
      n += 1;
      sx += x;
      sy += y;
      sxx += x * x;
      syy += y * y;
      sxy += x * y;
    }
    const variance = (sxx - (sx * sx) / n) * (syy - (sy * sy) / n);
    const correlation = variance > 0 ? (sxy - (sx * sy) / n) / Math.sqrt(variance) : 0;
    if (Math.abs(correlation) > Math.abs(worst.correlation)) worst = { feature, correlation };
  }
  return worst;
}

/**
 * Nothing at t depends on data after t: building again from the bars up to a cut gives the same bits (S2-08). That
 * is the proof; a market may honestly be predictable, so a large correlation with the next return is only said.
 * Where a feature is the next return, what was stored had it already, and no cut could show that.
 */
export function causalityProbe(cuts: readonly Causality[], data: MarketData): ProbeResult {
  const probe = "causality";
  for (const cut of cuts) {
    const difference = firstDifference(cut);
    if (difference !== null)
      return { probe, passed: false, sentence: `The pipeline looks ahead: ${difference}.` };
  }
  const { feature, correlation } = lookAheadCorrelation(data.features, data.candles.close);
  const size = Math.abs(correlation);
  if (size > CORRELATION_COPIED) {
    const sentence = `${feature} correlates ${correlation.toFixed(2)} with the next bar's return: it has seen it.`;
    return { probe, passed: false, sentence };
  }
  const advice = "that is much: check the times of the source's bars.";
  const warning =
    size > CORRELATION_NOTED
      ? `${feature} correlates ${correlation.toFixed(2)} with the next bar's return; ${advice}`
      : undefined;
  const sentence =
    `Built again from the bars up to ${cuts.length} cuts, every feature has the same bits; the largest correlation ` +
    `with the next return is ${correlation.toFixed(3)} (${feature}).`;
  return { probe, passed: true, sentence, ...(warning !== undefined && { warning }) };
}

/** The same bars in another order (each with its shape and volume, at the times there were): no past tells a future. */
export function shuffledBars(candles: CandleColumns, seed: number): CandleColumns {
  const rows = candles.openTimeMs.length;
  const order = permutation(rows, createPrng(seed));
  return rebuilt(
    candles,
    (row) => order[row]!,
    () => 0,
  );
}

/**
 * Shuffled bars with a drift that lasts: in each regime (50 bars on average) every bar moves `strength` times the
 * usual deviation one way. Whoever can learn must find it.
 */
export function plantedBars(candles: CandleColumns, seed: number, strength = 0.75): CandleColumns {
  const rows = candles.openTimeMs.length;
  const random = createPrng(seed);
  const order = permutation(rows, random);
  const returns = Array.from({ length: rows - 1 }, (_, i) => candles.close[i + 1]! / candles.close[i]! - 1);
  const drift = strength * moments(returns).deviation;
  let sign = 1;
  return rebuilt(
    candles,
    (row) => order[row]!,
    () => {
      if (random.nextFloat() < 1 / 50) sign = -sign;
      return sign * drift;
    },
  );
}

function permutation(length: number, random: Prng): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.nextInt(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Bar `row` takes the shape of bar `source(row)`, moved by `drift(row)`, and starts where the last one ended. */
function rebuilt(
  candles: CandleColumns,
  source: (row: number) => number,
  drift: (row: number) => number,
): CandleColumns {
  const rows = candles.openTimeMs.length;
  const column = () => new Float64Array(rows);
  const out: CandleColumns = {
    openTimeMs: candles.openTimeMs.slice(),
    ...{ open: column(), high: column(), low: column(), close: column(), volume: column() },
  };
  // Bars are shuffled around their mean move: the sample's own drift is no noise.
  const meanMove = Math.log(candles.close[rows - 1]! / candles.open[0]!) / rows;
  let price = candles.open[0]!;
  for (let row = 0; row < rows; row++) {
    const from = source(row);
    const scale = price / candles.open[from]!;
    const move = 1 + drift(row) - meanMove;
    out.open[row] = price;
    out.close[row] = candles.close[from]! * scale * move;
    out.high[row] = Math.max(candles.high[from]! * scale * move, price, out.close[row]!);
    out.low[row] = Math.min(candles.low[from]! * scale * move, price, out.close[row]!);
    out.volume[row] = candles.volume[from]!;
    price = out.close[row]!;
  }
  return out;
}

/** Candles with features and ATR computed as a dataset's are. */
export function marketOf(candles: CandleColumns, spec: FeatureSetSpec, timeframe?: Timeframe): MarketData {
  return { candles, features: computeFeatures(candles, spec, { timeframe }), atr: computeAtr(candles) };
}

/** How sure the result is of a Sharpe above zero, over days. */
function edgeConfidence({ openTimesMs, equityUsd }: BacktestResult): number {
  const { count, mean, deviation, skew, kurtosis } = moments(dailyReturns(openTimesMs, equityUsd).returns);
  const sharpe = deviation > 0 ? mean / deviation : 0;
  return probabilisticSharpe({ sharpe, observations: count, skew, kurtosis });
}

const netUsd = ({ equityUsd }: BacktestResult) => equityUsd.at(-1)! - equityUsd[0]!;

/** Trained and tested on shuffled bars, the recipe must find nothing. */
export function shuffledReturnsProbe(result: BacktestResult): ProbeResult {
  const confidence = edgeConfidence(result);
  const passed = !(confidence >= EDGE_CONFIDENCE);
  const figures = `${netUsd(result).toFixed(2)} USD out of sample, PSR ${confidence.toFixed(2)}`;
  const sentence = passed
    ? `On shuffled bars the recipe finds no edge: ${figures}.`
    : `On shuffled bars, where there is nothing to find, the recipe shows an edge: ${figures}.`;
  return { probe: "shuffledReturns", passed, sentence };
}

/** Trained and tested on bars with a planted drift, the recipe must find it. */
export function plantedSignalProbe(result: BacktestResult): ProbeResult {
  const confidence = edgeConfidence(result);
  const passed = confidence >= EDGE_CONFIDENCE && netUsd(result) > 0;
  const figures = `${netUsd(result).toFixed(2)} USD out of sample, PSR ${confidence.toFixed(2)}`;
  const sentence = passed
    ? `A planted drift is found: ${figures}.`
    : `A planted drift is not found (${figures}): the recipe does not learn.`;
  return { probe: "plantedSignal", passed, sentence };
}
