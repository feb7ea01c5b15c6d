import { setImmediate as nextTurn } from "node:timers/promises";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { ln } from "../../lib/core/math";
import { createPrng, type Prng, prngFromState } from "../../lib/core/prng";
import { exp } from "../../lib/policy/exp";
import { DenseNetwork } from "../../lib/policy/kernel/denseNetwork";
import { initialWeights } from "../../lib/policy/network";
import type { NetworkSpec } from "../../lib/policy/types";
import type { Env } from "../env/types";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint";
import {
  checkPpoSettings,
  type PpoOptions,
  type PpoResult,
  type PpoSettings,
  type ProgressPoint,
  TrainingDivergedError,
} from "./ppoTypes";
import { RewardScaler, type RewardScalerState } from "./rewardScaler";
import { explainedVariance, meanAndDeviation, shuffle } from "./sampling";

/** A lease must be renewable while training runs, so the loop gives way at least this often. */
const YIELD_EVERY_MS = 40;
const EPISODES_IN_MEAN = 100;

/** What a checkpoint holds besides the float arrays. */
interface PpoState {
  settings: string;
  contextHash: string;
  iteration: number;
  environmentSteps: number;
  prng: number[];
  envs: unknown[];
  episodeReturns: number[];
  recentReturns: number[];
  scaler: RewardScalerState;
  beta1Power: number;
  beta2Power: number;
}

/**
 * Proximal policy optimisation with a clipped objective (Schulman et al. 2017, arXiv:1707.06347),
 * generalised advantages (arXiv:1506.02438), advantage normalisation per minibatch, target KL, and
 * bootstrapping through time limits (Pardo et al. 2018, arXiv:1712.00378). Value clipping is off.
 *
 * One seed decides everything: initial weights, action sampling, episode seeds and shuffling. All
 * arithmetic is IEEE basic operations, so equal settings and environments give equal weights, and a run
 * resumed from a checkpoint ends with the same bits as an unbroken one.
 *
 * @throws TrainingDivergedError on NaN or a KL blow-up; RangeError on bad settings; Error when
 *   `resumeFrom` is not a sound checkpoint of these settings.
 */
