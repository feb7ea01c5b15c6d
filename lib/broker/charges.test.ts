import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertCostModel, costModelHash, latencyAt, marketCostBps, stressedCosts } from "./charges";
import { costModelById, DEFAULT_COST_MODEL } from "./costModels";
import { fitFills, fitSpread, MIN_FILLS_TO_FIT, parseSpreadCsv } from "./fitCosts";
import type { CostModel } from "./types";

const hours = (at: (hour: number) => number) => Array.from({ length: 24 }, (_, hour) => at(hour));
const MEASURED: CostModel = {
  ...DEFAULT_COST_MODEL,
  id: "measured",
  slippageP90Bps: 1.5,
  spread: {
    p50Bps: hours((h) => 0.3 + h / 100),
    p90Bps: hours((h) => 0.5 + h / 100),
    p99Bps: hours(() => 1),
  },
  latency: { p50Ms: 150, p90Ms: 400, degradeAboveMs: 500 },
};
const HOUR_MS = 3_600_000;
const at = (hour: number) => Date.UTC(2025, 6, 1) + hour * HOUR_MS + 17 * 60_000;
const times = fc.integer({ min: 0, max: 4_000_000_000_000 });

describe("what a market fill pays", () => {
  it("a model without measured parts charges exactly its two numbers at any time", () => {
    fc.assert(
      fc.property(times, (timeMs) => {
        expect(marketCostBps(DEFAULT_COST_MODEL, timeMs)).toBe(0.46 + 0.5);
      }),
    );
  });

  it("charges the hour's median by default and its 90 % quantile when asked", () => {
    expect(marketCostBps(MEASURED, at(0))).toBe(0.3 + 0.5);
    expect(marketCostBps(MEASURED, at(22))).toBe(0.3 + 22 / 100 + 0.5);
    expect(marketCostBps({ ...MEASURED, charge: "p90" }, at(22))).toBe(0.5 + 22 / 100 + 1.5);
  });

  it("S2-06: a sampled charge is the same bits for the same bar, within the quantiles, half of them the median", () => {
    const sampled: CostModel = { ...MEASURED, charge: "sampled" };
    let atMedian = 0;
    let beyondP90 = 0;
    for (let i = 0; i < 4_000; i++) {
      const timeMs = at(0) + i * 24 * HOUR_MS;
      const cost = marketCostBps(sampled, timeMs);
      expect(marketCostBps(JSON.parse(JSON.stringify(sampled)) as CostModel, timeMs)).toBe(cost);
      expect(cost).toBeGreaterThanOrEqual(0.3 + 0.5);
      expect(cost).toBeLessThanOrEqual(1 + 1.5);
      const spreadOnly = marketCostBps({ ...sampled, slippageP90Bps: sampled.slippageBps }, timeMs) - 0.5;
      if (spreadOnly < 0.3 + 1e-12) atMedian++;
      if (spreadOnly > 0.5) beyondP90++;
    }
    expect(atMedian / 4_000).toBeGreaterThan(0.48);
    expect(atMedian / 4_000).toBeLessThan(0.52);
    expect(beyondP90 / 4_000).toBeGreaterThan(0.08);
    expect(beyondP90 / 4_000).toBeLessThan(0.12);
  });

  it("S2-11: a decision slower than the limit pays the 90 % slippage", () => {
    const late: CostModel = { ...MEASURED, latency: { p50Ms: 600, p90Ms: 900, degradeAboveMs: 500 } };
    expect(latencyAt(MEASURED, at(3))).toBe(150);
    expect(marketCostBps(late, at(3)) - marketCostBps(MEASURED, at(3))).toBeCloseTo(1.5 - 0.5, 12);
  });

  it("stress x1 is the model itself; x2 and x3 scale every cost of a trade and nothing of the market", () => {
    expect(stressedCosts(MEASURED, 1)).toBe(MEASURED);
    fc.assert(
      fc.property(
        times,
        fc.constantFrom(2, 3),
        fc.constantFrom("p50", "p90", "sampled"),
        (timeMs, k, charge) => {
          const model: CostModel = { ...MEASURED, charge: charge as CostModel["charge"] };
          const stressed = stressedCosts(model, k);
          expect(marketCostBps(stressed, timeMs)).toBeCloseTo(k * marketCostBps(model, timeMs), 9);
          expect(stressed.takerFeeBps).toBe(k * model.takerFeeBps);
          expect(stressed.fundingRatePerInterval).toBe(model.fundingRatePerInterval);
          expect(stressed.maintenanceMarginRate).toBe(model.maintenanceMarginRate);
          assertCostModel(stressed);
        },
      ),
    );
    expect(() => stressedCosts(MEASURED, Number.NaN)).toThrow(/costMultiplier/);
  });

  it("names the first unusable field", () => {
    expect(() => assertCostModel(DEFAULT_COST_MODEL)).not.toThrow();
    expect(() => assertCostModel(MEASURED)).not.toThrow();
    expect(() => assertCostModel({ ...MEASURED, takerFeeBps: Number.NaN })).toThrow(/takerFeeBps/);
    expect(() => assertCostModel({ ...MEASURED, slippageP90Bps: 0.1 })).toThrow(/slippageP90Bps/);
    expect(() => assertCostModel({ ...MEASURED, spread: { p50Bps: [1], p90Bps: [1] } })).toThrow(/24 hours/);
    const crossed = { p50Bps: hours(() => 2), p90Bps: hours(() => 1) };
    expect(() => assertCostModel({ ...MEASURED, spread: crossed })).toThrow(/p90Bps\[0\]/);
  });

  it("the shipped models keep their content for ever: artifacts that name them must replay", () => {
    expect(costModelHash(DEFAULT_COST_MODEL)).toBe(
      "e560cea8c5d1c66957ffeb1a5b3224f093314c03210698fcb5f15a26d14e54ec",
    );
    expect(costModelHash(costModelById("frictionless@1"))).toBe(
      "4bdc4a27e623da4cab842502d0ce268900ed6460bcff9f169b664600bb86ddb6",
    );
  });
});

