import { createPrng } from "../../lib/core/prng";
import { type ActionMix, BASELINE_NAMES, type BaselineName } from "../../lib/stats/reportTypes";
import { type BacktestInput, type BacktestResult, runBacktest } from "./backtest";

/** Look-back of the momentum rule, in bars. */
export const MOMENTUM_BARS = 48;
/** Random runs whose median is an evaluation's random baseline. */
export const RANDOM_RUNS = 5;
/** Puts the stop at the lowest price there is: holding must not be stopped out of what it holds. */
const NO_STOP_ATR_MULTIPLE = 1e9;

type Market = Omit<BacktestInput, "decide">;

/** Shares of each action among decisions; all flat when there are none. */
export function actionMix(actions: ArrayLike<number>): ActionMix {
  const counts = [0, 0, 0];
  for (let i = 0; i < actions.length; i++) counts[actions[i]!]! += 1;
  if (actions.length === 0) return { short: 0, flat: 1, long: 0 };
  const [short, flat, long] = counts.map((count) => count / actions.length);
  return { short: short!, flat: flat!, long: long! };
}

/** Share of decisions that differ from the one before. */
export function switchingRate(actions: ArrayLike<number>): number {
  let switches = 0;
  for (let i = 1; i < actions.length; i++) if (actions[i] !== actions[i - 1]) switches += 1;
  return actions.length > 1 ? switches / (actions.length - 1) : 0;
}

/** How a baseline decides: its market (buy and hold has no stop) and one decider a run. */
interface Baseline {
  rule: string;
  market: Market;
  deciders: BacktestInput["decide"][];
}

function baselinesOf(
  market: Market,
  rate: number,
  seed: number,
  randomRuns: number,
): Record<BaselineName, Baseline> {
  const { close } = market.candles;
  const sizing = { ...market.spec.sizing, stopAtrMultiple: NO_STOP_ATR_MULTIPLE };
  const unstopped = { ...market, spec: { ...market.spec, sizing } };
  return {
    flat: { rule: "Never holds a position.", market, deciders: [() => 1] },
    buyAndHold: {
      rule: "Buys at the first bar and holds, without a stop.",
      market: unstopped,
      deciders: [() => 2],
    },
    momentum: {
      rule: `Holds the sign of the last ${MOMENTUM_BARS} bars' return.`,
      market,
      deciders: [
        (_, row) => (row < MOMENTUM_BARS ? 1 : 1 + Math.sign(close[row]! - close[row - MOMENTUM_BARS]!)),
      ],
    },
    random: {
      rule:
        `Switches to another target with probability ${rate.toFixed(4)} a bar` +
        (randomRuns === 1 ? "." : `; the median of ${randomRuns} runs.`),
      market,
      deciders: Array.from({ length: randomRuns }, (_, i) => randomPolicy(rate, seed + i)),
    },
  };
}

export interface BaselineRun {
  /** The rule in one sentence. */
  rule: string;
  result: BacktestResult;
}

const netUsd = ({ equityUsd }: BacktestResult) => equityUsd.at(-1)! - equityUsd[0]!;

/**
 * The baselines on the same bars, costs and sizing: flat; buy and hold (without stop); momentum (sign of the
 * 48-bar return); random, which changes its mind at the rate given. Of `randomRuns` seeded random runs it is the
 * one with the median net PnL: a run with trades that can be checked, where a mean of runs has none.
 */
export function baselineBacktests(
  market: Market,
  randomSwitchingRate: number,
  seed: number,
  randomRuns = 1,
): Record<BaselineName, BaselineRun> {
  const baselines = baselinesOf(market, randomSwitchingRate, seed, randomRuns);
  return Object.fromEntries(
    BASELINE_NAMES.map((name) => {
      const { rule, market: own, deciders } = baselines[name];
      const runs = deciders.map((decide) => runBacktest({ ...own, decide }));
      runs.sort((a, b) => netUsd(a) - netUsd(b));
      return [name, { rule, result: runs[Math.floor(runs.length / 2)]! }];
    }),
  ) as Record<BaselineName, BaselineRun>;
}

function randomPolicy(rate: number, seed: number): BacktestInput["decide"] {
  const random = createPrng(seed);
  let action = random.nextInt(3);
  let isFirst = true;
  return () => {
    if (!isFirst && random.nextFloat() < rate) action = (action + 1 + random.nextInt(2)) % 3;
    isFirst = false;
    return action;
  };
}