export async function trainPpo(options: PpoOptions): Promise<PpoResult> {
  const { settings: s, nowMs } = options;
  checkPpoSettings(s);
  const envs = Array.from({ length: s.envCount }, (_, i) => options.makeEnv(i));
  const { observationSize, actionCount } = envs[0]!;
  const spec: NetworkSpec = { observationSize, hiddenSizes: s.hiddenSizes, actionCount, activation: "tanh" };
  const batchSize = s.envCount * s.horizon;
  const net = new DenseNetwork(spec, {
    maxRows: Math.max(s.minibatchSize, s.envCount),
    training: true,
    storedRows: batchSize,
  });

  // ---- state that a checkpoint carries -----------------------------------------------------------------
  let prng: Prng;
  let scaler: RewardScaler;
  let iteration = 0;
  let steps = 0;
  let episodeReturns: number[] = new Array(s.envCount).fill(0);
  let recentReturns: number[] = [];
  if (options.resumeFrom) {
    const { state, arrays } = loadCheckpoint(options.resumeFrom, s, options.contextHash ?? "");
    prng = prngFromState(state.prng);
    scaler = RewardScaler.fromState(s.gamma, state.scaler);
    ({ iteration, environmentSteps: steps, episodeReturns, recentReturns } = state);
    for (const [i, env] of envs.entries()) env.restore(state.envs[i]);
    net.setWeights(arrays.weights!);
    const { beta1Power, beta2Power } = state;
    net.setOptimiserState({ moment1: arrays.moment1!, moment2: arrays.moment2!, beta1Power, beta2Power });
  } else {
    prng = createPrng(s.seed);
    scaler = RewardScaler.create(s.gamma, s.envCount);
    net.setWeights(initialWeights(spec, prng));
    for (const env of envs) env.reset(prng.nextInt(2 ** 31));
  }
  const checkpoint = (): Uint8Array => {
    const { moment1, moment2, beta1Power, beta2Power } = net.optimiserState();
    const state: PpoState = {
      settings: canonicalJson(s),
      contextHash: options.contextHash ?? "",
      iteration,
      environmentSteps: steps,
      prng: prng.state(),
      envs: envs.map((env) => env.snapshot()),
      episodeReturns,
      recentReturns,
      scaler: scaler.state(),
      beta1Power,
      beta2Power,
    };
    return encodeCheckpoint({ state, arrays: { weights: net.getWeights(), moment1, moment2 } });
  };

  // ---- rollout storage, index = step * envCount + environment ------------------------------------------
  const actions = new Uint8Array(batchSize);
  const logProbs = new Float64Array(batchSize);
  const values = new Float64Array(batchSize);
  const rewards = new Float64Array(batchSize);
  const ended = new Uint8Array(batchSize);
  const lastValues = new Float64Array(s.envCount);
  const order = new Uint32Array(batchSize);
  const row = { probabilities: new Float64Array(actionCount), logProbs: new Float64Array(actionCount) };

  const startedMs = nowMs();
  const startedSteps = steps;
  let lastYieldMs = startedMs;
  const giveWay = async () => {
    await nextTurn();
    lastYieldMs = nowMs();
  };
  const diverged = (reason: TrainingDivergedError["reason"], detail: string) =>
    new TrainingDivergedError(reason, steps, detail);

  let point: ProgressPoint | undefined;
  let stoppedBy: PpoResult["stoppedBy"] = "steps";

  while (steps < s.environmentSteps) {
    const learningRate = s.learningRate * (1 - steps / s.environmentSteps);
    const horizon = Math.min(s.horizon, Math.ceil((s.environmentSteps - steps) / s.envCount));
    const samples = horizon * s.envCount;

    // ---- 1. collect -------------------------------------------------------------------------------------
    for (let t = 0; t < horizon; t++) {
      const base = t * s.envCount;
      observeAll(envs, net.stored, base);
      net.forward(s.envCount, base);
      for (let e = 0; e < s.envCount; e++) {
        const at = e * net.outputStride;
        const action = sample(net.outputs, at, row, prng.nextFloat());
        actions[base + e] = action;
        logProbs[base + e] = row.logProbs[action]!;
        values[base + e] = net.outputs[at + actionCount]!;
      }
      for (let e = 0; e < s.envCount; e++) {
        const env = envs[e]!;
        const { reward, terminated, truncated } = env.step(actions[base + e]!);
        if (!Number.isFinite(reward)) {
          throw diverged("NON_FINITE_REWARD", `environment ${e} paid ${reward}`);
        }
        const done = terminated || truncated;
        let scaled = s.rewardScaling ? scaler.scale(e, reward, done) : reward;
        episodeReturns[e] = episodeReturns[e]! + reward;
        if (done) {
          // A time limit is not the end of the world: what would have followed is worth V(last observation).
          if (truncated && !terminated) {
            env.observe(net.observations, 0);
            net.forward(1);
            scaled += s.gamma * net.outputs[actionCount]!;
          }
          recentReturns.push(episodeReturns[e]!);
          if (recentReturns.length > EPISODES_IN_MEAN) recentReturns.shift();
          episodeReturns[e] = 0;
          env.reset(prng.nextInt(2 ** 31));
        }
        rewards[base + e] = scaled;
        ended[base + e] = done ? 1 : 0;
      }
      if (nowMs() - lastYieldMs > YIELD_EVERY_MS) await giveWay();
    }
    steps += samples;
    observeAll(envs, net.observations, 0);
    net.forward(s.envCount);
    for (let e = 0; e < s.envCount; e++) lastValues[e] = net.outputs[e * net.outputStride + actionCount]!;
    checkRollout(net.stored.subarray(0, samples * observationSize), values.subarray(0, samples), diverged);

    // ---- 2. advantages ----------------------------------------------------------------------------------
    const { advantages, returns } = generalisedAdvantages({
      rewards: rewards.subarray(0, samples),
      values: values.subarray(0, samples),
      ended,
      lastValues,
      gamma: s.gamma,
      lambda: s.gaeLambda,
    });

    // ---- 3. update --------------------------------------------------------------------------------------
    const sum = { policyLoss: 0, valueLoss: 0, entropy: 0, kl: 0, clipped: 0, seen: 0 };
    for (let i = 0; i < samples; i++) order[i] = i;
    let withinTarget = true;
    for (let epoch = 0; epoch < s.epochs && withinTarget; epoch++) {
      shuffle(order, samples, prng);
      for (let from = 0; from < samples && withinTarget; from += s.minibatchSize) {
        const batch = order.subarray(from, Math.min(from + s.minibatchSize, samples));
        const n = batch.length;
        net.indices.set(batch);
        net.gather(n);
        net.forward(n);
        const { mean, deviation } = meanAndDeviation(advantages, batch);
        let kl = 0;
        for (let i = 0; i < n; i++) {
          const index = batch[i]!;
          const sample: Sample = {
            action: actions[index]!,
            oldLogProb: logProbs[index]!,
            advantage: (advantages[index]! - mean) / (deviation + 1e-8),
            valueTarget: returns[index]!,
          };
          const loss = sampleLoss(s, sample, net.outputs, net.outputGradient, i * net.outputStride, n, row);
          kl += loss.kl;
          sum.policyLoss += loss.policy;
          sum.valueLoss += loss.value;
          sum.entropy += loss.entropy;
          sum.clipped += loss.isClipped ? 1 : 0;
        }
        sum.kl += kl;
        sum.seen += n;
        if (s.targetKl > 0 && kl / n > 1.5 * s.targetKl) {
          withinTarget = false;
          break;
        }
        net.backward(n);
        const norm = net.adamStep({ learningRate, maxGradientNorm: s.maxGradientNorm });
        if (!Number.isFinite(norm)) throw diverged("NON_FINITE_GRADIENT", `gradient norm ${norm}`);
        if (nowMs() - lastYieldMs > YIELD_EVERY_MS) await giveWay();
      }
    }

    // ---- 4. report --------------------------------------------------------------------------------------
    iteration++;
    const approxKl = sum.kl / sum.seen;
    if (!(approxKl <= s.divergenceKl)) {
      throw diverged("KL_BLOW_UP", `approximate KL ${approxKl} passes ${s.divergenceKl}`);
    }
    const seconds = Math.max(1e-9, (nowMs() - startedMs) / 1000);
    const stepsPerSecond = (steps - startedSteps) / seconds;
    point = {
      iteration,
      environmentSteps: steps,
      meanEpisodeReturn: recentReturns.length
        ? recentReturns.reduce((a, b) => a + b, 0) / recentReturns.length
        : null,
      policyLoss: sum.policyLoss / sum.seen,
      valueLoss: sum.valueLoss / sum.seen,
      entropy: sum.entropy / sum.seen,
      approxKl,
      clipFraction: sum.clipped / sum.seen,
      explainedVariance: explainedVariance(returns, values),
      learningRate,
      stepsPerSecond,
      etaSeconds: Math.max(0, s.environmentSteps - steps) / stepsPerSecond,
    };
    await options.onProgress?.(point);
    // A finished run has nothing to resume, so its last checkpoint stays one from which training goes on.
    if (steps >= s.environmentSteps) break;
    if (options.onCheckpoint && options.checkpointEvery && iteration % options.checkpointEvery === 0) {
      await options.onCheckpoint(checkpoint());
    }
    if (options.shouldStop?.() === "checkpoint-and-stop") {
      stoppedBy = "request";
      break;
    }
  }
  if (!point) throw new Error("the checkpoint is of a finished run: there is nothing left to train");
  return {
    network: spec,
    weights: net.getWeights(),
    metrics: point,
    environmentSteps: steps,
    stoppedBy,
    checkpoint: checkpoint(),
  };
}

