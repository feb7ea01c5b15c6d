/** One thread's share of a PPO run: some of the environments, and some lanes of every minibatch. */
import { createPrng, type Prng, prngFromState } from "../../lib/core/prng";
import { DenseNetwork, ROW_CHUNK } from "../../lib/policy/kernel/denseNetwork";
import type { KernelBuild } from "../../lib/policy/kernel/instance";
import type { NetworkSpec } from "../../lib/policy/types";
import type { RewardTerms } from "../env/reward";
import type { Env } from "../env/types";
import { type ActionRow, policyLoss, type Sample, sampleAction, valueLoss } from "./ppoLoss";
import type { PpoSettings } from "./ppoTypes";
import { meanAndDeviation } from "./sampling";
import type { Barrier } from "./threads";

/** One environment between two steps: its own state, its generator and the return of the episode under way. */
export interface EnvState {
  env: unknown;
  prng: number[];
  episodeReturn: number;
}

/** One iteration's samples, index = step * envCount + environment, in memory that all threads share. */
export interface Rollout {
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
  /** Per lane: the sums of the minibatch in the order of `LANE_SUMS`, then its part's squared gradient norm. */
  laneSums: Float64Array;
}

export interface EndedEpisode {
  at: number;
  episodeReturn: number;
  terms: RewardTerms | undefined;
}

const LANE_SUMS = ["policyLoss", "valueLoss", "entropy", "kl", "clipped"] as const;

/** A cache line a lane. */
const LANE_STRIDE = 8;

const SQUARES = LANE_SUMS.length;

/** Rows whose activations are kept at once: they stay in the cache until the gradients are summed. */
const BLOCK_ROWS = 4 * ROW_CHUNK;

export type EpochSums = Record<(typeof LANE_SUMS)[number] | "seen", number>;

export interface Coefficients {
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
 * number of threads; a lane is a part of the network. All shares are called alike; in `epoch` they meet whenever one
 * needs what others wrote.
 */
export class PpoShare {
  readonly net: DenseNetwork;
  private readonly s: PpoSettings;
  private readonly lanes: number[] = [];
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
    this.net = new DenseNetwork(spec, {
      maxRows: Math.max(Math.min(s.minibatchSize, BLOCK_ROWS), s.envCount),
      training: true,
      storedRows: s.envCount * s.horizon,
      parts: s.gradientLanes,
      kernel,
      memory: start.memory,
    });
    for (let lane = thread; lane < s.gradientLanes; lane += threads) this.lanes.push(lane);
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
    const { observationStride, outputStride: stride, valueColumn } = net;
    // Every share has the rows of its environments to itself.
    const outputs = net.outputs.subarray(fromEnv * stride);
    const observations = net.observations.subarray(fromEnv * observationStride);
    const { rollout, giveWay } = this.start;
    const finished: EndedEpisode[] = [];
    for (let t = 0; t < horizon; t++) {
      const base = t * s.envCount + fromEnv;
      observeAll(envs, net.stored, base, net.spec.observationSize);
      net.forward(envs.length, fromEnv, base);
      for (let e = 0; e < envs.length; e++) {
        const action = sampleAction(outputs, e * stride, row, this.prngs[e]!.nextFloat());
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
          env.observe(observations, 0);
          net.forward(1, fromEnv);
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
    observeAll(envs, observations, 0, observationStride);
    net.forward(envs.length, fromEnv);
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
      this.gradient(batch, scale, coefficients);

      let kl = 0;
      for (let lane = 0; lane < s.gradientLanes; lane++) {
        for (const [k, name] of LANE_SUMS.entries()) sum[name] += laneSums[lane * LANE_STRIDE + k]!;
        kl += laneSums[lane * LANE_STRIDE + LANE_SUMS.indexOf("kl")]!;
      }
      sum.seen += batch.length;
      if (s.targetKl > 0 && kl / batch.length > 1.5 * s.targetKl) {
        return { isWithinTarget: false, gradientNorm: 0, sum };
      }
      for (const lane of lanes) laneSums[lane * LANE_STRIDE + SQUARES] = net.gradientSquares(lane);
      if (thread === 0) net.advanceOptimiser();
      barrier.meet();

      let squares = 0;
      for (let lane = 0; lane < s.gradientLanes; lane++) squares += laneSums[lane * LANE_STRIDE + SQUARES]!;
      const gradientNorm = Math.sqrt(squares);
      if (!Number.isFinite(gradientNorm)) return { isWithinTarget: true, gradientNorm, sum };
      for (const lane of lanes) net.applyAdam(lane, gradientNorm, adam);
      barrier.meet();
      const pause = giveWay?.();
      if (pause) await pause;
    }
    return { isWithinTarget: true, gradientNorm: 0, sum };
  }

