import { setImmediate as nextTurn } from "node:timers/promises";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { createPrng, type Prng, prngFromState } from "../../lib/core/prng";
import type { DenseNetwork } from "../../lib/policy/kernel/denseNetwork";
import type { KernelBuild } from "../../lib/policy/kernel/instance";
import { initialWeights } from "../../lib/policy/network";
import type { NetworkSpec } from "../../lib/policy/types";
import { trainingKernel } from "../policy/trainingKernel";
import { assertSameKernel, decodeCheckpoint, encodeCheckpoint } from "./checkpoint";
import { EpisodeLog, type FinishedEpisode } from "./episodeLog";
import { callEverywhere, startShares } from "./ppoCrew";
import { generalisedAdvantages } from "./ppoLoss";
import { allocateRollout, type Coefficients, type EnvState, PpoShare, type Rollout } from "./ppoShare";
import {
  checkPpoSettings,
  type PpoOptions,
  type PpoResult,
  type PpoSettings,
  type ProgressPoint,
  TrainingDivergedError,
} from "./ppoTypes";
import { RewardScaler, type RewardScalerState } from "./rewardScaler";
import { explainedVariance, shuffle } from "./sampling";
import { Barrier, threadCount } from "./threads";

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

/** A function that, called often, gives the event loop a turn every YIELD_EVERY_MS. */
function pacer(nowMs: () => number): () => Promise<void> | undefined {
  let lastMs = nowMs();
  const turn = async () => {
    await nextTurn();
    lastMs = nowMs();
  };
  return () => (nowMs() - lastMs > YIELD_EVERY_MS ? turn() : undefined);
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
