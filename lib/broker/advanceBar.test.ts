import { describe, expect, it } from "vitest";
import type { Candle } from "../market/types";
import { initialAccount, portfolioObservation } from "./account";
import { advanceBar } from "./advanceBar";
import { costModelById, DEFAULT_COST_MODEL } from "./costModels";
import { liquidationPrice } from "./liquidation";
import type { AccountState, CostModel, InstrumentRules, PendingOrder } from "./types";

const RULES: InstrumentRules = {
  symbol: "TEST-USDT",
  tickSize: 0.1,
  lotStep: 0.001,
  minQty: 0.001,
  minNotionalUsd: 2,
  maxLeverage: 10,
};
const FREE = costModelById("frictionless@1");
const MINUTE = 60_000;
/** 30 minutes after a settlement, so that no test meets one by accident. */
const T0 = 1_000 * 8 * 3_600_000 + 30 * MINUTE;

function bar(index: number, open: number, close = open, low?: number, high?: number, volume = 0): Candle {
  const lowest = low ?? Math.min(open, close);
  const highest = high ?? Math.max(open, close);
  return { openTimeMs: T0 + index * MINUTE, open, high: highest, low: lowest, close, volume };
}

function order(qty: number, stopPrice: number, reduceOnly = false): PendingOrder {
  return { clientOrderId: "c1", qty, reduceOnly, stopPrice };
}

function open(qty: number, stopPrice: number, costs: CostModel = FREE, price = 100): AccountState {
  return advanceBar(initialAccount(1_000, T0), order(qty, stopPrice), bar(1, price), costs, RULES).account;
}

