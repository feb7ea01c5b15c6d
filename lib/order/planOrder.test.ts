import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { initialAccount } from "../broker/account";
import { advanceBar } from "../broker/advanceBar";
import { costModelById } from "../broker/costModels";
import type { AccountState, InstrumentRules } from "../broker/types";
import { type PlanInput, planOrder } from "./planOrder";

const RULES: InstrumentRules = {
  symbol: "TEST-USDT",
  tickSize: 0.1,
  lotStep: 0.001,
  minQty: 0.002,
  minNotionalUsd: 5,
  maxLeverage: 10,
};

function input(change: Partial<PlanInput> = {}): PlanInput {
  return {
    account: initialAccount(1_000, 0),
    targetPosition: 1,
    referencePrice: 2_500,
    atr: 2,
    sizing: { positionFraction: 1, stopAtrMultiple: 3 },
    rules: RULES,
    clientOrderId: "id1",
    ...change,
  };
}

function holding(qty: number): AccountState {
  return { ...initialAccount(1_000, 0), positionQty: qty, entryPrice: 2_500, stopPrice: 2_400 };
}

describe("planOrder", () => {
  it("sizes a fraction of equity down to the lot step and puts the stop k·ATR away", () => {
    expect(planOrder(input())).toEqual({
      order: { clientOrderId: "id1", qty: 0.4, reduceOnly: false, stopPrice: 2_494 },
    });
    expect(planOrder(input({ targetPosition: -1 }))).toMatchObject({
      order: { qty: -0.4, stopPrice: 2_506 },
    });
    expect(planOrder(input({ referencePrice: 2_501 }))).toMatchObject({ order: { qty: 0.399 } });
  });

  it("leaves a position that is already on the target's side alone", () => {
    expect(planOrder(input({ account: holding(0.1) }))).toEqual({ skip: "alreadyAtTarget" });
    expect(planOrder(input({ targetPosition: 0 }))).toEqual({ skip: "alreadyAtTarget" });
  });

  describe("with a rule for the session's close", () => {
    const hour = 3_600_000;
    // Friday 2025-07-11: metals close at 17:00 New York (21:00 UTC) until Sunday 22:00 UTC.
    const fridayClose = Date.UTC(2025, 6, 11, 21);
    const mondayClose = Date.UTC(2025, 6, 14, 21);
    const rule = {
      calendar: "metals" as const,
      barMs: hour,
      flattenBeforeMs: 2 * hour,
      minClosedMs: 24 * hour,
    };
    const sizing = { positionFraction: 1, stopAtrMultiple: 3, sessionClose: rule };
    const decided = (timeMs: number, account: AccountState, targetPosition: number) =>
      planOrder(input({ account: { ...account, lastBarOpenTimeMs: timeMs - hour }, targetPosition, sizing }));

    it("closes in time for the weekend, opens nothing until it is over, and holds through the daily break", () => {
      const flat = initialAccount(1_000, 0);
      expect(decided(fridayClose - 3 * hour, holding(0.1), 1)).toEqual({ skip: "alreadyAtTarget" });
      expect(decided(fridayClose - 2 * hour, holding(0.1), 1)).toMatchObject({
        order: { qty: -0.1, reduceOnly: true },
      });
      expect(decided(fridayClose - 2 * hour, flat, -1)).toEqual({ skip: "sessionClose" });
      expect(decided(fridayClose, flat, 1)).toEqual({ skip: "sessionClose" });
      expect(decided(fridayClose + 48 * hour, flat, 1)).toEqual({ skip: "sessionClose" });
      expect(decided(fridayClose + 50 * hour, flat, 1)).toHaveProperty("order");
      expect(decided(mondayClose - hour, holding(0.1), 1)).toEqual({ skip: "alreadyAtTarget" });
      expect(decided(mondayClose, flat, 1)).toHaveProperty("order");
    });

    it("never plans an opening near or in closed hours, whatever is held and asked for", () => {
      fc.assert(
        fc.property(
          fc.integer({ min: -2 * 60, max: 49 * 60 - 1 }),
          fc.constantFrom(-0.2, 0, 0.2),
          fc.constantFrom(-1, 0, 1),
          (minutes, held, target) => {
            const account = held === 0 ? initialAccount(1_000, 0) : holding(held);
            const plan = decided(fridayClose + minutes * 60_000, account, target);
            if ("order" in plan) expect(plan.order).toMatchObject({ qty: -held, reduceOnly: true });
            else expect(["sessionClose", "alreadyAtTarget"]).toContain(plan.skip);
            if (held !== 0) expect(plan).toHaveProperty("order");
          },
        ),
      );
    });
  });

  it("closes with a reduce-only order for exactly the position, whatever the prices are", () => {
    const closing = {
      account: holding(0.1234),
      targetPosition: 0,
      atr: Number.NaN,
      referencePrice: Number.NaN,
    };
    expect(planOrder(input(closing))).toEqual({
      order: { clientOrderId: "id1", qty: -0.1234, reduceOnly: true, stopPrice: 0 },
    });
  });

  it("flips in one order, and falls back to the close when the opening part is refused", () => {
    const flip = planOrder(input({ account: holding(0.1), targetPosition: -1 }));
    expect(flip).toMatchObject({ order: { qty: -0.5, reduceOnly: false, stopPrice: 2_506 } });
    const closeOnly = planOrder(input({ account: holding(0.1), targetPosition: -1, atr: Number.NaN }));
    expect(closeOnly).toMatchObject({
      order: { qty: -0.1, reduceOnly: true },
      openingSkipped: "atrUnavailable",
    });
  });

  it.each([
    ["nonFinite", { targetPosition: Number.NaN }],
    ["nonFinite", { targetPosition: 0.5 }],
    ["nonFinite", { referencePrice: Number.NaN }],
    ["nonFinite", { referencePrice: -1 }],
    ["nonFinite", { account: { ...initialAccount(1_000, 0), equityUsd: Number.POSITIVE_INFINITY } }],
    ["nonFinite", { account: { ...initialAccount(1_000, 0), equityUsd: 2 ** 70 } }],
    ["atrUnavailable", { atr: Number.NaN }],
    ["atrUnavailable", { atr: 0 }],
    ["leverageCap", { sizing: { positionFraction: 11, stopAtrMultiple: 3 } }],
    ["belowMinQty", { account: initialAccount(3, 0) }],
    ["belowMinQty", { account: { ...initialAccount(3, 0), equityUsd: -5 } }],
    ["belowMinNotional", { account: initialAccount(4.9, 0), rules: { ...RULES, minQty: 0.001 } }],
  ] as Array<[string, Partial<PlanInput>]>)("skips with %s (O-14, O-15) for %j", (reason, change) => {
    const filled = { ...change };
    if (reason === "nonFinite" && change.account?.equityUsd === 2 ** 70) filled.referencePrice = 1;
    expect(planOrder(input(filled))).toEqual({ skip: reason });
  });

  it("never rounds risk up: size within budget, stop no further than k·ATR, on the grid, on the right side (O-14)", () => {
    const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
    const grid = fc.constantFrom(0.01, 0.1, 0.25, 1);
    const lot = fc.constantFrom(0.0001, 0.001, 0.01, 1);
    fc.assert(
      fc.property(
        number(1, 1e6),
        number(10, 5_000),
        number(1e-4, 500),
        fc.constantFrom(-1, 1),
        grid,
        lot,
        (equity, price, atr, target, tickSize, lotStep) => {
          const rules = { ...RULES, tickSize, lotStep };
          const plan = planOrder(
            input({
              account: initialAccount(equity, 0),
              referencePrice: price,
              atr,
              targetPosition: target,
              rules,
            }),
          );
          if ("skip" in plan) return;
          const { qty, stopPrice } = plan.order;
          expect(Math.abs(qty) * price).toBeLessThanOrEqual(equity + lotStep * price * 1e-6);
          expect(Math.abs(qty)).toBeGreaterThanOrEqual(rules.minQty);
          expect(Math.abs(qty / lotStep - Math.round(qty / lotStep))).toBeLessThan(1e-6);
          expect(Math.abs(stopPrice / tickSize - Math.round(stopPrice / tickSize))).toBeLessThan(1e-6);
          expect(target * (price - stopPrice)).toBeGreaterThan(0);
          expect(Math.abs(price - stopPrice)).toBeLessThanOrEqual(
            Math.max(3 * atr, 2 * tickSize) + 1e-6 * tickSize,
          );
          expect(stopPrice).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("never throws and never plans a non-finite order from any numbers (O-15)", () => {
    const any = fc.double();
    fc.assert(
      fc.property(any, any, any, any, any, any, (equity, held, price, atr, fraction, multiple) => {
        for (const targetPosition of [-1, 0, 1]) {
          const plan = planOrder(
            input({
              account: { ...initialAccount(1, 0), equityUsd: equity, positionQty: held },
              referencePrice: price,
              atr,
              targetPosition,
              sizing: { positionFraction: fraction, stopAtrMultiple: multiple },
            }),
          );
          if ("skip" in plan) continue;
          expect(Number.isFinite(plan.order.qty)).toBe(true);
          expect(Number.isFinite(plan.order.stopPrice)).toBe(true);
          if (!plan.order.reduceOnly) expect(plan.order.stopPrice).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("reaches the target through the broker: plan, fill, and then nothing more to plan", () => {
    const rules = RULES;
    const targets = fc.array(fc.constantFrom(-1, 0, 1), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(targets, (sequence) => {
        let account = initialAccount(10_000, 0);
        sequence.forEach((targetPosition, index) => {
          const plan = planOrder(input({ account, targetPosition, atr: 100 }));
          const bar = {
            openTimeMs: index * 60_000,
            open: 2_500,
            high: 2_501,
            low: 2_499,
            close: 2_500,
            volume: 0,
          };
          const order = "order" in plan ? plan.order : null;
          account = advanceBar(account, order, bar, costModelById("frictionless@1"), rules).account;
          expect(Math.sign(account.positionQty)).toBe(targetPosition);
          expect(planOrder(input({ account, targetPosition, atr: 100 }))).toEqual({
            skip: "alreadyAtTarget",
          });
        });
      }),
    );
  });
});
