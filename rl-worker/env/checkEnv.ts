import { createPrng } from "../../lib/core/prng";
import type { Env } from "./types";

export interface CheckEnvOptions {
  /** Seeds the episodes and the random actions of the check. */
  seed?: number;
  /** Steps to try in each part. */
  steps?: number;
}

interface Trace {
  observations: Float32Array[];
  rewards: number[];
  flags: string[];
}

/** Guards written around the observation to see whether `observe` keeps to its slice. */
const GUARD = 12_345.5;

/**
 * Tries an environment against its contract before a run trusts it: sizes, finite observations and rewards,
 * writes only inside the slice, observing changes nothing, the same seed gives the same bits, and a snapshot
 * that went through JSON continues bit for bit. Returns what is wrong, one sentence each; empty when sound.
 */
export function checkEnv(env: Env, options: CheckEnvOptions = {}): string[] {
  const seed = options.seed ?? 1;
  const steps = options.steps ?? 200;
  const problems: string[] = [];
  if (!Number.isSafeInteger(env.observationSize) || env.observationSize < 1) {
    return [`observationSize must be a whole number >= 1, got ${env.observationSize}.`];
  }
  if (!Number.isSafeInteger(env.actionCount) || env.actionCount < 2) {
    return [`actionCount must be a whole number >= 2, got ${env.actionCount}.`];
  }
  env.reset(seed);
  problems.push(...checkObserve(env));
  const first = play(env, seed, steps, problems);
  const second = play(env, seed, steps, []);
  if (!isSameTrace(first, second)) problems.push("The same seed and actions gave two different episodes.");
  problems.push(...checkSnapshot(env, seed, steps));
  return problems;
}

function checkObserve(env: Env): string[] {
  const size = env.observationSize;
  const buffer = new Float32Array(size + 4).fill(GUARD);
  env.observe(buffer, 2);
  const again = new Float32Array(size + 4).fill(GUARD);
  env.observe(again, 2);
  const problems: string[] = [];
  if ([0, 1, size + 2, size + 3].some((i) => buffer[i] !== GUARD)) {
    problems.push("observe wrote outside out[offset .. offset + observationSize).");
  }
  if (!isSameArray(buffer, again)) problems.push("Observing twice gave two different observations.");
  return problems;
}

function play(env: Env, seed: number, steps: number, problems: string[]): Trace {
  const random = createPrng(seed);
  const trace: Trace = { observations: [], rewards: [], flags: [] };
  let episode = seed;
  env.reset(episode);
  for (let i = 0; i < steps; i++) {
    const observation = new Float32Array(env.observationSize);
    env.observe(observation, 0);
    const bad = observation.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) problems.push(`Observation field ${bad} is ${observation[bad]} at step ${i}.`);
    const result = env.step(random.nextInt(env.actionCount));
    if (!Number.isFinite(result.reward)) problems.push(`The reward is ${result.reward} at step ${i}.`);
    if (result.terminated && result.truncated)
      problems.push(`Step ${i} is terminated and truncated at once.`);
    if (problems.length > 0) return trace;
    trace.observations.push(observation);
    trace.rewards.push(result.reward);
    trace.flags.push(`${result.terminated},${result.truncated}`);
    if (result.terminated || result.truncated) env.reset(++episode);
  }
  return trace;
}

function checkSnapshot(env: Env, seed: number, steps: number): string[] {
  const random = createPrng(seed + 1);
  const actions = Array.from({ length: steps }, () => random.nextInt(env.actionCount));
  env.reset(seed);
  const half = Math.floor(steps / 2);
  for (const action of actions.slice(0, half)) {
    const result = env.step(action);
    if (result.terminated || result.truncated) env.reset(seed + 1);
  }
  const saved: unknown = JSON.parse(JSON.stringify(env.snapshot()));
  const rest = actions.slice(half);
  const direct = follow(env, rest);
  env.reset(seed + 7);
  env.restore(saved);
  return isSameTrace(direct, follow(env, rest)) ? [] : ["A restored snapshot does not continue bit for bit."];
}

/** Steps until the actions or the episode end. */
function follow(env: Env, actions: number[]): Trace {
  const trace: Trace = { observations: [], rewards: [], flags: [] };
  for (const action of actions) {
    const observation = new Float32Array(env.observationSize);
    env.observe(observation, 0);
    const result = env.step(action);
    trace.observations.push(observation);
    trace.rewards.push(result.reward);
    trace.flags.push(`${result.terminated},${result.truncated}`);
    if (result.terminated || result.truncated) break;
  }
  return trace;
}

function isSameArray(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

function isSameTrace(a: Trace, b: Trace): boolean {
  return (
    a.rewards.length === b.rewards.length &&
    a.rewards.every((reward, i) => Object.is(reward, b.rewards[i])) &&
    a.flags.every((flag, i) => flag === b.flags[i]) &&
    a.observations.every((observation, i) => isSameArray(observation, b.observations[i]!))
  );
}
