import { setImmediate as nextTurn } from "node:timers/promises";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { ln } from "../../lib/core/math";
import { createPrng, type Prng, prngFromState } from "../../lib/core/prng";
import { exp } from "../../lib/policy/exp";
import { DenseNetwork, ROW_CHUNK } from "../../lib/policy/kernel/denseNetwork";
import type { KernelBuild } from "../../lib/policy/kernel/instance";
import { initialWeights } from "../../lib/policy/network";
import type { NetworkSpec } from "../../lib/policy/types";
import type { RewardTerms } from "../env/reward";
import type { Env } from "../env/types";
import { trainingKernel } from "../policy/trainingKernel";
import { assertSameKernel, decodeCheckpoint, encodeCheckpoint } from "./checkpoint";
import { EpisodeLog, type FinishedEpisode } from "./episodeLog";
import type { PpoThreadData } from "./ppoThread";
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
import { Barrier, startThread, type Thread, ThreadFailedError, threadCount } from "./threads";

/** A lease must be renewable while training runs, so the loop gives way at least this often. */
const YIELD_EVERY_MS = 40;

/** What a checkpoint holds besides the float arrays. */
interface PpoState {
  settings: string;
  contextHash: string;
  kernelVersion: string;
  iteration: number;
  environmentSteps: number;
  prng: number[];
  envs: EnvState[];
  episodes: FinishedEpisode[];
  scaler: RewardScalerState;
  beta1Power: number;
  beta2Power: number;
}

/** One environment between two steps: its own state, its generator and the return of the episode under way. */
interface EnvState {
  env: unknown;
  prng: number[];
  episodeReturn: number;
}

/**
 * Proximal policy optimisation with a clipped objective (Schulman et al. 2017, arXiv:1707.06347),
 * generalised advantages (arXiv:1506.02438), advantage normalisation per minibatch, target KL, and
 * bootstrapping through time limits (Pardo et al. 2018, arXiv:1712.00378). Value clipping is off.
 *
 * Every thread has a `PpoShare`: some of the environments, and some lanes of every minibatch. The main thread
 * decides; the shares do the same calls side by side over one memory.
 *
 * One seed decides everything: initial weights, episode seeds, action sampling (a generator per environment)
 * and shuffling. Sums run in an order fixed by the settings. So equal settings, environments and kernel give
 * equal weights with any number of threads, and a run resumed from a checkpoint ends with the same bits as an
 * unbroken one.
 *
 * @throws TrainingDivergedError on NaN or a KL blow-up; RangeError on bad settings; Error when
 *   `resumeFrom` is not a sound checkpoint of these settings.
 */
