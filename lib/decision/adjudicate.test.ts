import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { initialAccount } from "../broker/account";
import type { AccountState } from "../broker/types";
import { INSTRUMENTS } from "../market/instruments";
import { isValidClientOrderId } from "../order/clientOrderId";
import type { KillMode, RiskLimits } from "../risk/types";
import { type AdjudicationInput, adjudicate, breachOf, decisionOrderId } from "./adjudicate";

const LIMITS: RiskLimits = {
  maxPositionNotionalUsd: 25_000,
  maxLeverage: 3,
  maxDailyLossUsd: 500,
  maxDrawdownFraction: 0.25,
  maxOrdersPerHour: 30,
  maxBarAgeMs: 60_000,
};
const FLAT: AccountState = { ...initialAccount(10_000, 0), markPrice: 2_000 };
const LONG: AccountState = { ...FLAT, positionQty: 5, entryPrice: 2_000, stopPrice: 1_985 };
const SHORT: AccountState = { ...FLAT, positionQty: -5, entryPrice: 2_000, stopPrice: 2_015 };

const input = (change: Partial<AdjudicationInput> = {}): AdjudicationInput => ({
  account: FLAT,
  sizing: { positionFraction: 1, stopAtrMultiple: 3 },
  rules: INSTRUMENTS[0]!.rules,
  action: 2,
  confidence: 0.8,
  referencePrice: 2_000,
  atr: 5,
  clientOrderId: decisionOrderId("run", 0, 2),
  limits: LIMITS,
  runStatus: "running",
  killMode: "armed",
  nowBarAgeMs: 0,
  dayStartEquityUsd: 10_000,
  ordersLastHour: 0,
  ...change,
});