  /** Sums the minibatch's gradient of this share's parts of the parameters, a block of rows at a time. */
  private gradient(batch: Uint32Array, scale: Scale, coefficients: Coefficients): void {
    const { net, lanes, s } = this;
    const { rollout, barrier } = this.start;
    const terms = { ...coefficients, clipRange: s.clipRange };
    for (const lane of lanes) rollout.laneSums.fill(0, lane * LANE_STRIDE, lane * LANE_STRIDE + SQUARES);
    for (let block = 0; block < batch.length; block += BLOCK_ROWS) {
      const rows = batch.subarray(block, block + BLOCK_ROWS);
      // Nobody writes over a block before everybody has summed it.
      if (block > 0) barrier.meet();
      for (const lane of lanes) {
        const to = Math.floor(((lane + 1) * rows.length) / s.gradientLanes);
        const from = Math.floor((lane * rows.length) / s.gradientLanes);
        net.indices.set(rows.subarray(from, to), from);
        net.gather(to - from, from);
      }
      // A part of fewer layers has more rows than its lane gathered.
      if (net.parts[0]!.shares < s.gradientLanes) barrier.meet();
      for (const lane of lanes) {
        const { from, to } = net.rowsOf(lane, rows.length);
        for (let chunk = from; chunk < to; chunk += ROW_CHUNK) {
          this.lossRows(lane, rows, chunk, Math.min(chunk + ROW_CHUNK, to), batch.length, scale, terms);
        }
      }
      barrier.meet();
      for (const lane of lanes) net.sumGradients(lane, rows.length, block > 0);
    }
  }

  /** Takes rows [from, to) of a block through a lane's layers, the loss of a minibatch of n samples, and back. */
  private lossRows(
    lane: number,
    block: Uint32Array,
    from: number,
    to: number,
    n: number,
    scale: Scale,
    terms: Coefficients & { clipRange: number },
  ): void {
    const { net, row } = this;
    const { actions, logProbs, advantages, returns, laneSums } = this.start.rollout;
    const { hasPolicy, hasValue } = net.parts[lane]!;
    const sums = laneSums.subarray(lane * LANE_STRIDE, lane * LANE_STRIDE + SQUARES);
    net.forwardPart(lane, to - from, from);
    // One object for all samples: millions of short-lived ones would be a tenth of the time.
    const sample: Sample = { action: 0, oldLogProb: 0, advantage: 0, valueTarget: 0 };
    for (let i = from; i < to; i++) {
      const index = block[i]!;
      const at = i * net.outputStride;
      sample.action = actions[index]!;
      sample.oldLogProb = logProbs[index]!;
      sample.advantage = (advantages[index]! - scale.mean) / (scale.deviation + 1e-8);
      sample.valueTarget = returns[index]!;
      if (hasPolicy) policyLoss(terms, sample, net, at, n, row, sums);
      if (hasValue) valueLoss(terms, sample, net, at + net.valueColumn, n, sums);
    }
    net.backwardPart(lane, to - from, from);
  }
}

/** What brings a minibatch's advantages to mean 0 and deviation 1. */
interface Scale {
  mean: number;
  deviation: number;
}

function observeAll(envs: Env[], out: Float32Array, fromRow: number, stride: number): void {
  for (const [e, env] of envs.entries()) env.observe(out, (fromRow + e) * stride);
}

/** Memory that every thread of a run reads and writes. */
export function allocateRollout(s: PpoSettings): Rollout {
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