const HEADER =
  "month,utc_hour,bars,spread_points_median,spread_points_p90,spread_points_p99,tick_volume_median";

describe("reading a spread file", () => {
  it("reads what was written, in price units", () => {
    const cell = fc.record({
      bars: fc.integer({ min: 1, max: 5_000 }),
      p50: fc.integer({ min: 0, max: 90 }),
    });
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 24 }), (cells) => {
        const lines = cells.map(({ bars, p50 }, h) => `2025-07,${h},${bars},${p50},${p50 + 3},${p50 + 9},40`);
        const parsed = parseSpreadCsv([HEADER, ...lines, ""].join("\n"), 0.01);
        if (!parsed.ok) throw new Error(parsed.error);
        expect(parsed.value).toEqual(
          cells.map(({ bars, p50 }, hourUtc) => ({
            ...{ month: "2025-07", hourUtc, bars },
            ...{ p50: p50 * 0.01, p90: (p50 + 3) * 0.01, p99: (p50 + 9) * 0.01 },
          })),
        );
      }),
    );
  });

  it("never throws, and names line and field", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseSpreadCsv(text, 0.01)));
    fc.assert(fc.property(fc.string(), (text) => void parseSpreadCsv(`${HEADER}\n${text}`, 0.01)));
    const problem = (line: string) => {
      const parsed = parseSpreadCsv(`${HEADER}\n2025-07,1,10,20,21,22,5\n${line}\n`, 0.01);
      return parsed.ok ? "none" : parsed.error;
    };
    expect(problem("2025-13,1,10,20,21,22,5")).toMatch(/^line 3: month/);
    expect(problem("2025-07,24,10,20,21,22,5")).toMatch(/^line 3: utc_hour/);
    expect(problem("2025-07,2,0,20,21,22,5")).toMatch(/^line 3: bars/);
    expect(problem("2025-07,2,10,20,19,22,5")).toMatch(/^line 3: spreads/);
    expect(problem("2025-07,2,10,20,21")).toMatch(/^line 3: spreads/);
    expect(problem("2025-07,1,10,20,21,22,5")).toMatch(/^line 3: .*twice/);
    expect(parseSpreadCsv("a,b\n1,2", 0.01)).toMatchObject({ ok: false });
  });
});