export async function trainPpo(options: PpoOptions): Promise<PpoResult> {
  const { settings: s, nowMs, kernel = trainingKernel("baseline") } = options;
  checkPpoSettings(s);
  const threads = threadCount(options.threads ?? 1, s.gradientLanes);
  const barrier = new Barrier(threads);
  const giveWay = pacer(nowMs);
  const { observationSize, actionCount } = options.makeEnv(0);
  const spec = networkSpec(s, observationSize, actionCount);
  const rollout = allocateRollout(s);
  const common = { settings: s, spec, kernel, rollout, threads };
  const share = new PpoShare({ ...common, barrier, thread: 0, makeEnv: options.makeEnv, giveWay });
  const { net } = share;
  const diverged = (reason: TrainingDivergedError["reason"], detail: string) =>
    new TrainingDivergedError(reason, steps, detail);

  // ---- state that a checkpoint carries -----------------------------------------------------------------
  let prng: Prng;
  let scaler: RewardScaler;
  let iteration = 0;
  let steps = 0;
  let episodes = new EpisodeLog();
  const resumed = options.resumeFrom && loadCheckpoint(options.resumeFrom, options, kernel);
  if (resumed) {
    const { state, arrays } = resumed;
    prng = prngFromState(state.prng);
    scaler = RewardScaler.fromState(s.gamma, state.scaler);
    ({ iteration, environmentSteps: steps } = state);
    episodes = new EpisodeLog(state.episodes);
    net.setWeights(arrays.weights!);
    const { beta1Power, beta2Power } = state;
    net.setOptimiserState({ moment1: arrays.moment1!, moment2: arrays.moment2!, beta1Power, beta2Power });
  } else {
    prng = createPrng(s.seed);
    scaler = RewardScaler.create(s.gamma, s.envCount);
    net.setWeights(initialWeights(spec, prng));
  }
  const others = await startShares(options, { ...common, memory: net.memory }, barrier);
  const everywhere = callEverywhere(share, others, barrier);

  try {
    if (resumed) await everywhere("restore", resumed.state.envs);
    else
      await everywhere(
        "reset",
        Array.from({ length: s.envCount }, () => prng.nextInt(2 ** 31)),
      );
    const checkpoint = async (): Promise<Uint8Array> => {
      const { moment1, moment2, beta1Power, beta2Power } = net.optimiserState();
      const state: PpoState = {
        settings: canonicalJson(s),
        contextHash: options.contextHash ?? "",
        kernelVersion: kernel.version,
        iteration,
        environmentSteps: steps,
        prng: prng.state(),
        envs: (await everywhere("snapshot")).flat(),
        episodes: episodes.state(),
        scaler: scaler.state(),
        beta1Power,
        beta2Power,
      };
      return encodeCheckpoint({ state, arrays: { weights: net.getWeights(), moment1, moment2 } });
    };

    const startedMs = nowMs();
    const startedSteps = steps;
    let point: ProgressPoint | undefined;
    let stoppedBy: PpoResult["stoppedBy"] = "steps";

    while (steps < s.environmentSteps) {
      const progress = steps / s.environmentSteps;
      const coefficients: Coefficients = {
        learningRate: s.learningRate * along(progress, s.learningRateFinalFraction),
        entropyCoefficient: s.entropyCoefficient * along(progress, s.entropyFinalFraction),
        valueCoefficient: s.valueCoefficient * along(progress, s.valueFinalFraction),
      };
      const horizon = Math.min(s.horizon, Math.ceil((s.environmentSteps - steps) / s.envCount));
      const samples = horizon * s.envCount;

      // ---- 1. collect -----------------------------------------------------------------------------------
      const finished = (await everywhere("collect", horizon)).flat().sort((a, b) => a.at - b.at);
      for (const { episodeReturn, terms } of finished) episodes.push(episodeReturn, terms);
      steps += samples;
      checkRollout(rollout, net, samples, diverged);
      for (let i = 0; i < samples; i++) {
        const reward = rollout.rewards[i]!;
        const scaled = s.rewardScaling
          ? scaler.scale(i % s.envCount, reward, rollout.ended[i] === 1)
          : reward;
        // A time limit is not the end of the world: what would have followed is worth V(last observation).
        rollout.rewards[i] = scaled + s.gamma * rollout.bootstraps[i]!;
      }

      // ---- 2. advantages --------------------------------------------------------------------------------
      generalisedAdvantages({
        rewards: rollout.rewards.subarray(0, samples),
        values: rollout.values,
        ended: rollout.ended,
        lastValues: rollout.lastValues,
        gamma: s.gamma,
        lambda: s.gaeLambda,
        advantages: rollout.advantages,
        returns: rollout.returns,
      });

      // ---- 3. update ------------------------------------------------------------------------------------
      const orders = rollout.order.subarray(0, samples);
      for (let i = 0; i < samples; i++) orders[i] = i;
      const sum = { policyLoss: 0, valueLoss: 0, entropy: 0, kl: 0, clipped: 0, seen: 0 };
      for (let epoch = 0, isWithinTarget = true; epoch < s.epochs && isWithinTarget; epoch++) {
        shuffle(rollout.order, samples, prng);
        const [passed] = await everywhere("epoch", samples, coefficients);
        isWithinTarget = passed!.isWithinTarget;
        for (const key of Object.keys(sum) as Array<keyof typeof sum>) sum[key] += passed!.sum[key];
        if (!Number.isFinite(passed!.gradientNorm)) {
          throw diverged("NON_FINITE_GRADIENT", `gradient norm ${passed!.gradientNorm}`);
        }
      }

      // ---- 4. report ------------------------------------------------------------------------------------
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
        meanEpisodeReturn: episodes.meanReturn(),
        rewardTerms: episodes.meanTerms(),
        policyLoss: sum.policyLoss / sum.seen,
        valueLoss: sum.valueLoss / sum.seen,
        entropy: sum.entropy / sum.seen,
        approxKl,
        clipFraction: sum.clipped / sum.seen,
        explainedVariance: explainedVariance(
          rollout.returns.subarray(0, samples),
          rollout.values.subarray(0, samples),
        ),
        learningRate: coefficients.learningRate,
        stepsPerSecond,
        etaSeconds: Math.max(0, s.environmentSteps - steps) / stepsPerSecond,
      };
      await options.onProgress?.(point);
      // A finished run has nothing to resume, so its last checkpoint stays one from which training goes on.
      if (steps >= s.environmentSteps) break;
      if (options.onCheckpoint && options.checkpointEvery && iteration % options.checkpointEvery === 0) {
        await options.onCheckpoint(await checkpoint());
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
      kernelVersion: kernel.version,
      stoppedBy,
      checkpoint: await checkpoint(),
    };
  } finally {
    await Promise.all(others.map((thread) => thread.stop()));
  }
}

