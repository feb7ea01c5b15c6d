import { createPrng } from "../../lib/core/prng";
import {
  type ActionMix,
  BASELINE_NAMES,
  type BaselineName,
  type BaselineReport,
  type TradeSummary,
} from "../../lib/stats/reportTypes";
import { summariseTrades } from "../../lib/stats/summariseTrades";
import { type BacktestInput, type BacktestResult, runBacktest } from "./backtest";

/** Look-back of the momentum rule, in bars. */
export const MOMENTUM_BARS = 48;
/** Runs that the random baseline is the mean of. */
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

function run(market: Market, rule: string, decide: BacktestInput["decide"]): BaselineReport {
  const { trades, equityUsd, openTimesMs, actions } = runBacktest({ ...market, decide });
  const summary = summariseTrades({ symbol: market.spec.rules.symbol, trades, equityUsd, openTimesMs });
  return { ...summary, actionMix: actionMix(actions), averagedOver: 1, rule };
}

/** How a baseline decides: its market (buy and hold has no stop) and one decider a run. */
interface Baseline {
  rule: string;
  market: Market;
  deciders: BacktestInput["decide"][];
}

function baselinesOf(market: Market, rate: number, seed: number): Record<BaselineName, Baseline> {
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
      rule: `Switches to another target with probability ${rate.toFixed(4)} a bar; mean of ${RANDOM_RUNS} runs.`,
      market,
      deciders: Array.from({ length: RANDOM_RUNS }, (_, i) => randomPolicy(rate, seed + i)),
    },
  };
}

/**
 * The baselines on the same bars, costs and sizing as the evaluated policy: flat; buy and hold (without stop);
 * momentum (sign of the 48-bar return); random, switching as often as the policy's `actions`, the mean of five
 * seeded runs.
 */
export function runBaselines(
  market: Market,
  actions: ArrayLike<number>,
  seed: number,
): Record<BaselineName, BaselineReport> {
  const report = ({ rule, market: own, deciders }: Baseline): BaselineReport => {
    const runs = deciders.map((decide) => run(own, rule, decide));
    return runs.length === 1 ? runs[0]! : { ...meanOf(runs), averagedOver: runs.length };
  };
  const baselines = baselinesOf(market, switchingRate(actions), seed);
  return Object.fromEntries(BASELINE_NAMES.map((name) => [name, report(baselines[name])])) as Record<
    BaselineName,
    BaselineReport
  >;
}

/** One backtest a baseline, where trades and equity are wanted and not their summary; random is its first run. */
export function baselineBacktests(
  market: Market,
  randomSwitchingRate: number,
  seed: number,
): Record<BaselineName, BacktestResult> {
  const baselines = baselinesOf(market, randomSwitchingRate, seed);
  return Object.fromEntries(
    BASELINE_NAMES.map((name) => {
      const { market: own, deciders } = baselines[name];
      return [name, runBacktest({ ...own, decide: deciders[0]! })];
    }),
  ) as Record<BaselineName, BacktestResult>;
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

type Tree = number | string | null | { [key: string]: Tree };

/** Mean of every number in objects of one shape; anything else is taken from the first. */
function meanOf<T extends TradeSummary>(values: readonly T[]): T {
  const mean = (nodes: readonly Tree[]): Tree => {
    const first = nodes[0]!;
    if (typeof first === "number")
      return (nodes as number[]).reduce((sum, node) => sum + node, 0) / nodes.length;
    if (typeof first !== "object" || first === null) return first;
    const keys = Object.keys(first);
    return Object.fromEntries(
      keys.map((key) => [key, mean(nodes.map((node) => (node as Record<string, Tree>)[key]!))]),
    );
  };
  return mean(values as unknown as Tree[]) as unknown as T;
}
