import { setImmediate as nextTurn } from "node:timers/promises";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { ln } from "../../lib/core/math";
import { createPrng, type Prng, prngFromState } from "../../lib/core/prng";
import { exp } from "../../lib/policy/exp";
import { DenseNetwork } from "../../lib/policy/kernel/denseNetwork";
import { baselineKernel } from "../../lib/policy/kernel/instance";
import { initialWeights, networkLayers } from "../../lib/policy/network";
import type { NetworkSpec } from "../../lib/policy/types";
import { assertSameKernel, decodeCheckpoint, encodeCheckpoint } from "./checkpoint";
import {
  checkDqnSettings,
  type DqnOptions,
  type DqnPoint,
  type DqnResult,
  type DqnSettings,
} from "./dqnTypes";
import { EpisodeLog, type FinishedEpisode } from "./episodeLog";
import { TrainingDivergedError } from "./ppoTypes";
import { ReplayBuffer, type ReplayState, SumTree } from "./replayBuffer";

/** A lease must be renewable while training runs, so the loop gives way at least this often. */
const YIELD_EVERY_MS = 40;
/** Environment steps between two points of the curve. */
const STEPS_PER_POINT = 4_096;
/** AdamW's constant; the policy gradient's larger one would slow the small gradients of values. */
const ADAM_EPSILON = 1e-8;
/** Added to every error before it becomes a priority, so that nothing is never drawn again. */
const PRIORITY_FLOOR = 1e-3;
/** Stored observations over which the exported temperature is measured. */
const TEMPERATURE_ROWS = 8_192;

/** What a checkpoint holds besides the float arrays. */
interface DqnState {
  algorithm: "dqn";
  settings: string;
  contextHash: string;
  kernelVersion: string;
  iteration: number;
  environmentSteps: number;
  updates: number;
  prng: number[];
  envs: unknown[];
  episodeReturns: number[];
  episodes: FinishedEpisode[];
  replay: ReplayState;
  largestPriority: number;
  beta1Power: number;
  beta2Power: number;
}

/**
 * Dueling double deep Q-learning: Q(s, a) = V(s) + A(s, a) - mean A(s) (Wang et al. 2016, arXiv:1511.06581) with
 * the online network choosing and the target network valuing the next action (van Hasselt et al. 2016,
 * arXiv:1509.06461), n-step returns, optional prioritised replay (Schaul et al. 2016, arXiv:1511.05952), Huber
 * loss and AdamW. Time limits bootstrap, terminations do not.
 *
 * One seed decides everything: initial weights, exploration, episode seeds and sampling. All arithmetic is IEEE
 * basic operations, so equal settings and environments give equal weights, and a run resumed from a checkpoint
 * ends with the same bits as an unbroken one.
 *
 * @throws TrainingDivergedError on NaN or a blow-up of Q; RangeError on bad settings; Error when `resumeFrom` is
 *   not a sound checkpoint of these settings.
 */
