import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { initialAccount } from "../broker/account";
import type { AccountState, PendingOrder } from "../broker/types";
import { evaluateRisk } from "./evaluateRisk";
import { reducingPart, worstCasePositionQty } from "./exposure";
import type { KillMode, RiskApproved, RiskInput, RiskLimits, RiskRule } from "./types";

const LIMITS: RiskLimits = {
  maxPositionNotionalUsd: 2_000,
  maxLeverage: 2,
  maxDailyLossUsd: 100,
  maxDrawdownFraction: 0.2,
  maxOrdersPerHour: 10,
  maxBarAgeMs: 60_000,
};

const buy = (qty: number): PendingOrder => ({ clientOrderId: "o", qty, reduceOnly: false, stopPrice: 90 });

function input(change: Partial<RiskInput> = {}, account: Partial<AccountState> = {}): RiskInput {
  return {
    account: { ...initialAccount(1_000, 0), ...account },
    plannedOrder: buy(10),
    referencePrice: 100,
    nowBarAgeMs: 1_000,
    dayStartEquityUsd: 1_000,
    ordersLastHour: 0,
    killMode: "armed",
    runStatus: "running",
    observationFinite: true,
    ...change,
  };
}

function failing(assessment: ReturnType<typeof evaluateRisk>): RiskRule[] {
  return assessment.verdicts.filter((verdict) => !verdict.passed).map((verdict) => verdict.rule);
}