describe("fitting a cost model", () => {
  const row = (month: string, hourUtc: number, points: number, bars = 100) => ({
    ...{ month, hourUtc, bars, p50: points, p90: points * 2, p99: points * 3 },
  });
  const fitOf = (change: Partial<Parameters<typeof fitSpread>[0]> = {}) => {
    const rows = [row("2025-06", 0, 0.2), row("2025-07", 0, 0.4, 300), row("2025-07", 5, 0.8)];
    const fitted = fitSpread({ rows, priceOf: () => 2_000, base: DEFAULT_COST_MODEL, name: "t", ...change });
    if (!fitted.ok) throw new Error(fitted.error);
    return fitted.value;
  };

  it("weights months by bars, in bps of the month's price, half a spread a side", () => {
    const { model, bars } = fitOf();
    // Hour 0: (100 * 0.2 + 300 * 0.4) / 400 = 0.35 USD of 2,000 = 1.75 bps, half of it 0.875.
    expect(model.spread!.p50Bps[0]).toBeCloseTo(0.875, 10);
    expect(model.spread!.p90Bps[0]).toBeCloseTo(1.75, 10);
    expect(bars).toBe(500);
    assertCostModel(model);
  });

  it("charges an hour without a measurement as the dearest one", () => {
    const { model, hoursMissing } = fitOf();
    expect(hoursMissing).toHaveLength(22);
    expect(model.spread!.p50Bps[13]).toBe(model.spread!.p50Bps[5]);
  });

  it("gives one id to equal fits and another to any change", () => {
    expect(fitOf().model).toEqual(fitOf().model);
    expect(fitOf({ fromMonth: "2025-07" }).model.id).not.toBe(fitOf().model.id);
    expect(fitOf({ base: { ...DEFAULT_COST_MODEL, takerFeeBps: 4 } }).model.id).not.toBe(fitOf().model.id);
  });

  it("says which month has no price and which months there are", () => {
    const none = { rows: [row("2025-07", 0, 0.4)], base: DEFAULT_COST_MODEL, name: "t" };
    expect(fitSpread({ ...none, priceOf: () => undefined })).toMatchObject({ ok: false });
    const outside = fitSpread({ ...none, priceOf: () => 2_000, fromMonth: "2030-01", toMonth: "2030-02" });
    expect(outside.ok ? "" : outside.error).toMatch(/2025-07/);
  });

  it("finds the fee and slippage that made the fills", () => {
    const fills = Array.from({ length: 100 }, (_, i) => {
      const side = i % 2 === 0 ? 1 : -1;
      const slip = i < 80 ? 0.7 : 2.5;
      const price = 2_000 * (1 + (side * (DEFAULT_COST_MODEL.halfSpreadBps + slip)) / 1e4);
      return {
        timeMs: at(i % 24),
        qty: side * 0.5,
        price,
        referencePrice: 2_000,
        feeUsd: 0.5 * price * 4e-4,
      };
    });
    const fitted = fitFills(fills, DEFAULT_COST_MODEL, "own");
    if (!fitted.ok) throw new Error(fitted.error);
    const { takerFeeBps, slippageBps, slippageP90Bps } = fitted.value.model;
    expect({ takerFeeBps, slippageBps, slippageP90Bps }).toEqual({
      takerFeeBps: 4,
      slippageBps: 0.7,
      slippageP90Bps: 2.5,
    });
    expect(fitFills(fills.slice(0, MIN_FILLS_TO_FIT - 1), DEFAULT_COST_MODEL, "own").ok).toBe(false);
    expect(fitted.ok && fitted.value.model.latency).toBeUndefined();
    const delays = Array.from({ length: 100 }, (_, i) => 100 + i);
    const caughtUp = Array.from({ length: 50 }, () => 7_200_000);
    const timed = fitFills(fills, DEFAULT_COST_MODEL, "own", [...caughtUp, ...delays]);
    expect(timed.ok && timed.value.model.latency).toEqual({ p50Ms: 149, p90Ms: 189, degradeAboveMs: 500 });
    if (timed.ok) assertCostModel(timed.value.model);
    const few = fitFills(fills, DEFAULT_COST_MODEL, "own", delays.slice(0, MIN_FILLS_TO_FIT - 1));
    expect(few.ok && few.value.model.latency).toBeUndefined();
  });
});
