import { canonicalJson } from "../../lib/core/canonicalJson";
import { sha256Hex } from "../../lib/core/sha256";
import { fitTrainingReference } from "../../lib/features/guard";
import { fitNormaliser } from "../../lib/features/normaliser";
import { PORTFOLIO_FIELDS } from "../../lib/features/observation";
import type { Algorithm } from "../../lib/policy/algorithms";
import { type BuiltArtifact, buildArtifact } from "../../lib/policy/artifact";
import type { KernelChoice, ThreadChoice } from "../../lib/policy/kernel/choices";
import { checkEnv } from "../env/checkEnv";
import { type EnvSpec, REWARD_SETTINGS, type RewardSetting } from "../env/envSpec";
import { type MarketData, usableRange } from "../env/marketData";
import { tradingEnvSource } from "../env/tradingEnv";
import { trainingKernel } from "../policy/trainingKernel";
import { trainDqn } from "./dqn";
import { DQN_DEFAULTS, type DqnOptions, type DqnPoint, type DqnSettings } from "./dqnTypes";
import { trainPpo } from "./ppo";
import { PPO_DEFAULTS, type PpoOptions, type PpoSettings, type ProgressPoint } from "./ppoTypes";

/** What the artifact must say about the data that it was trained on. */
export interface DatasetIdentity {
  datasetHash: string;
  instrument: string;
  timeframe: string;
  featureSetId: string;
  featureFingerprint: string;
  /** Names of the observation's values: the features, then the portfolio fields. */
  observationFields: string[];
}

type Overrides<Settings> = Partial<Omit<Settings, "seed" | "environmentSteps">>;
/**
 * Overrides of the defaults of the request's algorithm; those that start with "env." are of the environment's
 * reward and episodes.
 */
export type Hyperparameters = (Overrides<PpoSettings> | Overrides<DqnSettings>) & {
  [name in `env.${RewardSetting}`]?: number;
};
const ENVIRONMENT_PREFIX = "env.";

/** One point of the training curve of either algorithm. */
export type CurvePoint = ProgressPoint | DqnPoint;

export interface TrainRequest {
  /** Bars, features and ATR; training uses rows [fromRow, toRow), by default all usable ones. */
  dataset: MarketData & { fromRow?: number; toRow?: number };
  identity: DatasetIdentity;
  envSpec: EnvSpec;
  algorithm: Algorithm;
  /** Environment steps over all parallel environments. */
  steps: number;
  seed: number;
  hyperparameters?: Hyperparameters;
  /** `auto` when absent. Kernels differ in their bits; the artifact names the one that trained it. */
  kernel?: KernelChoice;
  /** 1 when absent. Changes how long it takes and nothing else. DQN trains on one. */
  threads?: ThreadChoice;
  /** Settled funding rates by settlement time. */
  fundingRateAt?: (timeMs: number) => number;
  nowMs(): number;
  onProgress?(point: CurvePoint): void | Promise<void>;
  shouldStop?(): "continue" | "checkpoint-and-stop";
  onCheckpoint?(checkpoint: Uint8Array): void | Promise<void>;
  /** Iterations between two calls of `onCheckpoint`. */
  checkpointEvery?: number;
  resumeFrom?: Uint8Array;
}

export type TrainOutcome =
  | {
      status: "trained";
      artifact: BuiltArtifact;
      finalMetrics: CurvePoint;
      environmentSteps: number;
      stepsPerSecond: number;
    }
  | { status: "stopped"; checkpoint: Uint8Array; finalMetrics: CurvePoint; environmentSteps: number };

/** Steps of random play with which every part of the environment's contract is tried before a training. */
const CHECKED_STEPS = 64;

/**
 * Trains a policy on a dataset and packs it. The normaliser is fitted on the training rows only. The same
 * dataset, seed, steps, environment, hyper-parameters and kernel give the same artifact checksum, whether the
 * run was unbroken or resumed, on any number of threads and on every machine that has that kernel.
 * @throws TrainingDivergedError, or RangeError on unusable data or settings.
 */