describe("evaluateRisk", () => {
  it("approves an order within every limit and shows limit, value and headroom of each", () => {
    const assessment = evaluateRisk(input(), LIMITS);
    expect(assessment.outcome).toBe("approved");
    expect(assessment.approved).toEqual(buy(10));
    const notional = assessment.verdicts.find((verdict) => verdict.rule === "positionNotional");
    expect(notional).toEqual({
      rule: "positionNotional",
      passed: true,
      limit: 2_000,
      value: 1_000,
      headroom: 1_000,
      unit: "usd",
      sentence: "Worst-case position 1000.00 usd is within the limit 2000.00 usd.",
    });
  });

  it.each([
    ["barAge", { nowBarAgeMs: 60_001 }, {}],
    ["positionNotional", { plannedOrder: buy(21) }, { equityUsd: 5_000, peakEquityUsd: 5_000 }],
    ["leverage", { plannedOrder: buy(19), dayStartEquityUsd: 900 }, { equityUsd: 900 }],
    ["dailyLoss", { dayStartEquityUsd: 1_100 }, {}],
    ["drawdown", {}, { peakEquityUsd: 1_250 }],
    ["orderRate", { ordersLastHour: 10 }, {}],
    ["observationFinite", { observationFinite: false }, {}],
    ["killSwitch", { killMode: "noNewRisk" }, {}],
    ["killSwitch", { killMode: "flatten" }, {}],
    ["killSwitch", { killMode: "garbled" as KillMode }, {}],
    ["runStatus", { runStatus: "paused" }, {}],
  ] as Array<[RiskRule, Partial<RiskInput>, Partial<AccountState>]>)(
    "refuses for %s alone",
    (rule, change, account) => {
      const assessment = evaluateRisk(input(change, account), LIMITS);
      expect(failing(assessment)).toEqual([rule]);
      expect(assessment).toMatchObject({ outcome: "refused", approved: null });
      expect(assessment.reason).toBe(assessment.verdicts.find((verdict) => verdict.rule === rule)?.sentence);
    },
  );

  it("asks for confidence only when the limits do, and then a missing one refuses", () => {
    const limits = { ...LIMITS, minConfidence: 0.6 };
    expect(evaluateRisk(input({ confidence: 0.6 }), limits).outcome).toBe("approved");
    expect(failing(evaluateRisk(input({ confidence: 0.59 }), limits))).toEqual(["confidence"]);
    expect(failing(evaluateRisk(input(), limits))).toEqual(["confidence"]);
  });

  it("counts unsettled orders: two that fit apart are refused together (K-05)", () => {
    expect(evaluateRisk(input({ plannedOrder: buy(12) }), LIMITS).outcome).toBe("approved");
    const both = evaluateRisk(input({ plannedOrder: buy(12), unsettledOrderQtys: [12] }), LIMITS);
    expect(failing(both)).toEqual(["positionNotional", "leverage"]);
    expect(worstCasePositionQty(5, buy(-3), [4, -20])).toBe(18);
  });

  it("lets a reducing order pass every limit, status and kill mode (K-04)", () => {
    const held = { positionQty: 50, equityUsd: 500 };
    const anyMode = fc.constantFrom<KillMode>("armed", "noNewRisk", "cancelAll", "flatten");
    const anyStatus = fc.constantFrom("running", "paused", "stopping", "failed");
    fc.assert(
      fc.property(anyMode, anyStatus, fc.boolean(), (killMode, runStatus, observationFinite) => {
        const change = { killMode, runStatus, observationFinite, plannedOrder: buy(-50), ordersLastHour: 99 };
        const assessment = evaluateRisk(input({ ...change, nowBarAgeMs: 1e9 }, held), LIMITS);
        expect(assessment).toMatchObject({ outcome: "approved", isReducing: true });
      }),
    );
  });

  it("does not take a flip, or a close that an unsettled close overtakes, for a reduction", () => {
    const held = { positionQty: 50 };
    expect(evaluateRisk(input({ plannedOrder: buy(-51) }, held), LIMITS).outcome).toBe("refused");
    const overtaken = input({ plannedOrder: buy(-30), unsettledOrderQtys: [-30] }, held);
    expect(evaluateRisk(overtaken, LIMITS).outcome).toBe("refused");
    const capped = { ...buy(-60), reduceOnly: true };
    expect(evaluateRisk(input({ plannedOrder: capped }, held), LIMITS).outcome).toBe("approved");
    expect(reducingPart({ ...initialAccount(1, 0), ...held }, buy(-51))).toMatchObject({
      qty: -50,
      reduceOnly: true,
    });
    expect(reducingPart(initialAccount(1, 0), buy(-51))).toBeNull();
  });

  it.each([
    ["an order qty", { plannedOrder: buy(Number.NaN) }],
    ["an order beyond 2^53", { plannedOrder: buy(2 ** 60) }],
    ["a stop", { plannedOrder: { ...buy(1), stopPrice: Number.POSITIVE_INFINITY } }],
    ["a price", { referencePrice: Number.NaN }],
    ["a price of zero", { referencePrice: 0 }],
    ["a bar age", { nowBarAgeMs: Number.NaN }],
    ["an unsettled qty", { unsettledOrderQtys: [Number.NaN] }],
  ] as Array<[string, Partial<RiskInput>]>)("halts on %s that is not usable (O-15)", (_, change) => {
    expect(evaluateRisk(input(change), LIMITS)).toMatchObject({ outcome: "halt", approved: null });
  });

  it("halts on non-finite numbers even when the order would reduce", () => {
    const order = { ...buy(-50), reduceOnly: true, stopPrice: Number.NaN };
    expect(evaluateRisk(input({ plannedOrder: order }, { positionQty: 50 }), LIMITS).outcome).toBe("halt");
  });

  it("halts when limits are missing or unparsable, never falling back to a default (K-08)", () => {
    expect(evaluateRisk(input(), null).outcome).toBe("halt");
    for (const field of Object.keys(LIMITS)) {
      for (const bad of [undefined, null, Number.NaN, Number.POSITIVE_INFINITY, -1, "100"]) {
        const limits = { ...LIMITS, [field]: bad } as unknown as RiskLimits;
        const assessment = evaluateRisk(input(), limits);
        expect(assessment.outcome).toBe("halt");
        expect(assessment.reason).toContain(field);
      }
    }
  });

  it("approves nothing when nothing is planned", () => {
    expect(evaluateRisk(input({ plannedOrder: null }), LIMITS)).toMatchObject({
      outcome: "noOrder",
      approved: null,
    });
  });

  it("never approves a non-reducing order whose worst case is over a limit, and verdicts stay storable", () => {
    const qty = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(qty, qty, fc.array(qty, { maxLength: 4 }), qty, (held, order, unsettled, equity) => {
        const change = { plannedOrder: buy(order), unsettledOrderQtys: unsettled };
        const assessment = evaluateRisk(input(change, { positionQty: held, equityUsd: equity * 50 }), LIMITS);
        for (const verdict of assessment.verdicts) {
          for (const number of [verdict.limit, verdict.value, verdict.headroom]) {
            expect(number === null || Number.isFinite(number)).toBe(true);
          }
        }
        if (assessment.outcome !== "approved" || assessment.isReducing) return;
        const worst = worstCasePositionQty(held, buy(order), unsettled) * 100;
        expect(worst).toBeLessThanOrEqual(2_000);
        expect(worst).toBeLessThanOrEqual(2 * equity * 50);
      }),
    );
  });

  it("brands: a plain order is not an approved one", () => {
    expectTypeOf<PendingOrder>().not.toExtend<RiskApproved<PendingOrder>>();
    expectTypeOf<RiskApproved<PendingOrder>>().toExtend<PendingOrder>();
  });
});
