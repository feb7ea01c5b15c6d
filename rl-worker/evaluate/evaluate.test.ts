import { describe, expect, it } from "vitest";
import type { InstrumentRules } from "../../lib/broker/types";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { createPrng } from "../../lib/core/prng";
import { baselineProblem } from "../../lib/stats/baselineRule";
import { allGatesPass, evaluateGates } from "../../lib/stats/gates";
import { BASELINE_NAMES, type BaselineName, type TradeSummary } from "../../lib/stats/reportTypes";
import { summariseTrades, verifyTrades } from "../../lib/stats/summariseTrades";
import { defaultEnvSpec } from "../env/envSpec";
import { syntheticMarket } from "../env/syntheticMarket.fixture";
import { createTradingEnv } from "../env/tradingEnv";
import { runBacktest } from "./backtest";
import { baselineBacktests, switchingRate } from "./baselines";
import { evaluatePolicy } from "./report";

const RULES: InstrumentRules = {
  symbol: "XAUT-USDT",
  tickSize: 0.01,
  lotStep: 0.0001,
  minQty: 0.0001,
  minNotionalUsd: 2,
  maxLeverage: 50,
};
const ROWS = 600;

function market(seed = 11) {
  return { ...syntheticMarket(ROWS, seed), spec: defaultEnvSpec(RULES) };
}

function seededActions(seed: number): (row: number) => number {
  const random = createPrng(seed);
  const actions = Array.from({ length: ROWS }, () => random.nextInt(3));
  return (row) => actions[row]!;
}

describe("backtest", () => {
  it("earns exactly what the training environment earns for the same actions", () => {
    const data = market();
    const spec = { ...data.spec, episodeBars: ROWS, ruinEquityFraction: 0 };
    const act = seededActions(3);
    const env = createTradingEnv({ ...data, spec });
    env.reset(1);
    const seen: number[][] = [];
    const observation = new Float32Array(env.observationSize);
    for (let done = false; !done; ) {
      env.observe(observation, 0);
      seen.push([...observation]);
      const result = env.step(act(env.row()));
      done = result.terminated || result.truncated;
    }
    let index = 0;
    const result = runBacktest({
      ...data,
      decide: (given, row) => {
        expect([...given]).toEqual(seen[index++]);
        return act(row);
      },
    });
    expect(result.account).toEqual(env.account());
    expect(result.equityUsd.at(-1)).toBe(env.account().equityUsd);
  });

  it("gives trades that explain equity, one decision a bar but the last", () => {
    const act = seededActions(4);
    const { trades, equityUsd, openTimesMs, actions } = runBacktest({
      ...market(),
      decide: (_, row) => act(row),
    });
    expect(trades.length).toBeGreaterThan(100);
    expect(equityUsd).toHaveLength(ROWS - 20);
    expect(actions).toHaveLength(ROWS - 21);
    expect(verifyTrades({ symbol: "x", trades, equityUsd, openTimesMs })).toEqual({ ok: true, value: true });
  });

  it("cannot see the bar that fills: decisions do not change when the future is shuffled (A-06)", () => {
    const cut = 300;
    const data = market();
    const future = market(99);
    for (const name of ["open", "high", "low", "close"] as const) {
      data.candles[name].set(future.candles[name].subarray(cut + 1), cut + 1);
    }
    const trace = (candles: typeof data) => {
      const rows: string[] = [];
      const decide = (observation: Float32Array, row: number) => {
        if (row <= cut) rows.push(observation.join());
        return row % 3;
      };
      runBacktest({ ...candles, decide });
      return rows;
    };
    expect(trace(data)).toEqual(trace(market()));
  });
});

describe("baselines", () => {
  it("flat earns nothing, buy and hold trades once, random switches as often as the policy", () => {
    const act = seededActions(5);
    const data = market();
    const { actions } = runBacktest({ ...data, decide: (_, row) => act(row) });
    const rate = switchingRate(actions);
    const backtests = baselineBacktests(data, rate, 7, 5);
    const baselines = Object.fromEntries(
      Object.entries(backtests).map(([name, { result }]) => [
        name,
        summariseTrades({ symbol: "x", ...result }),
      ]),
    ) as Record<BaselineName, TradeSummary>;
    expect(baselines.flat).toMatchObject({ netPnlUsd: 0, tradeCount: 0 });
    expect(baselines.buyAndHold).toMatchObject({ tradeCount: 0, stops: 0 });
    const { close } = data.candles;
    const held = close[ROWS - 1]! / close[20]! - 1;
    expect(baselines.buyAndHold.netReturnFraction).toBeCloseTo(held, 2);
    expect(baselines.momentum.tradeCount).toBeGreaterThan(5);
    for (const name of BASELINE_NAMES) {
      const { trades, openTimesMs, equityUsd } = backtests[name].result;
      expect(verifyTrades({ symbol: "x", trades, equityUsd, openTimesMs }).ok).toBe(true);
      expect(baselineProblem(name, trades, openTimesMs)).toBeNull();
    }
    const turnover = summariseTrades({
      symbol: "x",
      ...runBacktest({ ...data, decide: (_, row) => act(row) }),
    }).turnover.timesMeanEquity;
    expect(rate).toBeGreaterThan(0.6);
    expect(Math.abs(baselines.random.turnover.timesMeanEquity / turnover - 1)).toBeLessThan(0.15);
  });
});

describe("the random baseline", () => {
  it("is the run with the median net PnL of those drawn, and none of their means", () => {
    const data = market();
    const net = (seed: number, runs: number) => {
      const { equityUsd } = baselineBacktests(data, 0.2, seed, runs).random.result;
      return equityUsd.at(-1)! - equityUsd[0]!;
    };
    const single = [7, 8, 9, 10, 11].map((seed) => net(seed, 1)).sort((a, b) => a - b);
    expect(new Set(single).size).toBe(5);
    expect(net(7, 5)).toBe(single[2]);
  });
});

describe("evaluation report", () => {
  it("is deterministic plain JSON that the server can recompute from trades and equity (A-10)", () => {
    const act = seededActions(6);
    const options = { ...market(), decide: (_: Float32Array, row: number) => act(row), seed: 1 };
    const { report, result } = evaluatePolicy(options);
    expect(canonicalJson(evaluatePolicy(options).report)).toBe(canonicalJson(report));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    const { trades, equityUsd, openTimesMs } = result;
    const recomputed = summariseTrades({
      symbol: report.symbol,
      trades: JSON.parse(JSON.stringify(trades)),
      equityUsd: [...equityUsd],
      openTimesMs: [...openTimesMs],
    });
    expect(report).toMatchObject(recomputed);
    expect(report.entropy).toBeNull();
  });

  it("does not let random trading on noise through the gates", () => {
    const act = seededActions(8);
    const { report } = evaluatePolicy({ ...market(), decide: (_, row) => act(row), seed: 1 });
    expect(allGatesPass(evaluateGates(report, 1, 0))).toBe(false);
  });

  it("lets clairvoyance through: gates can pass", () => {
    const data = market();
    const { close, open } = data.candles;
    data.spec.costs = { ...data.spec.costs, takerFeeBps: 0, halfSpreadBps: 0, slippageBps: 0 };
    const decide = (_: Float32Array, row: number) => 1 + Math.sign(close[row + 1]! - open[row + 1]!);
    const { report } = evaluatePolicy({ ...data, decide, seed: 1 });
    expect(evaluateGates(report, 1, 0).filter((gate) => !gate.passed)).toEqual([]);
  });
});
