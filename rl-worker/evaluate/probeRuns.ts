/** Trains and tests a recipe on the probe markets made from its own bars. */
import type { FeatureSetSpec } from "../../lib/features/types";
import type { Timeframe } from "../../lib/market/types";
import { verifyArtifact } from "../../lib/policy/artifact";
import type { ProbeResult } from "../../lib/stats/walkForwardGates";
import { type MarketData, usableRange } from "../env/marketData";
import { trainOnDataset } from "../train/trainPolicy";
import type { BacktestResult } from "./backtest";
import { runPolicy } from "./policyRun";
import { marketOf, plantedBars, plantedSignalProbe, shuffledBars, shuffledReturnsProbe } from "./probes";
import type { WalkForwardOptions } from "./walkForward";

const PROBE_SEED = 1;
/** The probe market trains on this share of its rows and tests on the rest. */
const TRAIN_SHARE = 0.7;

/** One training and one test with the recipe's own costs; null when it was stopped. */
async function outOfSample(options: WalkForwardOptions, market: MarketData): Promise<BacktestResult | null> {
  const { fromRow, toRow } = usableRange(market);
  const split = fromRow + Math.floor((toRow - fromRow) * TRAIN_SHARE);
  const outcome = await trainOnDataset({
    dataset: { ...market, fromRow, toRow: split },
    identity: options.identity,
    envSpec: options.envSpecAt(1),
    ...options.recipe,
    seed: PROBE_SEED,
    nowMs: options.nowMs,
    shouldStop: () => (options.shouldStop() ? "checkpoint-and-stop" : "continue"),
  });
  if (outcome.status === "stopped") return null;
  const { manifest, files, artifactSha256 } = outcome.artifact;
  const loaded = verifyArtifact(manifest, files, artifactSha256);
  if (!loaded.ok) throw new Error(`The probe's artifact is refused: ${loaded.error.message}`);
  const rows = { fromRow: split, toRow };
  return runPolicy(loaded.value, { dataset: market, rows, spec: options.envSpecAt(1) }).result;
}

/** On bars in random order there is nothing to find; null when it was stopped. */
export async function runShuffledProbe(
  options: WalkForwardOptions,
  spec: FeatureSetSpec,
): Promise<ProbeResult | null> {
  const market = marketOf(
    shuffledBars(options.dataset.candles, PROBE_SEED),
    spec,
    options.identity.timeframe as Timeframe,
  );
  const result = await outOfSample(options, market);
  return result === null ? null : shuffledReturnsProbe(result);
}

/** On bars with a drift that lasts there is; null when it was stopped. */
export async function runPlantedProbe(
  options: WalkForwardOptions,
  spec: FeatureSetSpec,
): Promise<ProbeResult | null> {
  const market = marketOf(
    plantedBars(options.dataset.candles, PROBE_SEED),
    spec,
    options.identity.timeframe as Timeframe,
  );
  const result = await outOfSample(options, market);
  return result === null ? null : plantedSignalProbe(result);
}