export async function trainOnDataset(request: TrainRequest): Promise<TrainOutcome> {
  const { dataset, identity, seed } = request;
  checkRequest(request);
  const overrides = splitOverrides(request.hyperparameters);
  const envSpec: EnvSpec = { ...request.envSpec, ...overrides.environment };
  const { fromRow, toRow } = usableRange(dataset, dataset.fromRow, dataset.toRow);
  const normaliser = fitNormaliser(dataset.features, fromRow, toRow);
  const { candles, features, atr } = dataset;
  const envOptions = { candles, features, atr, normaliser, spec: envSpec, fromRow, toRow };

  const kernel = trainingKernel(request.kernel ?? "auto");
  const source = tradingEnvSource({ ...envOptions, fundingRateAt: request.fundingRateAt });
  const problems = checkEnv(source.makeEnv(), { seed, steps: CHECKED_STEPS });
  if (problems.length > 0) throw new Error(`the environment breaks its contract: ${problems.join(" ")}`);

  const { result, settings } = await runAlgorithm(
    { ...request, hyperparameters: overrides.algorithm },
    {
      ...source,
      kernel,
      nowMs: request.nowMs,
      onProgress: request.onProgress,
      shouldStop: request.shouldStop,
      onCheckpoint: request.onCheckpoint,
      checkpointEvery: request.checkpointEvery,
      resumeFrom: request.resumeFrom,
      contextHash: sha256Hex(canonicalJson({ identity, envSpec, normaliser, fromRow, toRow })),
    },
  );
  const { environmentSteps, metrics: finalMetrics, network } = result;
  if (result.stoppedBy === "request") {
    return { status: "stopped", checkpoint: result.checkpoint, finalMetrics, environmentSteps };
  }
  const { hiddenSizes: _inNetwork, seed: _inManifest, environmentSteps: plannedSteps, ...numbers } = settings;
  const artifact = buildArtifact({
    algorithm: request.algorithm,
    ...identity,
    normaliser,
    trainingReference: fitTrainingReference(features, fromRow, toRow, normaliser),
    network,
    environment: envSpec,
    seed,
    environmentSteps,
    hyperparameters: { ...numbers, plannedSteps, fromRow, toRow },
    trainedWithKernel: kernel.version,
    weights: result.weights,
  });
  return {
    status: "trained",
    artifact,
    finalMetrics,
    environmentSteps,
    stepsPerSecond: finalMetrics.stepsPerSecond,
  };
}

/** Which of the overrides belong to the algorithm, and which to the environment (without their prefix). */
function splitOverrides(hyperparameters: Hyperparameters = {}) {
  const entries = Object.entries(hyperparameters);
  const isOfEnvironment = ([name]: [string, unknown]) => name.startsWith(ENVIRONMENT_PREFIX);
  return {
    algorithm: Object.fromEntries(entries.filter((entry) => !isOfEnvironment(entry))) as Hyperparameters,
    environment: Object.fromEntries(
      entries.filter(isOfEnvironment).map(([name, value]) => [name.slice(ENVIRONMENT_PREFIX.length), value]),
    ) as { [name in RewardSetting]?: number },
  };
}

type Common = Omit<PpoOptions, "settings" | "threads"> & Omit<DqnOptions, "settings">;

/** Trains by the request's algorithm, over its defaults and the request's overrides. */
async function runAlgorithm(request: TrainRequest, common: Common) {
  const run = { seed: request.seed, environmentSteps: request.steps };
  if (request.algorithm === "dqn") {
    const overrides = request.hyperparameters as Overrides<DqnSettings> | undefined;
    const settings: DqnSettings = { ...DQN_DEFAULTS, ...overrides, ...run };
    const result = await trainDqn({ ...common, settings });
    return { result, settings: { ...settings, temperature: result.temperature } };
  }
  const overrides = request.hyperparameters as Overrides<PpoSettings> | undefined;
  const settings: PpoSettings = { ...PPO_DEFAULTS, ...overrides, ...run };
  return { result: await trainPpo({ ...common, settings, threads: request.threads }), settings };
}

/** Finds what would only fail, or silently mislead, after the training. */
function checkRequest({ dataset, identity, algorithm, hyperparameters, threads }: TrainRequest): void {
  if (algorithm === "dqn" && typeof threads === "number" && threads > 1) {
    throw new RangeError(
      `threads must be 1 or auto for dqn, whose minibatches are too small to share, got ${threads}`,
    );
  }
  const known = [
    ...Object.keys(algorithm === "dqn" ? DQN_DEFAULTS : PPO_DEFAULTS),
    ...REWARD_SETTINGS.map((name) => ENVIRONMENT_PREFIX + name),
  ];
  const unknown = Object.keys(hyperparameters ?? {}).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new RangeError(
      `hyper-parameter "${unknown}" is unknown to ${algorithm}; known are ${known.join(", ")}`,
    );
  }
  const expected = dataset.features.width + PORTFOLIO_FIELDS.length;
  if (identity.observationFields.length !== expected) {
    throw new RangeError(
      `identity.observationFields has ${identity.observationFields.length} names, ` +
        `the environment observes ${expected} values`,
    );
  }
}
