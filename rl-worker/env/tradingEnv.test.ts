import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advanceBar } from "../../lib/broker/advanceBar";
import { costModelById, DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import type { InstrumentRules } from "../../lib/broker/types";
import { runBacktest } from "../evaluate/backtest";
import { checkEnv, checkFuture } from "./checkEnv";
import { assertEnvSpec, defaultEnvSpec, type EnvSpec, environmentHash } from "./envSpec";
import { rewardOf } from "./reward";
import { syntheticMarket } from "./syntheticMarket.fixture";
import { createTradingEnv, type TradingEnv } from "./tradingEnv";
import type { Env } from "./types";

const RULES: InstrumentRules = {
  symbol: "TEST-USDT",
  tickSize: 0.01,
  lotStep: 0.0001,
  minQty: 0.0001,
  minNotionalUsd: 2,
  maxLeverage: 50,
};

function spec(change: Partial<EnvSpec> = {}): EnvSpec {
  return { ...defaultEnvSpec(RULES), episodeBars: 64, ...change };
}

function make(change: Partial<EnvSpec> = {}, rows = 400): TradingEnv {
  return createTradingEnv({ ...syntheticMarket(rows), spec: spec(change) });
}

describe("trading environment", () => {
  it("keeps its contract: sizes, finite numbers, determinism by seed, snapshots bit for bit", () => {
    expect(checkEnv(make(), { seed: 3, steps: 300 })).toEqual([]);
    expect(checkEnv(make({ drawdownPenalty: 5, turnoverPenalty: 0.1 }), { seed: 4, steps: 300 })).toEqual([]);
  });

  it("starts at rows drawn from the usable range by the seed, flat and with the whole deposit", () => {
    const env = make();
    const rows = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      env.reset(seed);
      rows.add(env.row());
      expect(env.account()).toMatchObject({ positionQty: 0, equityUsd: 10_000 });
    }
    expect(Math.min(...rows)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...rows)).toBeLessThanOrEqual(400 - 65);
    expect(rows.size).toBeGreaterThan(60);
  });

  it("truncates after episodeBars, not a bar earlier, and refuses to go on", () => {
    const env = make();
    env.reset(1);
    for (let i = 1; i < 64; i++) expect(env.step(1)).toMatchObject({ terminated: false, truncated: false });
    expect(env.step(1)).toEqual({ reward: 0, terminated: false, truncated: true });
    expect(() => env.step(1)).toThrow(/reset/);
  });

  it("decides on close t and fills at the open of t + 1: the same money as the broker alone", () => {
    const market = syntheticMarket(400);
    const env = createTradingEnv({ ...market, spec: spec() });
    env.reset(5);
    const start = env.row();
    const before = { ...env.account() };
    env.step(2);
    const { openTimeMs, open, high, low, close, volume } = market.candles;
    const row = start + 1;
    const bar = {
      openTimeMs: openTimeMs[row]!,
      open: open[row]!,
      high: high[row]!,
      low: low[row]!,
      close: close[row]!,
      volume: volume[row]!,
    };
    const qty = Math.floor((10_000 / close[start]!) * 10_000) / 10_000;
    const stopPrice = Math.ceil((close[start]! - 5 * market.atr[start]!) * 100) / 100;
    const order = { clientOrderId: "env", qty, reduceOnly: false, stopPrice };
    expect(env.account()).toEqual(advanceBar(before, order, bar, DEFAULT_COST_MODEL, RULES).account);
  });

  it("pays log-equity growth less declared penalties, each visible apart", () => {
    const env = make({ drawdownPenalty: 3, turnoverPenalty: 0.5, holdingPenalty: 0.25 });
    env.reset(2);
    const before = { ...env.account() };
    const { reward } = env.step(2);
    const after = env.account();
    const terms = env.lastTerms();
    const growth = terms.price - terms.fees - terms.slippage - terms.funding;
    expect(growth).toBeCloseTo(100 * Math.log(after.equityUsd / before.equityUsd), 10);
    expect(terms.fees / terms.slippage).toBeCloseTo(after.feesUsd / after.slippageUsd, 8);
    const heldUsd = Math.abs(after.positionQty) * after.markPrice;
    expect(terms.holding).toBeCloseTo((0.25 * heldUsd) / before.equityUsd, 10);
    expect(terms.turnover).toBeCloseTo((0.5 * after.tradedNotionalUsd) / 10_000, 10);
    const fall = Math.max(0, 1 - after.equityUsd / after.peakEquityUsd);
    expect(terms.drawdown).toBeCloseTo(3 * fall, 10);
    expect(reward).toBe(rewardOf(terms));
  });

  it("sums to the log return of the episode when no penalty is declared", () => {
    const env = make();
    env.reset(9);
    let total = 0;
    for (let i = 0; i < 64; i++) total += env.step(i % 3).reward;
    expect(total).toBeCloseTo(100 * Math.log(env.account().equityUsd / 10_000), 8);
  });

  it("terminates on liquidation, and is not truncated even when that is the last bar", () => {
    const crash = 60;
    const market = syntheticMarket(200);
    for (let row = crash; row < 200; row++) {
      for (const name of ["open", "high", "low", "close"] as const) market.candles[name][row]! *= 0.5;
    }
    const costs = costModelById("frictionless@1");
    const sizing = { positionFraction: 10, stopAtrMultiple: 50 };
    for (const toRow of [crash + 30, crash + 1]) {
      const env = createTradingEnv({ ...market, spec: spec({ sizing, costs }), fromRow: 30, toRow });
      env.reset(1);
      let result = env.step(2);
      while (!result.terminated && !result.truncated) result = env.step(2);
      expect(result).toMatchObject({ terminated: true, truncated: false });
      expect(env.row()).toBe(crash);
      expect(env.account()).toMatchObject({ liquidations: 1, equityUsd: 0 });
      expect(Number.isFinite(result.reward)).toBe(true);
    }
  });

  it("names what is wrong with data, actions and snapshots", () => {
    const market = syntheticMarket(100);
    expect(() => createTradingEnv({ ...market, spec: spec(), fromRow: 3 })).toThrow(/Row 3/);
    expect(() => createTradingEnv({ ...market, atr: new Float64Array(4), spec: spec() })).toThrow(/ATR 4/);
    expect(() => createTradingEnv({ ...market, spec: spec({ rewardScale: Number.NaN }) })).toThrow(
      /rewardScale/,
    );
    const env = make();
    expect(() => env.step(1)).toThrow(/reset/);
    env.reset(1);
    expect(() => env.step(3)).toThrow(/Action/);
    expect(() => env.restore({ version: 2 })).toThrow(/snapshot/);
  });
});