// ---- a thread's share of the work ------------------------------------------------------------------------

/** One iteration's samples, index = step * envCount + environment, in memory that all threads share. */
interface Rollout {
  actions: Uint8Array;
  logProbs: Float64Array;
  values: Float64Array;
  rewards: Float64Array;
  /** V(last observation) where a time limit cut the episode, else 0. */
  bootstraps: Float64Array;
  ended: Uint8Array;
  /** Per environment: V of the observation after the last step. */
  lastValues: Float64Array;
  advantages: Float64Array;
  returns: Float64Array;
  /** Shuffled sample indices of the epoch. */
  order: Uint32Array;
  /** Per lane: the sums of the minibatch in the order of `LANE_SUMS`, then the part's squared gradient norm. */
  laneSums: Float64Array;
}

interface EndedEpisode {
  at: number;
  episodeReturn: number;
  terms: RewardTerms | undefined;
}

const LANE_SUMS = ["policyLoss", "valueLoss", "entropy", "kl", "clipped"] as const;
/** A cache line a lane. */
const LANE_STRIDE = 8;
const SQUARES = LANE_SUMS.length;

type EpochSums = Record<(typeof LANE_SUMS)[number] | "seen", number>;

interface Coefficients {
  learningRate: number;
  entropyCoefficient: number;
  valueCoefficient: number;
}

export interface ShareStart {
  settings: PpoSettings;
  spec: NetworkSpec;
  kernel: KernelBuild;
  rollout: Rollout;
  threads: number;
  thread: number;
  /** Memory of the network that the first share made. */
  memory?: WebAssembly.Memory;
  barrier: Barrier;
  makeEnv(index: number): Env;
  /** Called in long loops; returns a promise when it is time to give way. */
  giveWay?(): Promise<void> | undefined;
}

/**
 * Environments [fromEnv, toEnv) and every lane whose number leaves the remainder `thread` when divided by the
 * number of threads. All shares are called alike; in `epoch` they meet three times a minibatch.
 */
export class PpoShare {
  /** Of the share's first lane; also what its environments are decided with. */
  readonly net: DenseNetwork;
  private readonly s: PpoSettings;
  private readonly lanes: Array<{ lane: number; net: DenseNetwork }> = [];
  private readonly fromEnv: number;
  private readonly envs: Env[];
  private readonly prngs: Prng[] = [];
  private readonly episodeReturns: number[];
  private readonly row: ActionRow;

