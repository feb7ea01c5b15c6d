/** One thread's share of a PPO run: some of the environments, and some lanes of every minibatch. */
import { createPrng, type Prng, prngFromState } from "../../lib/core/prng";
import { DenseNetwork, ROW_CHUNK } from "../../lib/policy/kernel/denseNetwork";
import type { KernelBuild } from "../../lib/policy/kernel/instance";
import type { NetworkSpec } from "../../lib/policy/types";
import type { RewardTerms } from "../env/reward";
import type { Env } from "../env/types";
import { type ActionRow, type Sample, sampleAction, sampleLoss } from "./ppoLoss";
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
  /** Per lane: the sums of the minibatch in the order of `LANE_SUMS`, then the part's squared gradient norm. */
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

function observeAll(envs: Env[], out: Float32Array, fromRow: number): void {
  for (const [e, env] of envs.entries()) env.observe(out, (fromRow + e) * env.observationSize);
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
