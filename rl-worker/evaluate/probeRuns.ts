/** Trains and tests a recipe on the probe markets made from its own bars. */
import type { FeatureSetSpec } from "../../lib/features/types";
import type { Timeframe } from "../../lib/market/types";
import type { ProbeResult } from "../../lib/stats/walkForwardGates";
import { type MarketData, usableRange } from "../env/marketData";
import type { BacktestResult } from "./backtest";
import { runPolicy } from "./policyRun";
import { marketOf, plantedBars, plantedSignalProbe, shuffledBars, shuffledReturnsProbe } from "./probes";
import { trainVerified, type WalkForwardOptions } from "./walkForward";

const PROBE_SEED = 1;
/** The probe market trains on this share of its rows and tests on the rest. */
const TRAIN_SHARE = 0.7;

/** One training and one test with the recipe's own costs; null when it was stopped. */
async function outOfSample(options: WalkForwardOptions, market: MarketData): Promise<BacktestResult | null> {
  const { fromRow, toRow } = usableRange(market);
  const split = fromRow + Math.floor((toRow - fromRow) * TRAIN_SHARE);
  // Settled funding belongs to the real bars, not to these.
  const unfunded = { ...options, fundingRateAt: undefined };
  const loaded = await trainVerified(
    unfunded,
    { ...market, fromRow, toRow: split },
    options.recipe,
    PROBE_SEED,
  );
  if (loaded === null) return null;
  const rows = { fromRow: split, toRow };
  return runPolicy(loaded, { dataset: market, rows, spec: options.envSpecAt(1) }).result;
}

/** On bars in random order there is nothing to find; null when it was stopped. */
export function runShuffledProbe(options: WalkForwardOptions, spec: FeatureSetSpec) {
  return probed(options, spec, shuffledBars, shuffledReturnsProbe);
}

/** On bars with a drift that lasts there is; null when it was stopped. */
export function runPlantedProbe(options: WalkForwardOptions, spec: FeatureSetSpec) {
  return probed(options, spec, plantedBars, plantedSignalProbe);
}

async function probed(
  options: WalkForwardOptions,
  spec: FeatureSetSpec,
  barsFrom: typeof shuffledBars,
  judge: (result: BacktestResult) => ProbeResult,
): Promise<ProbeResult | null> {
  const bars = barsFrom(options.dataset.candles, PROBE_SEED);
  const market = marketOf(bars, spec, options.identity.timeframe as Timeframe);
  const result = await outOfSample(options, market);
  return result === null ? null : judge(result);
}