  constructor(private readonly start: ShareStart) {
    const { settings: s, spec, kernel, threads, thread } = start;
    this.s = s;
    this.fromEnv = Math.floor((thread * s.envCount) / threads);
    const toEnv = Math.floor(((thread + 1) * s.envCount) / threads);
    this.envs = Array.from({ length: toEnv - this.fromEnv }, (_, i) => start.makeEnv(this.fromEnv + i));
    this.episodeReturns = this.envs.map(() => 0);
    const sizes = {
      maxRows: Math.max(ROW_CHUNK, s.envCount),
      training: true,
      storedRows: s.envCount * s.horizon,
      lanes: s.gradientLanes,
      kernel,
    };
    let { memory } = start;
    for (let lane = thread; lane < s.gradientLanes; lane += threads) {
      const net = new DenseNetwork(spec, { ...sizes, lane, memory });
      memory = net.memory;
      this.lanes.push({ lane, net });
    }
    this.net = this.lanes[0]!.net;
    const { actionCount } = spec;
    this.row = { probabilities: new Float64Array(actionCount), logProbs: new Float64Array(actionCount) };
  }

  /** Starts every environment anew from seeds[environment]. */
  reset(seeds: number[]): void {
    for (const [i, env] of this.envs.entries()) {
      const prng = createPrng(seeds[this.fromEnv + i]!);
      this.prngs[i] = prng;
      env.reset(prng.nextInt(2 ** 31));
    }
  }

  restore(states: EnvState[]): void {
    for (const [i, env] of this.envs.entries()) {
      const state = states[this.fromEnv + i]!;
      env.restore(state.env);
      this.prngs[i] = prngFromState(state.prng);
      this.episodeReturns[i] = state.episodeReturn;
    }
  }

  snapshot(): EnvState[] {
    return this.envs.map((env, i) => ({
      env: env.snapshot(),
      prng: this.prngs[i]!.state(),
      episodeReturn: this.episodeReturns[i]!,
    }));
  }

  /**
   * Steps the environments `horizon` times and fills their columns of the rollout. Returns the episodes that
   * ended, each with the index of its last sample.
   */
  async collect(horizon: number): Promise<EndedEpisode[]> {
    const { net, envs, row, fromEnv, s } = this;
    const { outputs, outputStride: stride, valueColumn } = net;
    const { rollout, giveWay } = this.start;
    const finished: EndedEpisode[] = [];
    for (let t = 0; t < horizon; t++) {
      const base = t * s.envCount + fromEnv;
      observeAll(envs, net.stored, base);
      net.forward(envs.length, base);
      for (let e = 0; e < envs.length; e++) {
        const action = sample(outputs, e * stride, row, this.prngs[e]!.nextFloat());
        rollout.actions[base + e] = action;
        rollout.logProbs[base + e] = row.logProbs[action]!;
        rollout.values[base + e] = outputs[e * stride + valueColumn]!;
      }
      for (let e = 0; e < envs.length; e++) {
        const env = envs[e]!;
        const { reward, terminated, truncated } = env.step(rollout.actions[base + e]!);
        rollout.rewards[base + e] = reward;
        rollout.ended[base + e] = terminated || truncated ? 1 : 0;
        rollout.bootstraps[base + e] = 0;
        this.episodeReturns[e] = this.episodeReturns[e]! + reward;
        if (!terminated && !truncated) continue;
        if (!terminated) {
          env.observe(net.observations, 0);
          net.forward(1);
          rollout.bootstraps[base + e] = outputs[valueColumn]!;
        }
        const episodeReturn = this.episodeReturns[e]!;
        finished.push({ at: base + e, episodeReturn, terms: env.episodeTerms?.() });
        this.episodeReturns[e] = 0;
        env.reset(this.prngs[e]!.nextInt(2 ** 31));
      }
      const pause = giveWay?.();
      if (pause) await pause;
    }
    observeAll(envs, net.observations, 0);
    net.forward(envs.length);
    for (let e = 0; e < envs.length; e++)
      rollout.lastValues[fromEnv + e] = outputs[e * stride + valueColumn]!;
    return finished;
  }

