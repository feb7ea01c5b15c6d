import { canonicalJson } from "../../lib/core/canonicalJson";
import { sha256Hex } from "../../lib/core/sha256";
import { fitTrainingReference } from "../../lib/features/guard";
import { fitNormaliser } from "../../lib/features/normaliser";
import { PORTFOLIO_FIELDS } from "../../lib/features/observation";
import type { Algorithm } from "../../lib/policy/algorithms";
import { type BuiltArtifact, buildArtifact } from "../../lib/policy/artifact";
import type { KernelChoice, ThreadChoice } from "../../lib/policy/kernel/choices";
import { defaultFusionUnits } from "../../lib/policy/network";
import type { EncoderGroup, EncoderSpec } from "../../lib/policy/types";
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
  /** Which of them belong together (`observationGroups`); only an encoder needs to know. */
  observationGroups?: EncoderGroup[];
}

type Overrides<Settings> = Partial<Omit<Settings, "seed" | "environmentSteps" | "encoder">>;
/**
 * Overrides of the defaults of the request's algorithm; those that start with "env." are of the environment's
 * reward and episodes, those that start with "encoder." of the network's encoder, which has 0 units, and so is
 * not there, by default.
 */
export type Hyperparameters = (Overrides<PpoSettings> | Overrides<DqnSettings>) & {
  [name in `env.${RewardSetting}` | `encoder.${EncoderSetting}`]?: number;
};
const ENVIRONMENT_PREFIX = "env.";
const ENCODER_PREFIX = "encoder.";
const ENCODER_SETTINGS = ["units", "fusionUnits"] as const;
type EncoderSetting = (typeof ENCODER_SETTINGS)[number];

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
  const { dataset, seed } = request;
  checkRequest(request);
  const { observationGroups, ...identity } = request.identity;
  const overrides = splitOverrides(request.hyperparameters);
  const encoder = encoderOf(overrides.encoder, observationGroups, identity.featureSetId);
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
    encoder,
  );
  const { environmentSteps, metrics: finalMetrics, network } = result;
  if (result.stoppedBy === "request") {
    return { status: "stopped", checkpoint: result.checkpoint, finalMetrics, environmentSteps };
  }
  const { hiddenSizes: _1, encoder: _2, seed: _3, environmentSteps: plannedSteps, ...numbers } = settings;
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

/** Which of the overrides belong to the algorithm, and which to the others (without their prefix). */
function splitOverrides(hyperparameters: Hyperparameters = {}) {
  const entries = Object.entries(hyperparameters);
  const under = (prefix: string) =>
    Object.fromEntries(
      entries
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value as number]),
    );
  return {
    algorithm: Object.fromEntries(
      entries.filter(([name]) => !name.startsWith(ENVIRONMENT_PREFIX) && !name.startsWith(ENCODER_PREFIX)),
    ) as Hyperparameters,
    environment: under(ENVIRONMENT_PREFIX) as { [name in RewardSetting]?: number },
    encoder: under(ENCODER_PREFIX) as { [name in EncoderSetting]?: number },
  };
}

/** The encoder that the overrides ask for; undefined for none. The network itself checks sizes and columns. */
function encoderOf(
  { units = 0, fusionUnits = 0 }: { [name in EncoderSetting]?: number },
  groups: EncoderGroup[] = [],
  featureSetId: string,
): EncoderSpec | undefined {
  if (units === 0) {
    if (fusionUnits === 0) return undefined;
    throw new RangeError(
      `encoder.fusionUnits is ${fusionUnits}, but there is no encoder; set encoder.units too`,
    );
  }
  if (groups.length < 2) {
    throw new RangeError(
      `encoder.units is ${units}, but feature set ${featureSetId} has ${groups.length} groups of columns and an ` +
        "encoder needs 2; choose a feature set with groups, or leave the encoder out",
    );
  }
  return { groups, units, fusionUnits: fusionUnits || defaultFusionUnits(groups.length, units) };
}

type Common = Omit<PpoOptions, "settings" | "threads"> & Omit<DqnOptions, "settings">;

/** Trains by the request's algorithm, over its defaults and the request's overrides. */
async function runAlgorithm(request: TrainRequest, common: Common, encoder: EncoderSpec | undefined) {
  const run = { seed: request.seed, environmentSteps: request.steps, ...(encoder ? { encoder } : {}) };
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
    ...ENCODER_SETTINGS.map((name) => ENCODER_PREFIX + name),
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
