/** Runs one walk-forward: folds laid out, every fold trained and tested, probes run; goes on where a lost worker was. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { float64ToBytes } from "../../lib/core/bytes";
import { targetHorizonBars, type WalkForwardFold, walkForwardFolds } from "../../lib/dataset/walkForward";
import { lookbackBars } from "../../lib/features/lookback";
import { observationFields, observationGroups } from "../../lib/features/observation";
import { featureSetById } from "../../lib/features/registry";
import type { FeatureSetSpec } from "../../lib/features/types";
import { freezeFeed } from "../../lib/feeds/frozen";
import { findInstrument } from "../../lib/market/instruments";
import { timeframeMs } from "../../lib/market/timeframe";
import type { Timeframe } from "../../lib/market/types";
import type { Algorithm } from "../../lib/policy/algorithms";
import { buildDataset, datasetSourceRange } from "../datasets/build";
import { fundingOf } from "../datasets/feeds";
import { type DatasetFile, readDatasetParquet } from "../datasets/parquet";
import { defaultEnvSpec, environmentHash, stressedEnvSpec } from "../env/envSpec";
import { runPlantedProbe, runShuffledProbe } from "../evaluate/probeRuns";
import { type Causality, causalityProbe } from "../evaluate/probes";
import { runWalkForward, type SliceResult, type WalkForwardOptions } from "../evaluate/walkForward";
import { trainingKernel } from "../policy/trainingKernel";
import { messageOf } from "../runtime/log";
import { TrainingDivergedError } from "../train/ppoTypes";
import type { JobContext } from "./context";
import { costsOf } from "./costs";
import type { JobOutcome } from "./handlers";
import { loadSnapshot, storedChunks } from "./snapshot";

export async function walkForwardJob(
  context: JobContext,
  { walkForwardId }: { walkForwardId: Id<"walkForwards"> },
): Promise<JobOutcome> {
  const { desk, lease } = context;
  const target = { ...lease, walkForwardId };
  try {
    return await walk(context, walkForwardId);
  } catch (error) {
    if (context.lost.aborted) throw error;
    const reason = messageOf(error);
    await desk.mutation(api.walkForwards.worker.abandon, { ...target, status: "failed", reason });
    if (error instanceof TrainingDivergedError) {
      return { status: "failed", error: { code: error.code, message: error.message } };
    }
    throw error;
  }
}

async function walk(context: JobContext, walkForwardId: Id<"walkForwards">): Promise<JobOutcome> {
  const { desk, lease, clock, cancel } = context;
  const target = { ...lease, walkForwardId };
  const request = await desk.query(api.walkForwards.worker.get, { walkForwardId });
  const dataset = await loadSnapshot(desk, request.datasetId);
  const instrument = findInstrument(request.instrument);
  if (!instrument.ok) throw new Error(instrument.error);
  const costs = await costsOf(desk, { instrument: request.instrument, ...request.recipe });
  const base = defaultEnvSpec(instrument.value.rules, costs);
  const spec = featureSetById(request.recipe.featureSetId);
  const layout = layFolds(dataset, request, spec);
  await desk.mutation(api.walkForwards.worker.begin, {
    ...target,
    beginning: {
      ...layout.beginning,
      environmentHash: environmentHash(base),
      costModelId: costs.id,
      kernel: trainingKernel("auto").version,
    },
  });
  const recorded = new Set(request.recorded.map(({ subject, fold }) => `${fold} ${subject}`));
  const options: WalkForwardOptions = {
    dataset,
    fundingRateAt: fundingOf(dataset),
    identity: {
      datasetHash: dataset.datasetHash,
      instrument: request.instrument,
      timeframe: request.timeframe,
      featureSetId: spec.id,
      featureFingerprint: request.recipe.featureFingerprint,
      observationFields: observationFields(spec),
      observationGroups: observationGroups(spec),
    },
    envSpecAt: (multiplier) => stressedEnvSpec(base, multiplier),
    recipe: request.recipe,
    championRecipe: request.champion?.recipe,
    folds: layout.folds,
    seeds: request.plan.seeds,
    costMultipliers: request.plan.costMultipliers,
    nowMs: clock.monotonicMs,
    isDone: (subject, fold) => recorded.has(`${fold} ${subject}`),
    onSlices: async (slices) => {
      await desk.mutation(api.walkForwards.worker.record, { ...target, slices: slices.map(submitted) });
    },
    onProgress: (stage, done, total) => context.progress(stage, done, total, "steps"),
    shouldStop: () => cancel.aborted,
  };
  const isComplete = await runWalkForward(options);
  if (isComplete && request.plan.probes) await runProbes(context, options, request, dataset);
  if (context.lost.aborted) return { status: "cancelled" };
  if (!isComplete || cancel.aborted) {
    await desk.mutation(api.walkForwards.worker.abandon, {
      ...target,
      status: "cancelled",
      reason: "stopped; resume to go on with the folds that are left",
    });
    return { status: "cancelled" };
  }
  await desk.mutation(api.walkForwards.worker.finish, target);
  return { status: "succeeded", resultId: walkForwardId };
}

interface StoredRecipe {
  algorithm: Algorithm;
  hyperparameters: Record<string, number>;
}

interface Request {
  timeframe: Timeframe;
  recipe: StoredRecipe;
  champion?: { recipe: StoredRecipe };
  plan: { folds: number; mode: "expanding" | "rolling"; trainFraction: number };
}

/**
 * Purge from the horizon of whoever's reward reaches furthest (the champion trains on the same folds), embargo
 * from the features' look-back: nobody chooses them smaller.
 */
