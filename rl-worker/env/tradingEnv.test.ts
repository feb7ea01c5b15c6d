import { describe, expect, it } from "vitest";
import { advanceBar } from "../../lib/broker/advanceBar";
import { costModelById, DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import type { InstrumentRules } from "../../lib/broker/types";
import { checkEnv } from "./checkEnv";
import { assertEnvSpec, defaultEnvSpec, type EnvSpec, environmentHash } from "./envSpec";
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
    const env = make({ drawdownPenalty: 3, turnoverPenalty: 0.5 });
    env.reset(2);
    const before = { ...env.account() };
    const { reward } = env.step(2);
    const after = env.account();
    const terms = env.lastTerms();
    expect(terms.growth).toBeCloseTo(100 * Math.log(after.equityUsd / before.equityUsd), 10);
    expect(terms.turnover).toBeCloseTo((0.5 * after.tradedNotionalUsd) / 10_000, 10);
    const fall = Math.max(0, 1 - after.equityUsd / after.peakEquityUsd);
    expect(terms.drawdown).toBeCloseTo(3 * fall, 10);
    expect(reward).toBe(terms.growth - terms.drawdown - terms.turnover);
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