describe("order fills", () => {
  it("fills a buy above and a sell below the open, rounded to the tick against the trader", () => {
    const costs = { ...FREE, halfSpreadBps: 1, slippageBps: 0.5 };
    const bought = advanceBar(initialAccount(1_000, T0), order(1, 50), bar(1, 2_000), costs, RULES);
    expect(bought.events[0]).toMatchObject({ price: 2_000.3, referencePrice: 2_000, reason: "order" });
    const sold = advanceBar(initialAccount(1_000, T0), order(-1, 5_000), bar(1, 2_001), costs, RULES);
    expect(sold.events[0]).toMatchObject({ price: 2_000.6, qty: -1 });
  });

  it("charges the taker fee on notional and books slippage apart from it", () => {
    const { account, events } = advanceBar(
      initialAccount(10_000, T0),
      order(2, 1_000),
      bar(1, 2_000),
      DEFAULT_COST_MODEL,
      RULES,
    );
    const fill = events[0]!;
    expect(fill).toMatchObject({ price: 2_000.2, qty: 2 });
    expect(account.feesUsd).toBeCloseTo(2 * 2_000.2 * 5e-4, 12);
    expect(account.slippageUsd).toBeCloseTo(2 * 0.2, 9);
    expect(account.balanceUsd).toBe(10_000 - account.feesUsd);
  });

  it("never changes the account that it is given", () => {
    const before = Object.freeze(open(1, 50));
    advanceBar(before, order(-2, 150), bar(2, 110), DEFAULT_COST_MODEL, RULES);
    expect(before.positionQty).toBe(1);
  });

  it("splits a flip into a closing and an opening fill and replaces the stop", () => {
    const { account, events } = advanceBar(open(1, 50), order(-3, 150), bar(2, 110), FREE, RULES);
    expect(events).toMatchObject([
      { kind: "fill", qty: -1, realisedPnlUsd: 10, positionQtyAfter: 0 },
      { kind: "fill", qty: -2, realisedPnlUsd: 0, positionQtyAfter: -2 },
    ]);
    expect(account).toMatchObject({ positionQty: -2, entryPrice: 110, stopPrice: 150, barsHeld: 1 });
  });

  it("caps a reduce-only order at the position and cancels the rest; it cannot open (O-19)", () => {
    const capped = advanceBar(open(1, 50), order(-3, 0, true), bar(2, 110), FREE, RULES);
    expect(capped.account).toMatchObject({ positionQty: 0, stopPrice: 0, entryPrice: 0 });
    expect(capped.events[1]).toMatchObject({ kind: "cancel", unfilledQty: -2, reason: "reduceOnlyFlat" });
    const flat = advanceBar(initialAccount(1_000, T0), order(-3, 0, true), bar(1, 110), FREE, RULES);
    expect(flat.events).toMatchObject([{ kind: "cancel", reason: "reduceOnlyFlat" }]);
  });

  it("fills at most the allowed share of the bar's volume and cancels the rest (O-17)", () => {
    const costs = { ...FREE, maxVolumeParticipation: 0.1 };
    const result = advanceBar(
      initialAccount(1_000, T0),
      order(2, 50),
      bar(1, 100, 100, 100, 100, 5),
      costs,
      RULES,
    );
    expect(result.account.positionQty).toBe(0.5);
    expect(result.events[1]).toMatchObject({ kind: "cancel", unfilledQty: 1.5, reason: "partial" });
    const noVolume = advanceBar(initialAccount(1_000, T0), order(2, 50), bar(1, 100), costs, RULES);
    expect(noVolume.account.positionQty).toBe(2);
  });

  it("keeps the old stop when a flip fills only in part and the old side remains", () => {
    const costs = { ...FREE, maxVolumeParticipation: 0.1 };
    const held = open(2, 50);
    const { account } = advanceBar(held, order(-4, 150), bar(2, 100, 100, 100, 100, 10), costs, RULES);
    expect(account).toMatchObject({ positionQty: 1, stopPrice: 50 });
  });

  it("cancels an opening part that margin does not cover, but still closes", () => {
    const tooBig = advanceBar(initialAccount(1_000, T0), order(101, 50), bar(1, 100), FREE, RULES);
    expect(tooBig.events).toMatchObject([{ kind: "cancel", reason: "insufficientMargin", unfilledQty: 101 }]);
    const flip = advanceBar(open(1, 50), order(-201, 150), bar(2, 100), FREE, RULES);
    expect(flip.account.positionQty).toBe(0);
    expect(flip.events).toMatchObject([{ qty: -1 }, { reason: "insufficientMargin", unfilledQty: -200 }]);
  });

  it("asks margin of what is left after fee and slippage", () => {
    const allIn = order(100, 50);
    const free = advanceBar(initialAccount(1_000, T0), allIn, bar(1, 100), FREE, RULES);
    expect(free.account.positionQty).toBe(100);
    for (const costs of [
      { ...FREE, takerFeeBps: 5 },
      { ...FREE, slippageBps: 5 },
    ]) {
      const costly = advanceBar(initialAccount(1_000, T0), allIn, bar(1, 100), costs, RULES);
      expect(costly.events).toMatchObject([{ kind: "cancel", reason: "insufficientMargin" }]);
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 0, 2 ** 60, 0.0004])(
    "refuses an order quantity of %s as invalid (O-15)",
    (qty) => {
      const result = advanceBar(initialAccount(1_000, T0), order(qty, 50), bar(1, 100), FREE, RULES);
      expect(result.events).toMatchObject([{ kind: "cancel", reason: "invalid" }]);
      expect(result.account.positionQty).toBe(0);
    },
  );

  it("refuses to open without a protective stop", () => {
    const result = advanceBar(initialAccount(1_000, T0), order(1, 0), bar(1, 100), FREE, RULES);
    expect(result.events).toMatchObject([{ kind: "cancel", reason: "invalid" }]);
  });
});

describe("funding", () => {
  const costs = { ...FREE, fundingRatePerInterval: 0.001 };
  const settlement = T0 - 30 * MINUTE + 8 * 3_600_000;

  it("charges each settlement in (last open, this open] at the last mark, longs pay a positive rate", () => {
    const held = open(2, 50, costs);
    const at = (openTimeMs: number): Candle => ({ ...bar(0, 100), openTimeMs });
    expect(advanceBar(held, null, at(settlement - MINUTE), costs, RULES).events).toEqual([]);
    const one = advanceBar(held, null, at(settlement), costs, RULES);
    expect(one.events).toMatchObject([{ kind: "funding", timeMs: settlement, amountUsd: 0.2 }]);
    expect(one.account).toMatchObject({ balanceUsd: 999.8, fundingUsd: 0.2 });
    const again = advanceBar(one.account, null, at(settlement + MINUTE), costs, RULES);
    expect(again.events).toEqual([]);
    const afterGap = advanceBar(held, null, at(settlement + 2 * costs.fundingIntervalMs), costs, RULES);
    expect(afterGap.events).toHaveLength(3);
  });

  it("pays shorts, prefers settled rates, and charges the position held before this bar's order", () => {
    const held = open(-2, 150, costs);
    const now = { ...bar(0, 100), openTimeMs: settlement };
    const settled = advanceBar(held, order(2, 0, true), now, costs, RULES, () => 0.002);
    expect(settled.events[0]).toMatchObject({ kind: "funding", rate: 0.002, amountUsd: -0.4 });
    expect(settled.account.balanceUsd).toBeCloseTo(1_000.4, 12);
    const unsettled = advanceBar(held, null, now, costs, RULES, () => Number.NaN);
    expect(unsettled.events[0]).toMatchObject({ rate: 0.001 });
  });
});

describe("protective stop and liquidation", () => {
  it("fills a touched stop at its price and a gapped one at the open", () => {
    const touched = advanceBar(open(1, 95), null, bar(2, 100, 96, 94), FREE, RULES);
    expect(touched.events).toMatchObject([{ reason: "stop", price: 95, realisedPnlUsd: -5 }]);
    const gapped = advanceBar(open(1, 95), null, bar(2, 90, 96), FREE, RULES);
    expect(gapped.events).toMatchObject([{ reason: "stop", price: 90, realisedPnlUsd: -10 }]);
    const short = advanceBar(open(-1, 105), null, bar(2, 100, 100, 100, 106), FREE, RULES);
    expect(short.events).toMatchObject([{ reason: "stop", price: 105, qty: 1, realisedPnlUsd: -5 }]);
  });

  it("takes a level that is only touched: by the extreme at its price, by the open at the open", () => {
    const byLow = advanceBar(open(1, 95), null, bar(2, 100, 100, 95), FREE, RULES);
    expect(byLow.events).toMatchObject([{ reason: "stop", price: 95 }]);
    const byOpen = advanceBar(open(-1, 105), null, bar(2, 105, 100), FREE, RULES);
    expect(byOpen.events).toMatchObject([{ reason: "stop", price: 105 }]);
  });

  it("charges the liquidation fee and counts only liquidations, not stops", () => {
    const costs = { ...FREE, takerFeeBps: 5, liquidationFeeBps: 7 };
    const stopped = advanceBar(open(50, 95, costs), null, bar(2, 100, 100, 94), costs, RULES);
    expect(stopped.account.liquidations).toBe(0);
    expect(stopped.events[0]).toMatchObject({ feeUsd: 50 * 95 * 5e-4 });
    const held = open(50, 1, costs);
    const liquidated = advanceBar(held, null, bar(2, 100, 100, 79), costs, RULES);
    const fill = liquidated.events[0]!;
    expect(fill).toMatchObject({ reason: "liquidation" });
    if (fill.kind === "fill") expect(fill.feeUsd).toBeCloseTo(50 * fill.price * 12e-4, 10);
    expect(liquidated.account.liquidations).toBe(1);
  });

  it("leaves a stop alone that the bar does not reach", () => {
    expect(advanceBar(open(1, 95), null, bar(2, 100, 100, 95.1), FREE, RULES).events).toEqual([]);
  });

  it("liquidates at the price where equity equals maintenance margin", () => {
    const held = open(100, 1);
    const price = liquidationPrice(held, FREE);
    expect(price).toBeCloseTo(9_000 / 99.5, 10);
    expect(held.balanceUsd + 100 * (price - 100)).toBeCloseTo(0.005 * 100 * price, 9);
    const hit = advanceBar(held, null, bar(2, 100, 100, 90), FREE, RULES);
    expect(hit.events).toMatchObject([{ reason: "liquidation", price: 90.4 }]);
    expect(hit.account).toMatchObject({ positionQty: 0, liquidations: 1 });
    expect(liquidationPrice(open(1, 50), FREE)).toBe(0);
  });

  it("takes whichever of stop and liquidation is nearer to the open", () => {
    const nearStop = advanceBar(open(100, 95), null, bar(2, 100, 100, 80), FREE, RULES);
    expect(nearStop.events).toMatchObject([{ reason: "stop", price: 95 }]);
    const farStop = advanceBar(open(100, 85), null, bar(2, 100, 100, 80), FREE, RULES);
    expect(farStop.events).toMatchObject([{ reason: "liquidation" }]);
    const short = advanceBar(open(-100, 105), null, bar(2, 100, 100, 100, 120), FREE, RULES);
    expect(short.events).toMatchObject([{ reason: "stop", price: 105 }]);
  });

  it("floors the balance at zero when a gap takes more than the account holds", () => {
    const costs = { ...FREE, takerFeeBps: 5, liquidationFeeBps: 5 };
    const { account, events } = advanceBar(open(90, 95, costs), null, bar(2, 50), costs, RULES);
    expect(events).toMatchObject([{ reason: "liquidation", price: 50 }]);
    expect(account.balanceUsd).toBe(0);
    expect(account.equityUsd).toBe(0);
    expect(1_000 + account.realisedPnlUsd - account.feesUsd - account.fundingUsd).toBeCloseTo(0, 9);
  });
});

describe("mark, guards and the observation", () => {
  it("counts bars held from the fill and tracks the equity peak", () => {
    let account = open(1, 50);
    expect(account.barsHeld).toBe(1);
    account = advanceBar(account, null, bar(2, 110), FREE, RULES).account;
    account = advanceBar(account, null, bar(3, 105), FREE, RULES).account;
    expect(account).toMatchObject({ barsHeld: 3, equityUsd: 1_005, peakEquityUsd: 1_010, markPrice: 105 });
    const seen = portfolioObservation(account);
    expect(seen.position).toBe(1);
    expect(seen.unrealisedFraction).toBeCloseTo(5 / 1_005, 12);
    expect(seen.drawdownFraction).toBeCloseTo(5 / 1_010, 12);
    expect(seen.stopDistanceFraction).toBeCloseTo(55 / 105, 12);
    expect(seen.barsHeldFraction).toBe(0.03);
  });

  it("refuses a corrupt bar and a bar applied twice", () => {
    const account = open(1, 50);
    expect(() => advanceBar(account, null, bar(2, Number.NaN), FREE, RULES)).toThrow(/corrupt/);
    expect(() => advanceBar(account, null, bar(2, 100, 100, 101), FREE, RULES)).toThrow(/corrupt/);
    expect(() => advanceBar(account, null, bar(1, 100), FREE, RULES)).toThrow(/not newer/);
  });

  it("reproduces the 0.197 anchor: 100 to 110, leverage 2, taker 10 bps, funding 0.001", () => {
    // The anchor is additive on a start equity of 1: 2·(110/100 − 1) − 0.001·1 − 0.001·2 with the fee on the
    // unlevered change of position; here fee and funding are both on notional, so the fee rate is halved.
    const costs = { ...FREE, takerFeeBps: 5, fundingRatePerInterval: 0.001 };
    const rules = { ...RULES, tickSize: 0.01 };
    const start = T0 - 30 * MINUTE + MINUTE;
    const at = (openTimeMs: number, price: number): Candle => ({ ...bar(0, price), openTimeMs });
    const entered = advanceBar(
      initialAccount(1_000, start),
      order(20, 1),
      at(start, 100),
      costs,
      rules,
    ).account;
    const settledAt = T0 - 30 * MINUTE + costs.fundingIntervalMs;
    const after = advanceBar(entered, null, at(settledAt, 110), costs, rules).account;
    expect((after.equityUsd - 1_000) / 1_000).toBeCloseTo(0.197, 12);
  });
});
