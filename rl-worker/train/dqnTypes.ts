import { HORIZON_DEFAULTS } from "../../lib/dataset/walkForward";
import type { KernelBuild } from "../../lib/policy/kernel/instance";
import type { EncoderSpec, NetworkSpec } from "../../lib/policy/types";
import type { Env } from "../env/types";
import { settingsCheck } from "./settingsCheck";

/** Everything that decides a DQN run besides its environments. Two equal settings give equal weights. */
export interface DqnSettings {
  seed: number;
  /** Total environment steps over all environments, rounded up to whole rounds of them. */
  environmentSteps: number;
  hiddenSizes: number[];
  /** Reads the observation for the hidden layers; absent: they read it themselves. */
  encoder?: EncoderSpec;
  /** Environments stepped together: one round. */
  envCount: number;
  /** Transitions kept; the oldest go first. */
  replayCapacity: number;
  /** Steps taken at random before the first update. */
  warmupSteps: number;
  /** Gradient updates after each round. */
  updatesPerRound: number;
  batchSize: number;
  /** Discount per step. */
  gamma: number;
  /** Steps of reward before the bootstrap. */
  nStep: number;
  /** Updates between two copies of the online network into the target network. */
  targetCopyUpdates: number;
  /** The share of random actions falls linearly from start to end over `epsilonSteps` environment steps. */
  epsilonStart: number;
  epsilonEnd: number;
  epsilonSteps: number;
  learningRate: number;
  weightDecay: number;
  maxGradientNorm: number;
  /** Error beyond which the loss grows linearly. */
  huberDelta: number;
  /** Rewards are multiplied by this before they are learned from; returns are reported unscaled. */
  rewardScale: number;
  /** 1: sample by error (Schaul et al. 2016); 0: uniformly. */
  prioritised: 0 | 1;
  priorityAlpha: number;
  /** Importance correction at the start; it rises to 1 at the end. */
  priorityBeta: number;
  /** Softmax temperature of the exported policy, in units of value; 0: the spread of the learned advantages. */
  temperature: number;
  /** A mean |Q| beyond this has diverged. */
  divergenceQ: number;
}

/** Optimiser, exploration, batch and target copy as in capability S1-16. */
export const DQN_DEFAULTS: Omit<DqnSettings, "seed" | "environmentSteps"> = {
  hiddenSizes: [64, 64],
  envCount: 16,
  replayCapacity: 100_000,
  warmupSteps: 5_000,
  updatesPerRound: 1,
  batchSize: 512,
  gamma: 0.99,
  ...HORIZON_DEFAULTS.dqn,
  targetCopyUpdates: 1_000,
  epsilonStart: 0.1,
  epsilonEnd: 0.01,
  epsilonSteps: 50_000,
  learningRate: 3e-4,
  weightDecay: 1e-4,
  maxGradientNorm: 1,
  huberDelta: 1,
  rewardScale: 1,
  prioritised: 0,
  priorityAlpha: 0.6,
  priorityBeta: 0.4,
  temperature: 0,
  divergenceQ: 10_000,
};

/** One point of the training curve. Clock-derived fields: stepsPerSecond and etaSeconds. */
export interface DqnPoint {
  iteration: number;
  environmentSteps: number;
  /** Mean undiscounted, unscaled return of the last 100 finished episodes; null before the first ends. */
  meanEpisodeReturn: number | null;
  /** Mean of each reward term over the same episodes, where the environment tells them. */
  rewardTerms?: Record<string, number>;
  /** Mean Huber loss since the last point; 0 before the first update, like the two below. */
  loss: number;
  /** Mean Q of the actions learned from. */
  meanQ: number;
  /** Mean |Q - target|. */
  tdError: number;
  epsilon: number;
  updates: number;
  learningRate: number;
  stepsPerSecond: number;
  etaSeconds: number;
}

export interface DqnOptions {
  makeEnv(index: number): Env;
  settings: DqnSettings;
  /** Milliseconds from any origin; it only paces yielding and fills the clock-derived fields. */
  nowMs(): number;
  onProgress?(point: DqnPoint): void | Promise<void>;
  /** Asked after every point. */
  shouldStop?(): "continue" | "checkpoint-and-stop";
  /** Receives a checkpoint after every `checkpointEvery` points (default: never). */
  onCheckpoint?(checkpoint: Uint8Array): void | Promise<void>;
  checkpointEvery?: number;
  /** Bytes of an earlier checkpoint of the same settings. */
  resumeFrom?: Uint8Array;
  /** Hash of what the environments are made of; a checkpoint of another one is refused. */
  contextHash?: string;
  /** The build to train with; the baseline when absent. */
  kernel?: KernelBuild;
}

export interface DqnResult {
  network: NetworkSpec;
  /** As exported: logits are centred advantages over the temperature, so Q = value + temperature * logit. */
  weights: Float32Array;
  temperature: number;
  metrics: DqnPoint;
  environmentSteps: number;
  stoppedBy: "steps" | "request";
  /** Full state at the end, from which an unfinished run resumes. */
  checkpoint: Uint8Array;
}

/** @throws RangeError naming the field and its limit. */
export function checkDqnSettings(s: DqnSettings): void {
  const { integer, real } = settingsCheck(s);
  integer("seed", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  integer("environmentSteps", 1, 1e12);
  integer("envCount", 1, 4096);
  integer("replayCapacity", 16, 4_000_000);
  integer("warmupSteps", 1, s.replayCapacity);
  integer("updatesPerRound", 1, 1024);
  integer("batchSize", 2, 65_536);
  real("gamma", 0, 1);
  integer("nStep", 1, 100);
  integer("targetCopyUpdates", 1, 1e9);
  real("epsilonStart", 0, 1);
  real("epsilonEnd", 0, s.epsilonStart);
  integer("epsilonSteps", 1, 1e12);
  real("learningRate", 0, 1);
  real("weightDecay", 0, 1);
  real("maxGradientNorm", 1e-6, 1e6);
  real("huberDelta", 1e-6, 1e6);
  real("rewardScale", 1e-9, 1e9);
  integer("prioritised", 0, 1);
  real("priorityAlpha", 0, 1);
  real("priorityBeta", 0, 1);
  real("temperature", 0, 1e9);
  real("divergenceQ", 1e-3, 1e12);
}