/**
 * Generalised advantage estimation over a rollout stored step by step, environment by environment:
 *   delta_t = r_t + gamma * V_{t+1} - V_t;  A_t = delta_t + gamma * lambda * A_{t+1}
 * where both t+1 terms vanish at an episode's end. `returns` = A + V, the value function's target.
 */
export function generalisedAdvantages(input: {
  rewards: Float64Array;
  values: Float64Array;
  ended: ArrayLike<number>;
  lastValues: Float64Array;
  gamma: number;
  lambda: number;
}): { advantages: Float64Array; returns: Float64Array } {
  const { rewards, values, ended, lastValues, gamma, lambda } = input;
  const envCount = lastValues.length;
  const advantages = new Float64Array(rewards.length);
  const returns = new Float64Array(rewards.length);
  for (let i = rewards.length - 1; i >= 0; i--) {
    const isLast = i + envCount >= rewards.length;
    const nextValue = isLast ? lastValues[i % envCount]! : values[i + envCount]!;
    const nextAdvantage = isLast ? 0 : advantages[i + envCount]!;
    const goesOn = ended[i] ? 0 : 1;
    const delta = rewards[i]! + gamma * nextValue * goesOn - values[i]!;
    advantages[i] = delta + gamma * lambda * goesOn * nextAdvantage;
    returns[i] = advantages[i]! + values[i]!;
  }
  return { advantages, returns };
}

export interface Sample {
  action: number;
  oldLogProb: number;
  /** Already normalised. */
  advantage: number;
  valueTarget: number;
}

/**
 * One sample's part of the loss
 *   -min(rho A, clip(rho, 1 - c, 1 + c) A) + valueCoefficient (V - target)^2 / 2 - entropyCoefficient H
 * from the logits and the value at outputs[at ..], and 1 / n of its gradient written to gradient[at ..].
 * `value` is (V - target)^2 / 2; `kl` is the estimator rho - 1 - ln rho (Schulman 2020); `row` is scratch.
 */