/** Sound and broken numbers alike. */
const anyNumber = fc.oneof(
  fc.double({ min: -1e5, max: 1e5 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e308),
);
const anyInput = fc.record({
  account: fc
    .tuple(
      fc.constantFrom(FLAT, LONG, SHORT),
      fc.constantFrom("equityUsd", "positionQty", "peakEquityUsd"),
      anyNumber,
    )
    .chain(([account, field, value]) => fc.constantFrom(account, account, { ...account, [field]: value })),
  action: fc.constantFrom(null, 0, 1, 2),
  forcedHold: fc.constantFrom(undefined, undefined, "features are warming up"),
  referencePrice: fc.oneof(fc.constant(2_000), anyNumber),
  atr: fc.oneof(fc.constant(5), anyNumber),
  confidence: anyNumber,
  nowBarAgeMs: fc.oneof(fc.constant(0), anyNumber),
  dayStartEquityUsd: fc.oneof(fc.constant(10_000), anyNumber),
  ordersLastHour: fc.nat(40),
  runStatus: fc.constantFrom("running", "running", "paused", "stopped") as fc.Arbitrary<
    "running" | "paused" | "stopped"
  >,
  killMode: fc.constantFrom("armed", "noNewRisk", "cancelAll", "flatten") as fc.Arbitrary<KillMode>,
  limits: fc.constantFrom(LIMITS, LIMITS, null, { ...LIMITS, maxLeverage: Number.NaN }),
});

describe("adjudicate", () => {
  it("A-04: never throws, whatever the numbers, and answers an order or a reason, never both or neither", () => {
    fc.assert(
      fc.property(anyInput, (change) => {
        const { order, holdReason, verdicts } = adjudicate(input(change));
        expect(order === null).toBe(typeof holdReason === "string" && holdReason !== "");
        expect(verdicts.length).toBeGreaterThan(0);
        for (const { limit, value, headroom } of verdicts) {
          for (const number of [limit, value, headroom])
            expect(number === null || Number.isFinite(number)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("K-01, K-04: unless all is armed and running, an order only brings the position closer to flat", () => {
    fc.assert(
      fc.property(anyInput, (change) => {
        const full = input(change);
        const { order } = adjudicate(full);
        if (order === null || (full.killMode === "armed" && full.runStatus === "running")) return;
        const held = full.account.positionQty;
        const after = held + order.qty;
        expect(full.killMode).not.toBe("cancelAll");
        expect(full.runStatus).toBe("running");
        expect(Math.abs(after)).toBeLessThanOrEqual(Math.abs(held));
        expect(after * held).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });

  it("K-08: without readable limits no order of any kind is approved", () => {
    for (const limits of [null, { ...LIMITS, maxLeverage: Number.NaN }]) {
      for (const account of [FLAT, LONG, SHORT]) {
        for (const action of [0, 1, 2]) {
          const { order, holdReason } = adjudicate(input({ account, action, limits }));
          expect([order, holdReason === "already at target" || /limit/i.test(holdReason!)]).toEqual([
            null,
            true,
          ]);
        }
      }
    }
  });

  it("K-01: flatten closes a position whatever the policy says, or says nothing", () => {
    for (const account of [LONG, SHORT]) {
      for (const policy of [{ action: 0 }, { action: 2 }, { action: null }, { forcedHold: "out of range" }]) {
        const { order } = adjudicate(input({ account, killMode: "flatten", atr: Number.NaN, ...policy }));
        expect(order).toMatchObject({ qty: -account.positionQty, reduceOnly: true });
      }
    }
    expect(adjudicate(input({ killMode: "flatten" }))).toMatchObject({
      order: null,
      holdReason: "already at target",
    });
  });

  it.each([
    [{ runStatus: "paused" as const }, "the run is paused"],
    [{ runStatus: "stopped" as const }, "the run is stopped"],
    [{ killMode: "cancelAll" as const }, "kill switch: cancel all"],
    [{ forcedHold: "feature 3 is not finite" }, "feature 3 is not finite"],
    [{ action: null }, "no policy output"],
    [{ account: LONG }, "already at target"],
    [{ atr: 0 }, "atrUnavailable"],
  ])("holds with %j and says: %s", (change, reason) => {
    expect(adjudicate(input(change))).toMatchObject({ order: null, planned: null, holdReason: reason });
  });

  it("a refused order is still shown as planned, with the rule that refused it", () => {
    const refused = adjudicate(input({ limits: { ...LIMITS, maxPositionNotionalUsd: 9_999 } }));
    expect(refused).toMatchObject({ order: null, planned: { qty: 5, stopPrice: 1_985 } });
    expect(refused.verdicts.filter((verdict) => !verdict.passed)).toMatchObject([
      { rule: "positionNotional", limit: 9_999, value: 10_000, headroom: -1 },
    ]);
  });

  it("is pure: the same input gives the same answer and is left as it was, so a replay can prove it", () => {
    fc.assert(
      fc.property(anyInput, (change) => {
        const full = input(change);
        const before = structuredClone(full);
        expect(adjudicate(full)).toEqual(adjudicate(structuredClone(full)));
        expect(full).toEqual(before);
      }),
      { numRuns: 100 },
    );
  });
});

describe("decisionOrderId", () => {
  it("O-04: is one per run, bar and action, and one that the exchange takes", () => {
    const ids = ["run-a", "run-b"].flatMap((runId) =>
      [0, 900_000].flatMap((bar) => [0, 1, 2, null].map((action) => decisionOrderId(runId, bar, action))),
    );
    expect(new Set(ids).size).toBe(16);
    expect(ids.every(isValidClientOrderId)).toBe(true);
    expect(decisionOrderId("run-a", 0, 2)).toBe(decisionOrderId("run-a", 0, 2));
  });
});

describe("what a breach leaves possible", () => {
  const losing = { dayStartEquityUsd: 11_000 };

  it("K-04: a refused flip still closes the position it wanted to leave", () => {
    const flip = adjudicate(input({ account: LONG, action: 0, ...losing }));
    expect(flip.order).toMatchObject({ qty: -5, reduceOnly: true, stopPrice: 0 });
    expect(flip.holdReason).toBeNull();
    expect(breachOf(flip.verdicts)).toMatch(/\S/);
    expect(adjudicate(input({ account: FLAT, action: 0, ...losing })).order).toBeNull();
  });

  it("K-07: with the breaker open nothing opens, a flip only closes, and the hold names the breaker", () => {
    const breaker = "Daily loss 512.00 USD is above 500.00 USD.";
    const opening = adjudicate(input({ breaker }));
    expect(opening).toMatchObject({ order: null, holdReason: expect.stringContaining(breaker) });
    expect(adjudicate(input({ breaker, account: LONG, action: 0 })).order).toMatchObject({
      qty: -5,
      reduceOnly: true,
    });
    expect(adjudicate(input({ breaker, account: LONG, action: 1 })).order).toMatchObject({
      qty: -5,
      reduceOnly: true,
    });
  });
});