function layFolds(
  dataset: DatasetFile,
  { timeframe, recipe, champion, plan }: Request,
  spec: FeatureSetSpec,
) {
  const times = dataset.candles.openTimeMs;
  const rows = times.length;
  const recipes = champion === undefined ? [recipe] : [recipe, champion.recipe];
  const purgeRows = Math.max(
    ...recipes.map(({ algorithm, hyperparameters }) => targetHorizonBars(algorithm, hyperparameters)),
  );
  const embargoRows = lookbackBars(spec, timeframe);
  const folds = walkForwardFolds({
    firstRow: 0,
    rows,
    folds: plan.folds,
    mode: plan.mode,
    minTrainRows: Math.floor(rows * plan.trainFraction),
    purgeRows,
    embargoRows,
  });
  const foldRanges = folds.map(({ fold, trainFrom, trainTo, testFrom, testTo }: WalkForwardFold) => ({
    fold,
    trainFromMs: times[trainFrom]!,
    trainToMs: times[trainTo - 1]!,
    testFromMs: times[testFrom]!,
    testToMs: times[testTo - 1]!,
    trainRows: trainTo - trainFrom,
    testRows: testTo - testFrom,
  }));
  return { folds, beginning: { foldRanges, purgeRows, embargoRows } };
}

const bytes = (values: Float64Array) => float64ToBytes(values).slice().buffer as ArrayBuffer;

function submitted({ result, ...slice }: SliceResult) {
  return {
    ...slice,
    trades: result.trades,
    openTimesMs: bytes(result.openTimesMs),
    equityUsd: bytes(result.equityUsd),
  };
}

/** Cuts of the causality probe, as shares of the dataset's span. */
const CUTS = [0.4, 0.8] as const;

async function runProbes(
  context: JobContext,
  options: WalkForwardOptions,
  request: { _id: Id<"walkForwards">; probes: { probe: string }[] },
  dataset: DatasetFile,
): Promise<void> {
  const { desk, lease } = context;
  const target = { ...lease, walkForwardId: request._id };
  const spec = featureSetById(dataset.core.featureSetId);
  const probes = {
    causality: async () => {
      const cuts: Causality[] = [];
      for (const share of CUTS)
        cuts.push({ whole: dataset, prefix: await builtUpTo(context, dataset, share) });
      return causalityProbe(cuts, dataset);
    },
    shuffledReturns: () => runShuffledProbe(options, spec),
    plantedSignal: () => runPlantedProbe(options, spec),
  };
  for (const [name, run] of Object.entries(probes)) {
    if (request.probes.some(({ probe }) => probe === name)) continue;
    if (options.shouldStop()) return;
    options.onProgress(`probe: ${name}`, 0, 1);
    const probe = await run();
    if (probe !== null) await desk.mutation(api.walkForwards.worker.probe, { ...target, probe });
  }
}

/** The same dataset built from the stored bars up to a share of its span only. */
async function builtUpTo(
  context: JobContext,
  { core, feeds }: DatasetFile,
  share: number,
): Promise<DatasetFile> {
  const { instrument, source, calendar, fromMs } = core;
  const timeframe = core.timeframe as Timeframe;
  const sourceTimeframe = core.sourceTimeframe as Timeframe;
  const spec = featureSetById(core.featureSetId);
  const stepMs = timeframeMs(timeframe);
  const toMs = fromMs + Math.floor(((core.lastRowMs - fromMs) * share) / stepMs) * stepMs;
  const range = datasetSourceRange({ timeframe, fromMs, toMs, spec });
  const key = { instrument, timeframe: sourceTimeframe, source };
  // Only what was known by the cut, so that a feature that looks ahead has nothing to see.
  const known = feeds.map((feed) => freezeFeed(feed, feed.points, { fromMs: 0, toMs }));
  const { parquet } = await buildDataset({
    ...{ instrument, source, timeframe, sourceTimeframe, calendar, fromMs, toMs, spec },
    chunks: storedChunks(context.desk, key, range.fromMs, range.toMs),
    feeds: known,
    signal: context.cancel,
  });
  return readDatasetParquet(parquet);
}