  /**
   * One pass over the shuffled samples. Stops early when the approximate KL of a minibatch passes 1.5 times the
   * target, or when a gradient is not finite. Every share returns the same.
   */
  async epoch(
    samples: number,
    coefficients: Coefficients,
  ): Promise<{ isWithinTarget: boolean; gradientNorm: number; sum: EpochSums }> {
    const { s, lanes, net } = this;
    const { rollout, barrier, giveWay, thread } = this.start;
    const { laneSums } = rollout;
    const sum: EpochSums = { policyLoss: 0, valueLoss: 0, entropy: 0, kl: 0, clipped: 0, seen: 0 };
    const adam = { learningRate: coefficients.learningRate, maxGradientNorm: s.maxGradientNorm };
    for (let from = 0; from < samples; from += s.minibatchSize) {
      const batch = rollout.order.subarray(from, Math.min(from + s.minibatchSize, samples));
      const scale = s.normaliseAdvantages
        ? meanAndDeviation(rollout.advantages, batch)
        : { mean: 0, deviation: 1 };
      for (const { lane, net } of lanes) this.gradient(net, lane, batch, scale, coefficients);
      barrier.meet();

      let kl = 0;
      for (let lane = 0; lane < s.gradientLanes; lane++) {
        for (const [k, name] of LANE_SUMS.entries()) sum[name] += laneSums[lane * LANE_STRIDE + k]!;
        kl += laneSums[lane * LANE_STRIDE + LANE_SUMS.indexOf("kl")]!;
      }
      sum.seen += batch.length;
      if (s.targetKl > 0 && kl / batch.length > 1.5 * s.targetKl) {
        return { isWithinTarget: false, gradientNorm: 0, sum };
      }
      for (const { lane } of lanes) laneSums[lane * LANE_STRIDE + SQUARES] = net.reduceGradients(lane);
      if (thread === 0) net.advanceOptimiser();
      barrier.meet();

      let squares = 0;
      for (let lane = 0; lane < s.gradientLanes; lane++) squares += laneSums[lane * LANE_STRIDE + SQUARES]!;
      const gradientNorm = Math.sqrt(squares);
      if (!Number.isFinite(gradientNorm)) return { isWithinTarget: true, gradientNorm, sum };
      for (const { lane } of lanes) net.applyAdam(lane, gradientNorm, adam);
      barrier.meet();
      const pause = giveWay?.();
      if (pause) await pause;
    }
    return { isWithinTarget: true, gradientNorm: 0, sum };
  }

  /** Sums the gradient of one lane's part of the minibatch, a chunk that fits the cache at a time. */
  private gradient(
    net: DenseNetwork,
    lane: number,
    batch: Uint32Array,
    scale: { mean: number; deviation: number },
    coefficients: Coefficients,
  ): void {
    const { actions, logProbs, advantages, returns, laneSums } = this.start.rollout;
    const { gradientLanes, clipRange } = this.s;
    const terms = { ...coefficients, clipRange };
    const from = Math.floor((lane * batch.length) / gradientLanes);
    const to = Math.floor(((lane + 1) * batch.length) / gradientLanes);
    const sums = laneSums.subarray(lane * LANE_STRIDE, lane * LANE_STRIDE + LANE_SUMS.length).fill(0);
    if (from === to) net.backward(0);
    // One object for all samples: millions of short-lived ones would be a tenth of the time.
    const sample: Sample = { action: 0, oldLogProb: 0, advantage: 0, valueTarget: 0 };
    for (let chunk = from; chunk < to; chunk += ROW_CHUNK) {
      const rows = Math.min(ROW_CHUNK, to - chunk);
      net.indices.set(batch.subarray(chunk, chunk + rows));
      net.gather(rows);
      net.forward(rows);
      for (let i = 0; i < rows; i++) {
        const index = batch[chunk + i]!;
        sample.action = actions[index]!;
        sample.oldLogProb = logProbs[index]!;
        sample.advantage = (advantages[index]! - scale.mean) / (scale.deviation + 1e-8);
        sample.valueTarget = returns[index]!;
        sampleLoss(terms, sample, net, i * net.outputStride, batch.length, this.row, sums);
      }
      net.backward(rows, chunk > from);
    }
  }
}

/**
 * Generalised advantage estimation over a rollout stored step by step, environment by environment:
 *   delta_t = r_t + gamma * V_{t+1} - V_t;  A_t = delta_t + gamma * lambda * A_{t+1}
 * where both t+1 terms vanish at an episode's end. `returns` = A + V, the value function's target. The sizes
 * of `rewards` and `lastValues` say how many samples there are; `advantages` and `returns` are filled.
 */
