import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Candle } from "../market/types";
import { initialAccount, portfolioObservation } from "./account";
import { advanceBar } from "./advanceBar";
import { liquidationPrice } from "./liquidation";
import { ceilToStep, floorToStep } from "./rounding";
import type { AccountState, CostModel, InstrumentRules } from "./types";

const RULES: InstrumentRules = {
  symbol: "TEST-USDT",
  tickSize: 0.01,
  lotStep: 0.001,
  minQty: 0.001,
  minNotionalUsd: 2,
  maxLeverage: 20,
};

const costsArbitrary: fc.Arbitrary<CostModel> = fc.record({
  id: fc.constant("any"),
  takerFeeBps: fc.double({ min: 0, max: 20, noNaN: true }),
  makerFeeBps: fc.constant(0),
  halfSpreadBps: fc.double({ min: 0, max: 10, noNaN: true }),
  slippageBps: fc.double({ min: 0, max: 10, noNaN: true }),
  fundingIntervalMs: fc.constantFrom(3_600_000, 8 * 3_600_000),
  fundingRatePerInterval: fc.double({ min: -0.01, max: 0.01, noNaN: true }),
  maintenanceMarginRate: fc.double({ min: 0.001, max: 0.04, noNaN: true }),
  liquidationFeeBps: fc.double({ min: 0, max: 50, noNaN: true }),
  maxVolumeParticipation: fc.constantFrom(1, 0.1),
});

const stepArbitrary = fc.record({
  gapBars: fc.integer({ min: 1, max: 40 }),
  jump: fc.double({ min: -0.2, max: 0.2, noNaN: true }),
  move: fc.double({ min: -0.1, max: 0.1, noNaN: true }),
  wick: fc.double({ min: 0, max: 0.05, noNaN: true }),
  volume: fc.constantFrom(0, 3, 1_000),
  order: fc.option(
    fc.record({
      qty: fc.double({ min: -20, max: 20, noNaN: true }),
      reduceOnly: fc.boolean(),
      stopFraction: fc.double({ min: 0.5, max: 1.5, noNaN: true }),
    }),
    { nil: null },
  ),
});
type Step = Parameters<Parameters<typeof stepArbitrary.map>[0]>[0];

const HOUR = 3_600_000;

function play(steps: Step[], costs: CostModel, onBar: (before: AccountState, after: AccountState) => void) {
  let account = initialAccount(1_000, 0);
  let price = 100;
  let timeMs = 0;
  const events = [];
  for (const step of steps) {
    timeMs += step.gapBars * HOUR;
    const open = Math.max(1, price * (1 + step.jump));
    const close = Math.max(1, open * (1 + step.move));
    const low = Math.min(open, close) * (1 - step.wick);
    const high = Math.max(open, close) * (1 + step.wick);
    const bar: Candle = { openTimeMs: timeMs, open, high, low, close, volume: step.volume };
    const order = step.order && {
      clientOrderId: "x",
      qty: step.order.qty,
      reduceOnly: step.order.reduceOnly,
      stopPrice: open * step.order.stopFraction,
    };
    const result = advanceBar(account, order, bar, costs, RULES);
    onBar(account, result.account);
    events.push(...result.events);
    account = result.account;
    price = close;
  }
  return { account, events };
}

const close = (actual: number, expected: number) =>
  Math.abs(actual - expected) <= 1e-7 * (1 + Math.abs(expected));