export function sampleLoss(
  s: Pick<PpoSettings, "clipRange" | "entropyCoefficient" | "valueCoefficient">,
  { action, oldLogProb, advantage, valueTarget }: Sample,
  outputs: Float32Array,
  gradient: Float32Array,
  at: number,
  n: number,
  row: ActionRow,
): { policy: number; value: number; entropy: number; kl: number; isClipped: boolean } {
  logSoftmax(outputs, at, row);
  const actionCount = row.probabilities.length;
  const logRatio = row.logProbs[action]! - oldLogProb;
  const ratio = exp(logRatio);
  const clippedRatio = Math.max(1 - s.clipRange, Math.min(1 + s.clipRange, ratio));
  const surrogate = Math.min(advantage * ratio, advantage * clippedRatio);
  // The minimum's gradient is zero where the clipped branch is the smaller one.
  const slope = advantage * ratio <= advantage * clippedRatio ? -advantage * ratio : 0;
  let entropy = 0;
  for (let a = 0; a < actionCount; a++) entropy -= row.probabilities[a]! * row.logProbs[a]!;
  for (let a = 0; a < actionCount; a++) {
    const p = row.probabilities[a]!;
    const policyGradient = slope * ((a === action ? 1 : 0) - p);
    const entropyGradient = -p * (row.logProbs[a]! + entropy);
    gradient[at + a] = (policyGradient - s.entropyCoefficient * entropyGradient) / n;
  }
  const error = outputs[at + actionCount]! - valueTarget;
  gradient[at + actionCount] = (s.valueCoefficient * error) / n;
  return {
    policy: -surrogate,
    value: 0.5 * error * error,
    entropy,
    kl: ratio - 1 - logRatio,
    isClipped: Math.abs(ratio - 1) > s.clipRange,
  };
}

export interface ActionRow {
  probabilities: Float64Array;
  logProbs: Float64Array;
}

/** Fills `row` from the logits that start at outputs[at]. */
function logSoftmax(outputs: Float32Array, at: number, row: ActionRow): void {
  const n = row.logProbs.length;
  let largest = outputs[at]!;
  for (let a = 1; a < n; a++) largest = Math.max(largest, outputs[at + a]!);
  let total = 0;
  for (let a = 0; a < n; a++) {
    row.probabilities[a] = exp(outputs[at + a]! - largest);
    total += row.probabilities[a]!;
  }
  const logTotal = ln(total);
  for (let a = 0; a < n; a++) {
    row.probabilities[a] = row.probabilities[a]! / total;
    row.logProbs[a] = outputs[at + a]! - largest - logTotal;
  }
}

/** Draws an action by inverting the cumulative distribution at `uniform`. */
function sample(outputs: Float32Array, at: number, row: ActionRow, uniform: number): number {
  logSoftmax(outputs, at, row);
  let left = uniform;
  const last = row.probabilities.length - 1;
  for (let a = 0; a < last; a++) {
    left -= row.probabilities[a]!;
    if (left < 0) return a;
  }
  return last;
}

function observeAll(envs: Env[], out: Float32Array, fromRow: number): void {
  for (const [e, env] of envs.entries()) env.observe(out, (fromRow + e) * env.observationSize);
}

function checkRollout(
  observations: Float32Array,
  values: Float64Array,
  diverged: (reason: TrainingDivergedError["reason"], detail: string) => Error,
): void {
  // A sum is finite exactly when no term is NaN or infinite: observations are clipped, values are small.
  let observationSum = 0;
  for (let i = 0; i < observations.length; i++) observationSum += observations[i]!;
  if (!Number.isFinite(observationSum)) throw diverged("NON_FINITE_OBSERVATION", "an observation is NaN");
  let valueSum = 0;
  for (let i = 0; i < values.length; i++) valueSum += values[i]!;
  if (!Number.isFinite(valueSum)) throw diverged("NON_FINITE_OUTPUT", "the network's value is NaN");
}

/** @throws Error when the bytes are torn or altered, or belong to other settings. */
function loadCheckpoint(bytes: Uint8Array, settings: PpoSettings, contextHash: string) {
  const decoded = decodeCheckpoint(bytes);
  if (!decoded.ok) throw new Error(`the checkpoint cannot be resumed (${decoded.error}); start anew`);
  const state = decoded.value.state as PpoState;
  if (state.settings !== canonicalJson(settings)) {
    throw new Error(`the checkpoint belongs to other settings: ${state.settings}; resume with those`);
  }
  if (state.contextHash !== contextHash) {
    throw new Error("the checkpoint belongs to another dataset or environment; resume with the same ones");
  }
  return { state, arrays: decoded.value.arrays };
}