export async function trainDqn(options: DqnOptions): Promise<DqnResult> {
  const { settings: s, nowMs, kernel = baselineKernel() } = options;
  checkDqnSettings(s);
  const envs = Array.from({ length: s.envCount }, (_, i) => options.makeEnv(i));
  const { observationSize, actionCount } = envs[0]!;
  const { hiddenSizes, encoder } = s;
  const dense: NetworkSpec = { observationSize, hiddenSizes, actionCount, activation: "tanh" };
  const spec = encoder ? { ...dense, encoder } : dense;
  const maxRows = Math.max(s.batchSize, s.envCount);
  const sizes = { maxRows, storedRows: s.replayCapacity, kernel };
  const online = new DenseNetwork(spec, { ...sizes, training: true });
  const target = new DenseNetwork(spec, { ...sizes, training: false });
  const tree = s.prioritised ? new SumTree(s.replayCapacity) : null;

  // ---- state that a checkpoint carries -----------------------------------------------------------------
  let prng: Prng;
  let iteration = 0;
  let steps = 0;
  let updates = 0;
  let largestPriority = 1;
  let episodeReturns: number[] = new Array(s.envCount).fill(0);
  let episodes = new EpisodeLog();
  const replay = new ReplayBuffer(
    {
      ...{ capacity: s.replayCapacity, observationSize, envCount: s.envCount },
      ...{ nStep: s.nStep, gamma: s.gamma, stored: online.stored, storedNext: target.stored },
    },
    // What was never learned from is drawn as if its error were the largest seen.
    (index) => tree?.set(index, largestPriority),
  );
  if (options.resumeFrom) {
    const { state, arrays } = loadCheckpoint(options.resumeFrom, s, options.contextHash ?? "");
    assertSameKernel(state.kernelVersion, kernel);
    prng = prngFromState(state.prng);
    ({ iteration, environmentSteps: steps, updates, episodeReturns, largestPriority } = state);
    episodes = new EpisodeLog(state.episodes);
    for (const [i, env] of envs.entries()) env.restore(state.envs[i]);
    online.setWeights(arrays.weights!);
    target.setWeights(arrays.targetWeights!);
    const { beta1Power, beta2Power } = state;
    online.setOptimiserState({ moment1: arrays.moment1!, moment2: arrays.moment2!, beta1Power, beta2Power });
    replay.restore(state.replay, arrays);
    if (tree) for (const [i, priority] of arrays.priorities!.entries()) tree.set(i, priority);
  } else {
    prng = createPrng(s.seed);
    online.setWeights(initialWeights(spec, prng));
    target.setWeights(online.getWeights());
    for (const env of envs) env.reset(prng.nextInt(2 ** 31));
  }
  const checkpoint = (): Uint8Array => {
    const { moment1, moment2, beta1Power, beta2Power } = online.optimiserState();
    const state: DqnState = {
      algorithm: "dqn",
      settings: canonicalJson(s),
      contextHash: options.contextHash ?? "",
      kernelVersion: kernel.version,
      ...{ iteration, environmentSteps: steps, updates, episodeReturns, largestPriority },
      episodes: episodes.state(),
      prng: prng.state(),
      envs: envs.map((env) => env.snapshot()),
      replay: replay.state(),
      ...{ beta1Power, beta2Power },
    };
    const priorities = Float32Array.from({ length: tree ? replay.size : 0 }, (_, i) => tree!.get(i));
    const weights = { weights: online.getWeights(), targetWeights: target.getWeights(), moment1, moment2 };
    return encodeCheckpoint({ state, arrays: { ...weights, priorities, ...replay.arrays() } });
  };

  // ---- scratch -----------------------------------------------------------------------------------------
  const before = new Float32Array(s.envCount * observationSize);
  const after = new Float32Array(s.envCount * observationSize);
  const drawn = new Uint32Array(s.batchSize);
  const targets = new Float64Array(s.batchSize);
  for (const [e, env] of envs.entries()) env.observe(before, e * observationSize);

  const startedMs = nowMs();
  const startedSteps = steps;
  let lastYieldMs = startedMs;
  const diverged = (reason: TrainingDivergedError["reason"], detail: string) =>
    new TrainingDivergedError(reason, steps, detail);
  const roundsPerPoint = Math.ceil(STEPS_PER_POINT / s.envCount);

  let point: DqnPoint | undefined;
  let stoppedBy: DqnResult["stoppedBy"] = "steps";

  while (steps < s.environmentSteps) {
    const sum = { loss: 0, q: 0, error: 0, learned: 0 };
    for (let round = 0; round < roundsPerPoint && steps < s.environmentSteps; round++) {
      // ---- 1. act: mostly the best known action, sometimes any; at first always any --------------------
      for (let e = 0; e < s.envCount; e++) {
        const observation = before.subarray(e * observationSize, (e + 1) * observationSize);
        online.observations.set(observation, e * online.observationStride);
      }
      online.forward(s.envCount);
      const epsilon = steps < s.warmupSteps ? 1 : epsilonAt(s, steps);
      for (let e = 0; e < s.envCount; e++) {
        const env = envs[e]!;
        const explores = prng.nextFloat() < epsilon;
        const action = explores ? prng.nextInt(actionCount) : bestAction(online, e);
        const { reward, terminated, truncated } = env.step(action);
        if (!Number.isFinite(reward)) {
          throw diverged("NON_FINITE_REWARD", `environment ${e} paid ${reward}`);
        }
        env.observe(after, e * observationSize);
        replay.add(e, before, action, reward * s.rewardScale, after, { terminated, truncated });
        episodeReturns[e] = episodeReturns[e]! + reward;
        if (terminated || truncated) {
          episodes.push(episodeReturns[e]!, env.episodeTerms?.());
          episodeReturns[e] = 0;
          env.reset(prng.nextInt(2 ** 31));
          env.observe(after, e * observationSize);
        }
      }
      before.set(after);
      steps += s.envCount;

      // ---- 2. learn from drawn transitions -------------------------------------------------------------
      for (let u = 0; u < s.updatesPerRound && steps > s.warmupSteps && replay.size > 0; u++) {
        for (let i = 0; i < s.batchSize; i++) {
          drawn[i] = tree
            ? tree.find(((i + prng.nextFloat()) / s.batchSize) * tree.total())
            : prng.nextInt(replay.size);
        }
        const beta = s.priorityBeta + (1 - s.priorityBeta) * Math.min(1, steps / s.environmentSteps);
        const weightOf = tree ? importanceWeights(tree, drawn, replay.size, beta) : () => 1;

        // The online network chooses the next action, the target network says what it is worth.
        target.indices.set(drawn);
        target.gather(s.batchSize);
        online.observations.set(target.observations.subarray(0, s.batchSize * target.observationStride));
        online.forward(s.batchSize);
        target.forward(s.batchSize);
        for (let i = 0; i < s.batchSize; i++) {
          const index = drawn[i]!;
          const next = duelingQ(target, i, bestAction(online, i));
          targets[i] = replay.rewards[index]! + replay.discounts[index]! * next;
        }

        online.indices.set(drawn);
        online.gather(s.batchSize);
        online.forward(s.batchSize);
        for (let i = 0; i < s.batchSize; i++) {
          const index = drawn[i]!;
          const action = replay.actions[index]!;
          const q = duelingQ(online, i, action);
          const error = q - targets[i]!;
          const size = Math.abs(error);
          const slope = Math.max(-s.huberDelta, Math.min(s.huberDelta, error));
          writeDuelingGradient(online, i, action, (slope * weightOf(i)) / s.batchSize);
          sum.loss += size <= s.huberDelta ? 0.5 * error * error : s.huberDelta * (size - 0.5 * s.huberDelta);
          sum.q += q;
          sum.error += size;
          if (tree) {
            const priority = power(size + PRIORITY_FLOOR, s.priorityAlpha);
            largestPriority = Math.max(largestPriority, Math.fround(priority));
            tree.set(index, priority);
          }
        }
        sum.learned += s.batchSize;
        if (!Number.isFinite(sum.loss)) throw diverged("NON_FINITE_OUTPUT", `the loss is ${sum.loss}`);
        online.backward(s.batchSize);
        const { learningRate, maxGradientNorm, weightDecay } = s;
        const norm = online.adamStep({ learningRate, maxGradientNorm, weightDecay, epsilon: ADAM_EPSILON });
        if (!Number.isFinite(norm)) throw diverged("NON_FINITE_GRADIENT", `gradient norm ${norm}`);
        if (++updates % s.targetCopyUpdates === 0) target.setWeights(online.getWeights());
      }
      if (nowMs() - lastYieldMs > YIELD_EVERY_MS) {
        await nextTurn();
        lastYieldMs = nowMs();
      }
    }

    // ---- 3. report --------------------------------------------------------------------------------------
    iteration++;
    const learned = Math.max(1, sum.learned);
    if (Math.abs(sum.q / learned) > s.divergenceQ) {
      throw diverged("Q_BLOW_UP", `mean Q ${sum.q / learned} passes ${s.divergenceQ}`);
    }
    const stepsPerSecond = (steps - startedSteps) / Math.max(1e-9, (nowMs() - startedMs) / 1000);
    point = {
      iteration,
      environmentSteps: steps,
      meanEpisodeReturn: episodes.meanReturn(),
      rewardTerms: episodes.meanTerms(),
      loss: sum.loss / learned,
      meanQ: sum.q / learned,
      tdError: sum.error / learned,
      epsilon: steps < s.warmupSteps ? 1 : epsilonAt(s, steps),
      updates,
      learningRate: s.learningRate,
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
  const temperature = s.temperature > 0 ? s.temperature : advantageSpread(online, replay.size);
  return {
    network: spec,
    weights: exportWeights(spec, online.getWeights(), temperature),
    temperature,
    metrics: point,
    environmentSteps: steps,
    stoppedBy,
    checkpoint: checkpoint(),
  };
}

function epsilonAt({ epsilonStart, epsilonEnd, epsilonSteps }: DqnSettings, steps: number): number {
  return epsilonStart + (epsilonEnd - epsilonStart) * Math.min(1, steps / epsilonSteps);
}

/** The action with the largest Q of a row of outputs, which is the one with the largest advantage. */
function bestAction({ outputs, outputStride, spec }: DenseNetwork, row: number): number {
  const at = row * outputStride;
  let best = 0;
  for (let a = 1; a < spec.actionCount; a++) if (outputs[at + a]! > outputs[at + best]!) best = a;
  return best;
}

/** Q = V + A - mean A of one action of a row of outputs. */
export function duelingQ(net: DenseNetwork, row: number, action: number): number {
  const { outputs, outputStride, valueColumn, spec } = net;
  const at = row * outputStride;
  let mean = 0;
  for (let a = 0; a < spec.actionCount; a++) mean += outputs[at + a]!;
  mean /= spec.actionCount;
  return outputs[at + valueColumn]! + outputs[at + action]! - mean;
}

/** The gradient of `slope * Q(action)` by a row's outputs: dQ/dV = 1, dQ/dA_a = [a = action] - 1 / n. */
export function writeDuelingGradient(net: DenseNetwork, row: number, action: number, slope: number): void {
  const { outputGradient, outputStride, valueColumn, spec } = net;
  const at = row * outputStride;
  for (let a = 0; a < spec.actionCount; a++) {
    outputGradient[at + a] = slope * ((a === action ? 1 : 0) - 1 / spec.actionCount);
  }
  outputGradient[at + valueColumn] = slope;
}

/** Weight of each drawn transition, (size * P)^-beta over the largest of the batch. */
function importanceWeights(
  tree: SumTree,
  drawn: Uint32Array,
  size: number,
  beta: number,
): (i: number) => number {
  const weights = Float64Array.from(drawn, (index) => power((size * tree.get(index)) / tree.total(), -beta));
  const largest = weights.reduce((a, b) => Math.max(a, b), 0);
  return (i) => weights[i]! / largest;
}

/** x^y for x > 0, whose bits do not depend on the engine. */
function power(x: number, y: number): number {
  return exp(y * ln(x));
}

/** Root mean square of centred advantages over stored observations: the unit of the exported logits. */
function advantageSpread(net: DenseNetwork, stored: number): number {
  const { actionCount } = net.spec;
  const rowsPerCall = net.observations.length / net.observationStride;
  let square = 0;
  let count = 0;
  for (let from = 0; from < Math.min(stored, TEMPERATURE_ROWS); from += rowsPerCall) {
    const rows = Math.min(rowsPerCall, Math.min(stored, TEMPERATURE_ROWS) - from);
    net.forward(rows, 0, from);
    for (let row = 0; row < rows; row++) {
      const value = net.outputs[row * net.outputStride + net.valueColumn]!;
      for (let a = 0; a < actionCount; a++) square += (duelingQ(net, row, a) - value) ** 2;
      count += actionCount;
    }
  }
  return square > 0 ? Math.fround(Math.sqrt(square / count)) : 1;
}

/**
 * The weights as a policy: its logits are the centred advantages divided by the temperature, which is linear and
 * so goes into the weights of the head. Q(s, a) = value(s) + temperature * logit_a(s) to rounding.
 */
export function exportWeights(spec: NetworkSpec, weights: Float32Array, temperature: number): Float32Array {
  const out = weights.slice();
  let offset = 0;
  for (const { name, inputs, outputs } of networkLayers(spec)) {
    if (name === "policy_logits") {
      // Row `inputs` is the bias.
      for (let row = 0; row <= inputs; row++) {
        const at = offset + row * outputs;
        let mean = 0;
        for (let a = 0; a < outputs; a++) mean += weights[at + a]!;
        mean /= outputs;
        for (let a = 0; a < outputs; a++) out[at + a] = (weights[at + a]! - mean) / temperature;
      }
    }
    offset += (inputs + 1) * outputs;
  }
  return out;
}

/** @throws Error when the bytes are torn or altered, or belong to other settings. */
function loadCheckpoint(bytes: Uint8Array, settings: DqnSettings, contextHash: string) {
  const decoded = decodeCheckpoint(bytes);
  if (!decoded.ok) throw new Error(`the checkpoint cannot be resumed (${decoded.error}); start anew`);
  const state = decoded.value.state as DqnState;
  if (state.algorithm !== "dqn" || state.settings !== canonicalJson(settings)) {
    throw new Error(`the checkpoint belongs to other settings: ${state.settings}; resume with those`);
  }
  if (state.contextHash !== contextHash) {
    throw new Error("the checkpoint belongs to another dataset or environment; resume with the same ones");
  }
  return { state, arrays: decoded.value.arrays };
}
