import { createPrng } from "../../lib/core/prng";
import type { ActionMix, BaselineName, BaselineReport, TradeSummary } from "../../lib/stats/reportTypes";
import { summariseTrades } from "../../lib/stats/summariseTrades";
import { type BacktestInput, runBacktest } from "./backtest";

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
  const { close } = market.candles;
  const sizing = { ...market.spec.sizing, stopAtrMultiple: NO_STOP_ATR_MULTIPLE };
  const unstopped = { ...market, spec: { ...market.spec, sizing } };
  const rate = switchingRate(actions);
  const randomRule = `Switches to another target with probability ${rate.toFixed(4)} a bar; mean of ${RANDOM_RUNS} runs.`;
  const randomRuns = Array.from({ length: RANDOM_RUNS }, (_, i) =>
    run(market, randomRule, randomPolicy(rate, seed + i)),
  );
  return {
    flat: run(market, "Never holds a position.", () => 1),
    buyAndHold: run(unstopped, "Buys at the first bar and holds, without a stop.", () => 2),
    momentum: run(market, `Holds the sign of the last ${MOMENTUM_BARS} bars' return.`, (_, row) =>
      row < MOMENTUM_BARS ? 1 : 1 + Math.sign(close[row]! - close[row - MOMENTUM_BARS]!),
    ),
    random: { ...meanOf(randomRuns), averagedOver: RANDOM_RUNS, rule: randomRule },
  };
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
