import { canonicalJson } from "../../lib/core/canonicalJson";
import { sha256Hex } from "../../lib/core/sha256";
import { fitNormaliser } from "../../lib/features/normaliser";
import { PORTFOLIO_FIELDS } from "../../lib/features/observation";
import { type BuiltArtifact, buildArtifact } from "../../lib/policy/artifact";
import { KERNEL_VERSION } from "../../lib/policy/kernel/instance";
import type { EnvSpec } from "../env/envSpec";
import { type MarketData, usableRange } from "../env/marketData";
import { tradingEnvFactory } from "../env/tradingEnv";
import { trainPpo } from "./ppo";
import { PPO_DEFAULTS, type PpoSettings, type ProgressPoint } from "./ppoTypes";

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

export type Hyperparameters = Partial<Omit<PpoSettings, "seed" | "environmentSteps">>;

export interface TrainRequest {
  /** Bars, features and ATR; training uses rows [fromRow, toRow), by default all usable ones. */
  dataset: MarketData & { fromRow?: number; toRow?: number };
  identity: DatasetIdentity;
  envSpec: EnvSpec;
  algorithm: "ppo";
  /** Environment steps over all parallel environments. */
  steps: number;
  seed: number;
  /** Overrides of PPO_DEFAULTS. */
  hyperparameters?: Hyperparameters;
  /** Settled funding rates by settlement time. */
  fundingRateAt?: (timeMs: number) => number;
  nowMs(): number;
  onProgress?(point: ProgressPoint): void | Promise<void>;
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
      finalMetrics: ProgressPoint;
      environmentSteps: number;
      stepsPerSecond: number;
    }
  | { status: "stopped"; checkpoint: Uint8Array; finalMetrics: ProgressPoint; environmentSteps: number };

/**
 * Trains a policy on a dataset and packs it. The normaliser is fitted on the training rows only. The same
 * dataset, seed, steps, environment and hyper-parameters give the same artifact checksum, whether the run
 * was unbroken or resumed.
 * @throws TrainingDivergedError, or RangeError on unusable data or settings.
 */
export async function trainOnDataset(request: TrainRequest): Promise<TrainOutcome> {
  const { dataset, identity, envSpec, seed, steps } = request;
  checkRequest(request);
  const { fromRow, toRow } = usableRange(dataset, dataset.fromRow, dataset.toRow);
  const normaliser = fitNormaliser(dataset.features, fromRow, toRow);
  const settings: PpoSettings = {
    ...PPO_DEFAULTS,
    ...request.hyperparameters,
    seed,
    environmentSteps: steps,
  };
  const { candles, features, atr } = dataset;
  const envOptions = { candles, features, atr, normaliser, spec: envSpec, fromRow, toRow };

  const result = await trainPpo({
    makeEnv: tradingEnvFactory({ ...envOptions, fundingRateAt: request.fundingRateAt }),
    settings,
    nowMs: request.nowMs,
    onProgress: request.onProgress,
    shouldStop: request.shouldStop,
    onCheckpoint: request.onCheckpoint,
    checkpointEvery: request.checkpointEvery,
    resumeFrom: request.resumeFrom,
    contextHash: sha256Hex(canonicalJson({ identity, envSpec, normaliser, fromRow, toRow })),
  });
  const { environmentSteps, metrics: finalMetrics, network } = result;
  if (result.stoppedBy === "request") {
    return { status: "stopped", checkpoint: result.checkpoint, finalMetrics, environmentSteps };
  }
  const { hiddenSizes: _inNetwork, seed: _inManifest, environmentSteps: plannedSteps, ...numbers } = settings;
  const artifact = buildArtifact({
    algorithm: request.algorithm,
    ...identity,
    normaliser,
    network,
    environment: envSpec,
    seed,
    environmentSteps,
    hyperparameters: { ...numbers, plannedSteps, fromRow, toRow },
    trainedWithKernel: KERNEL_VERSION,
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

/** Finds what would only fail, or silently mislead, after the training. */
function checkRequest({ dataset, identity, hyperparameters }: TrainRequest): void {
  const unknown = Object.keys(hyperparameters ?? {}).find((key) => !(key in PPO_DEFAULTS));
  if (unknown !== undefined) {
    throw new RangeError(
      `hyper-parameter "${unknown}" is unknown; known are ${Object.keys(PPO_DEFAULTS).join(", ")}`,
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
