import { HORIZON_DEFAULTS } from "../../lib/dataset/walkForward";
import type { ThreadChoice } from "../../lib/policy/kernel/choices";
import type { KernelBuild } from "../../lib/policy/kernel/instance";
import type { EncoderSpec, NetworkSpec } from "../../lib/policy/types";
import type { Env } from "../env/types";
import { settingsCheck } from "./settingsCheck";

/** Everything that decides a PPO run besides its environments. Two equal settings give equal weights. */
export interface PpoSettings {
  seed: number;
  /** Total environment steps over all environments; the last iteration is shortened to end there. */
  environmentSteps: number;
  hiddenSizes: number[];
  /** Reads the observation for the hidden layers; absent: they read it themselves. */
  encoder?: EncoderSpec;
  /** Environments stepped together. */
  envCount: number;
  /** Steps per environment between two updates. */
  horizon: number;
  minibatchSize: number;
  epochs: number;
  /** Discount per step. */
  gamma: number;
  /** Trace decay of generalised advantage estimation. */
  gaeLambda: number;
  clipRange: number;
  /** Each coefficient moves linearly over the run, from its value to this fraction of it. */
  entropyCoefficient: number;
  entropyFinalFraction: number;
  valueCoefficient: number;
  valueFinalFraction: number;
  learningRate: number;
  learningRateFinalFraction: number;
  maxGradientNorm: number;
  /** Ends an iteration's epochs when the approximate KL passes 1.5 times this; 0 turns it off. */
  targetKl: number;
  /** An iteration whose mean approximate KL passes this has diverged. */
  divergenceKl: number;
  /** 1: advantages of a minibatch are brought to mean 0 and deviation 1; 0: they are used as they are. */
  normaliseAdvantages: 0 | 1;
  /** 1: policy and value have hidden layers of their own; 0: they share one trunk. */
  separateTrunks: 0 | 1;
  /**
   * Parts into which a minibatch's rows and the network's parameters are shared out, and so the most threads that can
   * work on it. Losses and the gradient's norm are summed part by part: it decides bits, the number of threads none.
   */
  gradientLanes: number;
  /** 1: divide rewards by the running deviation of the discounted return; 0: take them as they are. */
  rewardScaling: 0 | 1;
}

export const PPO_DEFAULTS: Omit<PpoSettings, "seed" | "environmentSteps"> = {
  hiddenSizes: [64, 64],
  envCount: 16,
  horizon: 256,
  minibatchSize: 512,
  epochs: 4,
  ...HORIZON_DEFAULTS.ppo,
  clipRange: 0.2,
  entropyCoefficient: 0.01,
  entropyFinalFraction: 1,
  valueCoefficient: 0.5,
  valueFinalFraction: 1,
  learningRate: 1e-3,
  learningRateFinalFraction: 0,
  maxGradientNorm: 0.5,
  targetKl: 0.03,
  divergenceKl: 1,
  normaliseAdvantages: 1,
  separateTrunks: 0,
  gradientLanes: 2,
  rewardScaling: 1,
};

/** One point a training iteration. Clock-derived fields: stepsPerSecond and etaSeconds. */
export interface ProgressPoint {
  iteration: number;
  environmentSteps: number;
  /** Mean undiscounted, unscaled return of the last 100 finished episodes; null before the first ends. */
  meanEpisodeReturn: number | null;
  /** Mean of each reward term over the same episodes, where the environment tells them. */
  rewardTerms?: Record<string, number>;
  policyLoss: number;
  valueLoss: number;
  /** Mean policy entropy in nats. */
  entropy: number;
  approxKl: number;
  /** Share of samples whose ratio left the clip range. */
  clipFraction: number;
  explainedVariance: number;
  learningRate: number;
  stepsPerSecond: number;
  etaSeconds: number;
}

/**
 * Environments that any thread can make: a module of this repository that exports
 * `makeEnvs(data): (index: number) => Env`. Threads get a copy of `data`, but share its SharedArrayBuffers.
 */
export interface EnvSource {
  moduleUrl: string;
  data: unknown;
}

export interface PpoOptions {
  makeEnv(index: number): Env;
  /** The same environments for the other threads; needed when `threads` is above 1. */
  envSource?: EnvSource;
  /** 1 when absent; at most `settings.gradientLanes`. Changes the time a run takes, never its result. */
  threads?: ThreadChoice;
  /** The baseline when absent; see `trainingKernel`. Each has its own bits. */
  kernel?: KernelBuild;
  settings: PpoSettings;
  /** Milliseconds from any origin; it only paces yielding and fills the clock-derived fields. */
  nowMs(): number;
  onProgress?(point: ProgressPoint): void | Promise<void>;
  /** Asked after every iteration. */
  shouldStop?(): "continue" | "checkpoint-and-stop";
  /** Receives a checkpoint after every `checkpointEvery` iterations (default: never). */
  onCheckpoint?(checkpoint: Uint8Array): void | Promise<void>;
  checkpointEvery?: number;
  /** Bytes of an earlier checkpoint of the same settings. */
  resumeFrom?: Uint8Array;
  /** Hash of what the environments are made of; a checkpoint of another one is refused. */
  contextHash?: string;
}

export interface PpoResult {
  network: NetworkSpec;
  weights: Float32Array;
  /** The last progress point. */
  metrics: ProgressPoint;
  environmentSteps: number;
  /** Version of the kernel that computed the gradients. */
  kernelVersion: string;
  stoppedBy: "steps" | "request";
  /** Full state at the end, from which an unfinished run resumes. */
  checkpoint: Uint8Array;
}

export type DivergenceReason =
  | "NON_FINITE_OBSERVATION"
  | "NON_FINITE_REWARD"
  | "NON_FINITE_OUTPUT"
  | "NON_FINITE_GRADIENT"
  | "KL_BLOW_UP"
  | "Q_BLOW_UP";

/** Training went wrong numerically: there are no weights to keep, and nothing may be promoted. */
export class TrainingDivergedError extends Error {
  readonly code = "TRAINING_DIVERGED";
  constructor(
    readonly reason: DivergenceReason,
    readonly environmentSteps: number,
    detail: string,
  ) {
    super(`training diverged after ${environmentSteps} steps (${reason}): ${detail}`);
    this.name = "TrainingDivergedError";
  }
}

/** @throws RangeError naming the field and its limit. */
export function checkPpoSettings(s: PpoSettings): void {
  const { integer, real } = settingsCheck(s);
  integer("seed", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  integer("environmentSteps", 1, 1e12);
  integer("envCount", 1, 4096);
  integer("horizon", 2, 65_536);
  integer("minibatchSize", 2, 65_536);
  integer("epochs", 1, 100);
  real("gamma", 0, 1);
  real("gaeLambda", 0, 1);
  real("clipRange", 1e-3, 10);
  real("entropyCoefficient", 0, 10);
  real("valueCoefficient", 0, 100);
  real("learningRate", 0, 1);
  real("maxGradientNorm", 1e-6, 1e6);
  real("entropyFinalFraction", 0, 100);
  real("valueFinalFraction", 0, 100);
  real("learningRateFinalFraction", 0, 100);
  integer("normaliseAdvantages", 0, 1);
  integer("separateTrunks", 0, 1);
  integer("gradientLanes", 1, 64);
  real("targetKl", 0, 100);
  real("divergenceKl", 1e-3, 1e6);
  integer("rewardScaling", 0, 1);
}