export function generalisedAdvantages(input: {
  rewards: Float64Array;
  values: Float64Array;
  ended: ArrayLike<number>;
  lastValues: Float64Array;
  gamma: number;
  lambda: number;
  advantages: Float64Array;
  returns: Float64Array;
}): void {
  const { rewards, values, ended, lastValues, gamma, lambda, advantages, returns } = input;
  const envCount = lastValues.length;
  for (let i = rewards.length - 1; i >= 0; i--) {
    const isLast = i + envCount >= rewards.length;
    const nextValue = isLast ? lastValues[i % envCount]! : values[i + envCount]!;
    const nextAdvantage = isLast ? 0 : advantages[i + envCount]!;
    const goesOn = ended[i] ? 0 : 1;
    const delta = rewards[i]! + gamma * nextValue * goesOn - values[i]!;
    advantages[i] = delta + gamma * lambda * goesOn * nextAdvantage;
    returns[i] = advantages[i]! + values[i]!;
  }
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
 * from the logits at outputs[at ..] and the value at outputs[at + valueColumn], and 1 / n of its gradient
 * written to the same places of outputGradient.
 * The policy term, (V - target)^2 / 2, H, the KL estimator rho - 1 - ln rho (Schulman 2020) and whether the
 * ratio left the clip range are added to `sums`, in the order of LANE_SUMS; `row` is scratch.
 */
export function sampleLoss(
  s: Pick<PpoSettings, "clipRange" | "entropyCoefficient" | "valueCoefficient">,
  { action, oldLogProb, advantage, valueTarget }: Sample,
  { outputs, outputGradient: gradient, valueColumn }: NetworkOutputs,
  at: number,
  n: number,
  row: ActionRow,
  sums: Float64Array,
): void {
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
  const error = outputs[at + valueColumn]! - valueTarget;
  gradient[at + valueColumn] = (s.valueCoefficient * error) / n;
  sums[0]! -= surrogate;
  sums[1]! += 0.5 * error * error;
  sums[2]! += entropy;
  sums[3]! += ratio - 1 - logRatio;
  sums[4]! += Math.abs(ratio - 1) > s.clipRange ? 1 : 0;
}

export type NetworkOutputs = Pick<DenseNetwork, "outputs" | "outputGradient" | "valueColumn">;

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

function networkSpec(s: PpoSettings, observationSize: number, actionCount: number): NetworkSpec {
  return {
    observationSize,
    hiddenSizes: s.hiddenSizes,
    actionCount,
    activation: "tanh",
    ...(s.separateTrunks ? { trunk: "separate" } : {}),
    ...(s.encoder ? { encoder: s.encoder } : {}),
  };
}

/** 1 at the start of the run, `finalFraction` at its end, linear between. */
function along(progress: number, finalFraction: number): number {
  return 1 + progress * (finalFraction - 1);
}

function allocateRollout(s: PpoSettings): Rollout {
  const batchSize = s.envCount * s.horizon;
  const bytes = (count: number) => new Uint8Array(new SharedArrayBuffer(count));
  const floats = (count: number) => new Float64Array(new SharedArrayBuffer(count * 8));
  return {
    actions: bytes(batchSize),
    logProbs: floats(batchSize),
    values: floats(batchSize),
    rewards: floats(batchSize),
    bootstraps: floats(batchSize),
    ended: bytes(batchSize),
    lastValues: floats(s.envCount),
    advantages: floats(batchSize),
    returns: floats(batchSize),
    order: new Uint32Array(new SharedArrayBuffer(batchSize * 4)),
    laneSums: floats(s.gradientLanes * LANE_STRIDE),
  };
}

/** A function that, called often, gives the event loop a turn every YIELD_EVERY_MS. */
function pacer(nowMs: () => number): () => Promise<void> | undefined {
  let lastMs = nowMs();
  const turn = async () => {
    await nextTurn();
    lastMs = nowMs();
  };
  return () => (nowMs() - lastMs > YIELD_EVERY_MS ? turn() : undefined);
}

/** The shares of the other threads; none when the run has one thread. */
async function startShares(
  { envSource }: PpoOptions,
  start: Omit<ShareStart, "thread" | "makeEnv" | "barrier">,
  barrier: Barrier,
): Promise<Thread[]> {
  if (start.threads === 1) return [];
  if (!envSource)
    throw new RangeError("threads above 1 need envSource, from which a thread makes environments");
  // Beside this module and of its kind: TypeScript in the repository, JavaScript in a build.
  const moduleUrl = new URL(`./ppoThread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
  const data = (thread: number): PpoThreadData => ({
    start: { ...start, thread },
    barrierBlock: barrier.block,
    envModuleUrl: envSource.moduleUrl,
    envData: envSource.data,
  });
  const numbers = Array.from({ length: start.threads - 1 }, (_, i) => i + 1);
  return Promise.all(numbers.map((thread) => startThread(moduleUrl.href, data(thread))));
}

type ShareMethod = "reset" | "restore" | "snapshot" | "collect" | "epoch";

/** Calls a method on all shares at once; the results come in the order of the threads. */
function callEverywhere(share: PpoShare, others: Thread[], barrier: Barrier) {
  return async <M extends ShareMethod>(
    method: M,
    ...args: Parameters<PpoShare[M]>
  ): Promise<Array<Awaited<ReturnType<PpoShare[M]>>>> => {
    type Value = Awaited<ReturnType<PpoShare[M]>>;
    const theirs = Promise.allSettled(others.map((thread) => thread.call(method, args)));
    const own = share[method] as (...args: unknown[]) => Value | Promise<Value>;
    let ownValue: Value | undefined;
    let ownError: unknown;
    try {
      ownValue = await own.apply(share, args);
    } catch (error) {
      ownError = error;
      barrier.fail();
    }
    const settled = await theirs;
    const failed = settled.find(
      (result) => result.status === "rejected" && !(result.reason instanceof ThreadFailedError),
    );
    // A thread that only gave up because this one failed has nothing to say.
    if (ownError !== undefined && !(ownError instanceof ThreadFailedError)) throw ownError;
    if (failed?.status === "rejected") throw failed.reason;
    if (ownError !== undefined) throw ownError;
    return [ownValue!, ...settled.map((result) => (result as PromiseFulfilledResult<Value>).value)];
  };
}

function checkRollout(
  { rewards, values }: Rollout,
  { stored, spec }: DenseNetwork,
  samples: number,
  diverged: (reason: TrainingDivergedError["reason"], detail: string) => Error,
): void {
  for (let i = 0; i < samples; i++) {
    if (!Number.isFinite(rewards[i]))
      throw diverged("NON_FINITE_REWARD", `an environment paid ${rewards[i]}`);
  }
  // A sum is finite exactly when no term is NaN or infinite: observations are clipped, values are small.
  let observationSum = 0;
  for (let i = 0; i < samples * spec.observationSize; i++) observationSum += stored[i]!;
  if (!Number.isFinite(observationSum)) throw diverged("NON_FINITE_OBSERVATION", "an observation is NaN");
  let valueSum = 0;
  for (let i = 0; i < samples; i++) valueSum += values[i]!;
  if (!Number.isFinite(valueSum)) throw diverged("NON_FINITE_OUTPUT", "the network's value is NaN");
}

/** @throws Error when the bytes are torn or altered, or belong to other settings. */
function loadCheckpoint(bytes: Uint8Array, options: PpoOptions, kernel: KernelBuild) {
  const decoded = decodeCheckpoint(bytes);
  if (!decoded.ok) throw new Error(`the checkpoint cannot be resumed (${decoded.error}); start anew`);
  const state = decoded.value.state as PpoState;
  if (state.settings !== canonicalJson(options.settings)) {
    throw new Error(`the checkpoint belongs to other settings: ${state.settings}; resume with those`);
  }
  if (state.contextHash !== (options.contextHash ?? "")) {
    throw new Error("the checkpoint belongs to another dataset or environment; resume with the same ones");
  }
  assertSameKernel(state.kernelVersion, kernel);
  return { state, arrays: decoded.value.arrays };
}
