/**
 * Walk-forward with retraining: every fold trains each seed anew on its past (scalers fitted there too), then
 * trades the test span that follows at several cost levels, one bar late, and beside the baselines. Nothing here
 * draws a conclusion; the server recomputes every figure from the trades and equity that come out.
 */
import type { WalkForwardFold } from "../../lib/dataset/walkForward";
import { type LoadedPolicy, verifyArtifact } from "../../lib/policy/artifact";
import { BASELINE_NAMES } from "../../lib/stats/reportTypes";
import { championSubject, LAG_BARS, seedSubject } from "../../lib/stats/walkForwardSummary";
import type { EnvSpec } from "../env/envSpec";
import type { MarketData, RowRange } from "../env/marketData";
import {
  type DatasetIdentity,
  type Hyperparameters,
  type TrainRequest,
  trainOnDataset,
} from "../train/trainPolicy";
import type { BacktestResult } from "./backtest";
import { baselineBacktests } from "./baselines";
import { calibrate, calibrationErrorOf, runPolicy } from "./policyRun";

/** How a candidate is made; two versions of one recipe differ in seed and data only. */
export interface Recipe {
  algorithm: TrainRequest["algorithm"];
  steps: number;
  hyperparameters: Hyperparameters;
}

/** One test span of one subject under one condition. */
export interface SliceResult {
  subject: string;
  fold: number;
  costMultiplier: number;
  lagBars: number;
  result: BacktestResult;
  entropy: number | null;
  calibrationError: number | null;
  /** Checksum of the artifact that this fold trained; null for baselines. */
  artifactSha256: string | null;
}

export interface WalkForwardOptions {
  dataset: MarketData;
  identity: DatasetIdentity;
  /** The environment with fees, spread, slippage and funding times the multiplier; 1 is the one to train in. */
  envSpecAt(costMultiplier: number): EnvSpec;
  recipe: Recipe;
  /** Retrained beside the candidate on the same folds and seeds. */
  championRecipe?: Recipe;
  folds: WalkForwardFold[];
  seeds: number[];
  /** Must contain 1. */
  costMultipliers: number[];
  fundingRateAt?: (timeMs: number) => number;
  nowMs(): number;
  /** True for what an earlier attempt has recorded already. */
  isDone(subject: string, fold: number): boolean;
  /** All slices of one subject in one fold. */
  onSlices(slices: SliceResult[]): Promise<void>;
  /** Environment steps trained so far out of the whole. */
  onProgress(stage: string, done: number, total: number): void;
  shouldStop(): boolean;
}

/** Runs what is not done yet, fold by fold. @returns false when it was stopped. */
export async function runWalkForward(options: WalkForwardOptions): Promise<boolean> {
  const { folds, seeds, recipe, championRecipe } = options;
  const subjects = seeds.flatMap((seed) => [
    { subject: seedSubject(seed), seed, recipe },
    ...(championRecipe === undefined
      ? []
      : [{ subject: championSubject(seed), seed, recipe: championRecipe }]),
  ]);
  const total = folds.length * subjects.reduce((sum, { recipe: { steps } }) => sum + steps, 0);
  let done = 0;
  for (const fold of folds) {
    for (const { subject, seed, recipe: own } of subjects) {
      const stage = `fold ${fold.fold + 1} of ${folds.length}, ${subject}`;
      if (!options.isDone(subject, fold.fold)) {
        const rows = { fromRow: fold.trainFrom, toRow: fold.trainTo };
        const trained = await trainVerified(options, { ...options.dataset, ...rows }, own, seed, (steps) =>
          options.onProgress(stage, done + steps, total),
        );
        if (trained === null) return false;
        await options.onSlices(testPolicy(options, fold, subject, trained));
      }
      done += own.steps;
      options.onProgress(stage, done, total);
    }
    if (BASELINE_NAMES.some((name) => !options.isDone(name, fold.fold))) {
      await options.onSlices(testBaselines(options, fold));
    }
    if (options.shouldStop()) return false;
  }
  return true;
}

/** Trains a recipe on rows of a market, and verifies what came out like any artifact; null when it was stopped. */
export async function trainVerified(
  options: Pick<WalkForwardOptions, "identity" | "envSpecAt" | "fundingRateAt" | "nowMs" | "shouldStop">,
  dataset: TrainRequest["dataset"],
  recipe: Recipe,
  seed: number,
  onSteps?: (steps: number) => void,
): Promise<LoadedPolicy | null> {
  const outcome = await trainOnDataset({
    dataset,
    identity: options.identity,
    envSpec: options.envSpecAt(1),
    ...recipe,
    seed,
    fundingRateAt: options.fundingRateAt,
    nowMs: options.nowMs,
    onProgress: ({ environmentSteps }) => onSteps?.(environmentSteps),
    shouldStop: () => (options.shouldStop() ? "checkpoint-and-stop" : "continue"),
  });
  if (outcome.status === "stopped") return null;
  const { manifest, files, artifactSha256 } = outcome.artifact;
  const loaded = verifyArtifact(manifest, files, artifactSha256);
  if (!loaded.ok) throw new Error(`The trained artifact is refused: ${loaded.error.message}`);
  return loaded.value;
}

const testRows = ({ testFrom, testTo }: WalkForwardFold): RowRange => ({ fromRow: testFrom, toRow: testTo });

function testPolicy(
  options: WalkForwardOptions,
  fold: WalkForwardFold,
  subject: string,
  loaded: LoadedPolicy,
): SliceResult[] {
  const { dataset, fundingRateAt, envSpecAt } = options;
  const { artifactSha256 } = loaded;
  const rows = testRows(fold);
  const scale = calibrate(
    runPolicy(loaded, {
      ...{ dataset, fundingRateAt, spec: envSpecAt(1) },
      // Purge and embargo: neither the training nor the test has seen them.
      rows: { fromRow: fold.trainTo, toRow: fold.testFrom },
    }).pairs,
  );
  const conditions = [
    ...options.costMultipliers.map((costMultiplier) => ({ costMultiplier, lagBars: 0 })),
    { costMultiplier: 1, lagBars: LAG_BARS },
  ];
  return conditions.map(({ costMultiplier, lagBars }) => {
    const spec = envSpecAt(costMultiplier);
    const { result, entropy, pairs } = runPolicy(loaded, { dataset, rows, spec, lagBars, fundingRateAt });
    const calibrationError = calibrationErrorOf(scale, pairs);
    return {
      subject,
      fold: fold.fold,
      costMultiplier,
      lagBars,
      result,
      entropy,
      calibrationError,
      artifactSha256,
    };
  });
}

/** The random baseline changes its mind about once in a hundred bars, whatever the folds' policies do. */
const RANDOM_SWITCHING_RATE = 0.01;

function testBaselines(options: WalkForwardOptions, fold: WalkForwardFold): SliceResult[] {
  const { dataset, fundingRateAt, envSpecAt } = options;
  const { width } = dataset.features;
  const results = baselineBacktests(
    {
      ...dataset,
      ...testRows(fold),
      spec: envSpecAt(1),
      fundingRateAt,
      // Baselines read prices, not observations.
      normaliser: { mean: new Array<number>(width).fill(0), std: new Array<number>(width).fill(1), clip: 1 },
    },
    RANDOM_SWITCHING_RATE,
    fold.fold,
  );
  return BASELINE_NAMES.map((name) => ({
    subject: name,
    fold: fold.fold,
    costMultiplier: 1,
    lagBars: 0,
    result: results[name].result,
    entropy: null,
    calibrationError: null,
    artifactSha256: null,
  }));
}
