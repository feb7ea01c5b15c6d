import { createPrng } from "../../lib/core/prng";
import type { MarketData } from "./marketData";
import { rewardOf } from "./reward";
import { createTradingEnv, type TradingEnv, type TradingEnvOptions } from "./tradingEnv";
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
 * Tries an environment against its contract before a run trusts it: sizes, finite observations within their
 * bounds, finite rewards that are the sum of their terms, writes only inside the slice, observing changes nothing,
 * the same seed gives the same bits whatever was played before, and a snapshot that went through JSON continues
 * bit for bit. Returns what is wrong, one sentence each; empty when sound.
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
  play(env, seed + 1_000, Math.ceil(steps / 2), []);
  if (!isSameTrace(first, play(env, seed, steps, []))) {
    problems.push("An episode depends on the one played before: reset does not forget everything.");
  }
  problems.push(...checkSnapshot(env, seed, steps));
  return problems;
}

export interface CheckFutureOptions extends TradingEnvOptions {
  seed?: number;
  steps?: number;
}

/**
 * Plays the same episode on the market and on one whose bars after a row are in another order, and says where the
 * two differ before that row could be known: an observation or reward that looks ahead (invariant 2). It sees what
 * the environment does with its data; that the features themselves do not look ahead is the feature kernel's test.
 */
export function checkFuture(
  options: CheckFutureOptions,
  makeEnv: (options: TradingEnvOptions) => TradingEnv = createTradingEnv,
): string[] {
  const { seed = 1, steps = 64 } = options;
  const env = makeEnv(options);
  env.reset(seed);
  const known = env.row() + steps;
  const shuffled = makeEnv({ ...options, ...shuffledAfter(options, known, seed) });
  shuffled.reset(seed);
  const random = createPrng(seed + 2);
  const actions = Array.from({ length: steps }, () => random.nextInt(env.actionCount));
  const direct = followToEnd(env, actions);
  const altered = followToEnd(shuffled, actions);
  const at = direct.observations.findIndex(
    (observation, i) =>
      !isSameArray(observation, altered.observations[i] ?? new Float32Array(0)) ||
      !Object.is(direct.rewards[i], altered.rewards[i]),
  );
  return at < 0 ? [] : [`Step ${at} depends on bars after row ${known}: the environment looks ahead.`];
}

/** `follow`, and the observation that comes after the last step. */
function followToEnd(env: Env, actions: number[]): Trace {
  const trace = follow(env, actions);
  const last = new Float32Array(env.observationSize);
  env.observe(last, 0);
  trace.observations.push(last);
  return trace;
}

/** The market with everything but the times of the rows after `row` in another order. */
function shuffledAfter({ candles, features, atr }: MarketData, row: number, seed: number): MarketData {
  const rows = candles.openTimeMs.length;
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  const random = createPrng(seed + 1);
  for (let i = rows - 1; i > row + 1; i--) {
    const j = row + 1 + random.nextInt(i - row);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  const reordered = (column: Float64Array) => column.map((_, i) => column[order[i]!]!);
  const { open, high, low, close, volume } = candles;
  const values = features.values.map((_, at) => {
    const field = at % features.width;
    return features.values[order[(at - field) / features.width]! * features.width + field]!;
  });
  return {
    candles: {
      openTimeMs: candles.openTimeMs,
      ...{ open: reordered(open), high: reordered(high), low: reordered(low), close: reordered(close) },
      volume: reordered(volume),
    },
    features: { ...features, values },
    atr: reordered(atr),
  };
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
    const limit = env.observationLimit ?? Number.MAX_VALUE;
    // NaN fails every comparison.
    const bad = observation.findIndex((value) => !(Math.abs(value) <= limit));
    if (bad >= 0) {
      problems.push(`Observation field ${bad} is ${observation[bad]} at step ${i}; the limit is ${limit}.`);
    }
    const result = env.step(random.nextInt(env.actionCount));
    if (!Number.isFinite(result.reward)) problems.push(`The reward is ${result.reward} at step ${i}.`);
    const terms = env.lastTerms?.();
    if (terms !== undefined && !Object.is(rewardOf(terms), result.reward)) {
      problems.push(
        `The reward terms sum to ${rewardOf(terms)} at step ${i}; the reward is ${result.reward}.`,
      );
    }
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