describe("reward terms", () => {
  it("sum to the reward to the bit on every step, and their episode sums to the terms, whatever the spec", () => {
    const change = fc.record({
      drawdownPenalty: fc.double({ min: 0, max: 10, noNaN: true }),
      turnoverPenalty: fc.double({ min: 0, max: 1, noNaN: true }),
      holdingPenalty: fc.double({ min: 0, max: 1, noNaN: true }),
      growth: fc.constantFrom("log" as const, "simple" as const),
      sizing: fc.record({
        positionFraction: fc.constantFrom(0.5, 1, 20),
        stopAtrMultiple: fc.constantFrom(0.5, 5),
      }),
      costs: fc.constantFrom(DEFAULT_COST_MODEL, costModelById("frictionless@1"), {
        ...DEFAULT_COST_MODEL,
        charge: "sampled" as const,
        slippageP90Bps: 4,
        fundingIntervalMs: 300_000,
        fundingRatePerInterval: -0.001,
      }),
    });
    fc.assert(
      fc.property(
        change,
        fc.array(fc.nat(2), { minLength: 1, maxLength: 63 }),
        fc.nat(1_000),
        (changed, actions, seed) => {
          const env = make(changed);
          env.reset(seed);
          const sums: Record<string, number> = {};
          for (const action of actions) {
            const { reward, terminated, truncated } = env.step(action);
            expect(rewardOf(env.lastTerms())).toBe(reward);
            for (const [name, value] of Object.entries(env.lastTerms()))
              sums[name] = (sums[name] ?? 0) + value;
            if (terminated || truncated) break;
          }
          expect(env.episodeTerms()).toEqual(sums);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("the anchor 0.197: 10 % up at two times leverage, 0.1 % paid to enter, 0.2 % of funding", () => {
    const { candles, features, atr, normaliser } = syntheticMarket(60);
    const hour = 3_600_000;
    const firstMs = Math.floor(candles.openTimeMs[0]! / hour) * hour;
    for (let row = 0; row < 60; row++) {
      // Held through one settlement at 100, then up to 110.
      candles.openTimeMs[row] = firstMs + (row + 1) * (hour / 2) + 60_000;
      for (const name of ["open", "high", "low", "close"] as const) candles[name][row] = row < 23 ? 100 : 110;
      candles.volume[row] = 1_000;
    }
    candles.open[23] = candles.low[23] = 100;
    const costs = {
      ...costModelById("frictionless@1"),
      // The prior art charged 10 bps of equity; a fee on a notional of twice the equity is half as many bps.
      takerFeeBps: 5,
      fundingIntervalMs: hour,
      fundingRatePerInterval: 0.001,
    };
    const sizing = { positionFraction: 2, stopAtrMultiple: 10 };
    const change = { costs, sizing, growth: "simple", rewardScale: 1, initialBalanceUsd: 10_000 } as const;
    const env = createTradingEnv({
      ...{ candles, features, atr, normaliser, fromRow: 21, toRow: 24 },
      spec: { ...spec(change), episodeBars: 2 },
    });
    env.reset(1);
    const total = env.step(2).reward + env.step(2).reward;
    expect(env.account()).toMatchObject({ feesUsd: 10, fundingUsd: 20 });
    expect(total).toBeCloseTo(0.197, 12);
    const { price, fees, funding } = env.episodeTerms();
    expect([price, fees, funding].map((term) => Number(term.toFixed(12)))).toEqual([0.2, 0.001, 0.002]);
  });

  it("a session's close is one step: every settlement in it is charged and a stop gaps through to the new open", () => {
    const market = syntheticMarket(60);
    const { candles } = market;
    const gap = 30;
    for (let row = gap; row < 60; row++) {
      candles.openTimeMs[row]! += 48 * 3_600_000;
      for (const name of ["open", "high", "low", "close"] as const) candles[name][row]! *= 0.9;
    }
    const env = createTradingEnv({
      ...market,
      spec: spec({ episodeBars: 10 }),
      fromRow: gap - 4,
      toRow: gap + 7,
    });
    env.reset(1);
    let step = env.step(2);
    while (env.row() < gap && !step.terminated) step = env.step(2);
    const { events } = runBacktest({
      ...market,
      spec: spec(),
      fromRow: gap - 4,
      toRow: gap + 7,
      decide: () => 2,
    });
    const stop = events.find((event) => event.kind === "fill" && event.reason === "stop");
    expect(stop).toMatchObject({ timeMs: candles.openTimeMs[gap], referencePrice: candles.open[gap] });
    expect(
      events.filter((event) => event.kind === "funding" && event.timeMs <= candles.openTimeMs[gap]!),
    ).toHaveLength(6);
    expect(env.account().positionQty).toBe(0);
    expect(env.lastTerms().funding).toBeGreaterThan(0);
  });

  it("an evaluation gives the same terms as the environment, bar by bar, when asked", () => {
    const market = syntheticMarket(200);
    const rows = { fromRow: 40, toRow: 105 };
    const env = createTradingEnv({ ...market, spec: spec({ turnoverPenalty: 0.1 }), ...rows });
    env.reset(3);
    const result = runBacktest({
      ...market,
      ...rows,
      spec: spec({ turnoverPenalty: 0.1 }),
      withRewardTerms: true,
      decide: (_, row) => row % 3,
    });
    expect(result.rewardTerms).toHaveLength(64);
    for (const [i, terms] of result.rewardTerms!.entries()) {
      env.step((40 + i) % 3);
      expect(terms).toEqual(env.lastTerms());
    }
  });
});

describe("environment hash", () => {
  it("changes with any number and not with the order of fields", () => {
    const base = spec();
    const reordered = Object.fromEntries(Object.entries(base).reverse()) as unknown as EnvSpec;
    expect(environmentHash(reordered)).toBe(environmentHash(base));
    expect(environmentHash(spec({ costs: { ...base.costs, takerFeeBps: 4 } }))).not.toBe(
      environmentHash(base),
    );
    expect(() => assertEnvSpec(base)).not.toThrow();
  });
});

describe("checkEnv", () => {
  it("finds rewards that are not their terms, values beyond their limit, and a reset that remembers", () => {
    const env = make();
    const apart = broken({ lastTerms: () => ({ ...env.lastTerms(), fees: 1 }) });
    expect(checkEnv(apart).join()).toContain("terms sum to");
    expect(checkEnv(broken({ observationLimit: 1e-6 })).join()).toContain("the limit is");
    let last = 0;
    const inner = make();
    const remembers = {
      ...inner,
      reset(seed: number) {
        inner.reset(last > 500 ? seed + 1 : seed);
        last = seed;
      },
    };
    expect(checkEnv(remembers, { steps: 40 }).join()).toContain("depends on the one played before");
  });

  it("nothing depends on bars that have not come, and an environment that looks ahead is found", () => {
    const market = syntheticMarket(400);
    expect(checkFuture({ ...market, spec: spec() })).toEqual([]);
    // An environment that shows tomorrow's close, and one that pays for it.
    const peeking = (options: Parameters<typeof createTradingEnv>[0]): TradingEnv => {
      const env = createTradingEnv(options);
      const tomorrow = () => options.candles.close[env.row() + 1]! / 2_000;
      return {
        ...env,
        observe(out, offset) {
          env.observe(out, offset);
          out[offset] = tomorrow();
        },
      };
    };
    expect(checkFuture({ ...market, spec: spec(), steps: 40 }, peeking).join()).toContain("looks ahead");
  });

  function broken(change: Partial<Env>): Env {
    const env = make();
    return { ...env, ...change };
  }

  it("finds a NaN observation, a write outside the slice, and a snapshot that forgets", () => {
    const nan = broken({
      observe: (out, offset) => {
        out.fill(0, offset, offset + make().observationSize);
        out[offset + 2] = Number.NaN;
      },
    });
    expect(checkEnv(nan).join()).toContain("Observation field 2");
    expect(checkEnv(broken({ observe: (out) => void out.fill(0) })).join()).toContain("outside");
    expect(checkEnv(broken({ restore: () => {} })).join()).toContain("snapshot");
    let calls = 0;
    const unsteady = broken({ step: () => ({ reward: calls++, terminated: false, truncated: false }) });
    expect(checkEnv(unsteady).join()).toContain("two different episodes");
  });
});