describe("money identities under any sequence of bars and orders", () => {
  it("keeps equity = balance + qty·(mark − entry), no NaN, and balance >= 0 whenever flat", () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 40 }), costsArbitrary, (steps, costs) => {
        play(steps, costs, (_, after) => {
          for (const value of Object.values(after)) expect(Number.isFinite(value)).toBe(true);
          for (const value of Object.values(after)) expect(Object.is(value, -0)).toBe(false);
          const { balanceUsd, positionQty, markPrice, entryPrice, equityUsd } = after;
          expect(close(equityUsd, balanceUsd + positionQty * (markPrice - entryPrice))).toBe(true);
          if (positionQty === 0) expect(balanceUsd).toBeGreaterThanOrEqual(0);
          expect(positionQty === 0).toBe(entryPrice === 0);
          expect(positionQty === 0).toBe(after.stopPrice === 0);
          expect(after.peakEquityUsd).toBeGreaterThanOrEqual(equityUsd);
          for (const field of Object.values(portfolioObservation(after))) {
            expect(Math.abs(field)).toBeLessThanOrEqual(1);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it("changes the balance by exactly realised − fees − funding, and each total is the sum of its events", () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 40 }), costsArbitrary, (steps, costs) => {
        const { account, events } = play(steps, costs, () => {});
        const sums = { realised: 0, fees: 0, funding: 0, slippage: 0, traded: 0, qty: 0 };
        for (const event of events) {
          if (event.kind === "funding") sums.funding += event.amountUsd;
          if (event.kind !== "fill") continue;
          sums.realised += event.realisedPnlUsd;
          sums.fees += event.feeUsd;
          sums.slippage += event.slippageUsd;
          sums.traded += Math.abs(event.qty) * event.price;
          sums.qty += event.qty;
        }
        expect(close(account.balanceUsd, 1_000 + sums.realised - sums.fees - sums.funding)).toBe(true);
        expect(close(account.realisedPnlUsd, sums.realised)).toBe(true);
        expect(close(account.feesUsd, sums.fees)).toBe(true);
        expect(close(account.fundingUsd, sums.funding)).toBe(true);
        expect(close(account.slippageUsd, sums.slippage)).toBe(true);
        expect(close(account.tradedNotionalUsd, sums.traded)).toBe(true);
        expect(close(account.positionQty, sums.qty)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("never lets a position survive a bar in which it met its liquidation price or stop", () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 40 }), costsArbitrary, (steps, costs) => {
        play(steps, costs, (_, after) => {
          if (after.positionQty === 0) return;
          const side = Math.sign(after.positionQty);
          const level = liquidationPrice(after, costs);
          if (level > 0) expect(side * (after.markPrice - level)).toBeGreaterThan(0);
          expect(side * (after.markPrice - after.stopPrice)).toBeGreaterThan(0);
        });
      }),
      { numRuns: 300 },
    );
  });

  it("costs never help: with the same bars a costly account never ends above a free one", () => {
    fc.assert(
      fc.property(
        fc.array(stepArbitrary, { minLength: 2, maxLength: 2 }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        (steps, qty) => {
          const forced = steps.map((step, index) => ({
            ...step,
            jump: 0,
            order: { qty: index === 0 ? qty : -qty, reduceOnly: index === 1, stopFraction: 0.5 },
          }));
          const base = { id: "x", makerFeeBps: 0, fundingIntervalMs: HOUR, maintenanceMarginRate: 0.005 };
          const rest = { liquidationFeeBps: 0, maxVolumeParticipation: 1, fundingRatePerInterval: 0 };
          const free = { ...base, ...rest, takerFeeBps: 0, halfSpreadBps: 0, slippageBps: 0 };
          const costly = { ...free, takerFeeBps: 5, halfSpreadBps: 1, slippageBps: 1 };
          const { account: a } = play(forced, free, () => {});
          const { account: b } = play(forced, costly, () => {});
          expect(b.equityUsd).toBeLessThanOrEqual(a.equityUsd);
        },
      ),
    );
  });
});

describe("directed rounding (O-14)", () => {
  it("brackets the value, lies on the grid and is idempotent", () => {
    const step = fc.constantFrom(0.01, 0.1, 0.001, 1, 5, 0.25);
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e6, noNaN: true }), step, (value, grid) => {
        const floor = floorToStep(value, grid);
        const ceil = ceilToStep(value, grid);
        expect(floor).toBeLessThanOrEqual(value + 1e-6 * grid);
        expect(ceil).toBeGreaterThanOrEqual(value - 1e-6 * grid);
        expect(ceil - floor).toBeLessThanOrEqual(grid * 1.000001);
        expect(floorToStep(floor, grid)).toBe(floor);
        expect(ceilToStep(ceil, grid)).toBe(ceil);
      }),
    );
  });
});
