/** Differential test: the control plane moves an account exactly as lib's broker would alone (invariant 1). */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { initialAccount } from "../../lib/broker/account";
import { advanceBar } from "../../lib/broker/advanceBar";
import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import type { AccountState, BrokerEvent, CostModel, FillEvent, PendingOrder } from "../../lib/broker/types";
import { decisionOrderId } from "../../lib/decision/adjudicate";
import { encodeFeedChunk } from "../../lib/feeds/chunk";
import { settledFunding } from "../../lib/feeds/funding";
import type { FeedPoint } from "../../lib/feeds/types";
import type { Candle } from "../../lib/market/types";
import { planOrder } from "../../lib/order/planOrder";
import {
  accountOf,
  advance,
  beginRunOf,
  type Driven,
  decide,
  fillsOf,
  ledgerOf,
  ordersOf,
  START,
} from "./runDriver";
import { INSTRUMENT, RULES, SIZING, SOURCE, seedVersion, T0, TF_MS } from "./seed";
import { type Desk, freezeDate, openDesk } from "./setup";

const HOUR_MS = 3_600_000;
const ATR = 5;
const COSTS: [string, CostModel][] = [
  ["the default costs", DEFAULT_COST_MODEL],
  [
    "partial fills, wide spread and hourly funding",
    {
      ...DEFAULT_COST_MODEL,
      id: "hard-times",
      maxVolumeParticipation: 0.1,
      halfSpreadBps: 20,
      fundingIntervalMs: 3_600_000,
      fundingRatePerInterval: -0.002,
    },
  ],
  [
    "a spread by the hour, drawn anew every bar",
    {
      ...DEFAULT_COST_MODEL,
      id: "hourly",
      charge: "sampled",
      spread: {
        p50Bps: Array.from({ length: 24 }, (_, hour) => 0.2 + hour),
        p90Bps: Array.from({ length: 24 }, (_, hour) => 1.2 + 2 * hour),
      },
      slippageP90Bps: 7,
    },
  ],
];

interface Step {
  move: number;
  gap: number;
  upper: number;
  lower: number;
  volume: number;
  skippedBars: number;
  action: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  move: fc.integer({ min: -30, max: 30 }),
  gap: fc.integer({ min: -12, max: 12 }),
  upper: fc.nat(20),
  lower: fc.nat(20),
  volume: fc.constantFrom(0, 3, 40, 1_000),
  skippedBars: fc.constantFrom(0, 0, 0, 1, 50),
  action: fc.nat(2),
});

function toBars(steps: Step[]): Candle[] {
  let price = 2_000;
  let index = 0;
  return steps.map(({ move, gap, upper, lower, volume, skippedBars }) => {
    const open = Math.max(50, price + gap * 0.37);
    const close = Math.max(50, open + move * 0.61);
    price = close;
    index += 1 + skippedBars;
    const high = Math.max(open, close) + upper * 0.29;
    const low = Math.min(open, close) - lower * 0.31;
    return { openTimeMs: T0 + (index - 1) * TF_MS, open, high, low, close, volume };
  });
}

/** The model: lib alone, no database. */
function twin(
  runId: string,
  bars: Candle[],
  steps: Step[],
  costs: CostModel,
  fundingRateAt?: (timeMs: number) => number,
) {
  let account = initialAccount(START.initialBalanceUsd, T0);
  let pending: PendingOrder | null = null;
  const accounts: AccountState[] = [];
  const events: BrokerEvent[] = [];
  for (const [i, bar] of bars.entries()) {
    const result = advanceBar(account, pending, bar, costs, RULES, fundingRateAt);
    account = result.account;
    accounts.push(account);
    events.push(...result.events);
    const action = steps[i]!.action;
    const plan = planOrder({
      account,
      targetPosition: action - 1,
      referencePrice: bar.close,
      atr: ATR,
      sizing: SIZING,
      rules: RULES,
      clientOrderId: decisionOrderId(runId, bar.openTimeMs, action),
    });
    pending = "order" in plan ? plan.order : null;
  }
  return { accounts, events };
}

async function wideDesk(costs: CostModel) {
  const desk = await openDesk();
  const limits = {
    maxPositionNotionalUsd: 1e12,
    maxLeverage: 1e6,
    maxDailyLossUsd: 1e12,
    maxDrawdownFraction: 1,
    maxOrdersPerHour: 1e6,
    maxBarAgeMs: 1e12,
  };
  await desk.admin.mutation(api.risk.console.set, { limits, reason: "risk must not interfere here" });
  return { desk, version: await seedVersion(desk, costs) };
}

/** Settled rates of most hours of four weeks: some were known too late for their bar, one was corrected in time. */
const SETTLED: FeedPoint[] = Array.from({ length: 672 }, (_, hour): FeedPoint => {
  const eventAtMs = Math.floor(T0 / HOUR_MS + hour) * HOUR_MS;
  const availableAtMs = eventAtMs + (hour % 5 === 3 ? 2 * TF_MS : 60_000);
  return {
    eventAtMs,
    receivedAtMs: availableAtMs,
    availableAtMs,
    value: ((hour % 9) - 4) / 1_000,
    origin: "file",
  };
})
  .filter((_, hour) => hour % 7 !== 2)
  .flatMap((point, i) =>
    i === 4 ? [point, { ...point, availableAtMs: point.availableAtMs + 1, value: 0.03 }] : [point],
  );

function importFunding(desk: Desk) {
  return desk.service.mutation(api.feeds.worker.appendPoints, {
    ...{ instrument: INSTRUMENT, feed: "funding", source: SOURCE },
    payload: encodeFeedChunk(SETTLED).slice().buffer as ArrayBuffer,
  });
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

async function checkLedger(run: Driven, events: BrokerEvent[]): Promise<void> {
  const rows = await ledgerOf(run);
  const { account } = await accountOf(run);
  for (const row of rows) expect(sum(row.lines.map((line) => line.amountUsd))).toBeCloseTo(0, 8);
  const total = (name: string) =>
    sum(
      rows.flatMap((row) => row.lines.filter((line) => line.account === name).map((line) => line.amountUsd)),
    );
  expect(total("cash")).toBeCloseTo(account.balanceUsd, 6);
  expect(total("fees")).toBeCloseTo(account.feesUsd, 6);
  expect(total("funding")).toBeCloseTo(account.fundingUsd, 6);
  expect(-total("realisedPnl")).toBeCloseTo(account.realisedPnlUsd, 6);
  const money = events.filter((event) => event.kind !== "cancel");
  expect(rows.map((row) => row.kind)).toEqual(["deposit", ...money.map((event) => event.kind)]);
  expect(rows.map((row) => row.sequence)).toEqual(rows.map((_, i) => i));
}

const HOURLY = COSTS[1]![1];
const CASES: [string, CostModel, FeedPoint[]][] = [
  ...COSTS.map(([name, costs]): [string, CostModel, FeedPoint[]] => [name, costs, []]),
  ["measured hourly funding", HOURLY, SETTLED],
];

// Leases of earlier runs would end on a busy machine, and their jobs would be claimed in place of the new ones.
beforeEach(() => freezeDate());
afterEach(() => {
  vi.useRealTimers();
});

describe.each(CASES)("with %s", (_, costs, settled) => {
  test("R-08: accounts, fills and orders are those of lib's broker, and the ledger balances to the cent", async () => {
    const { desk, version } = await wideDesk(costs);
    if (settled.length > 0) await importFunding(desk);
    const fundingRateAt = settledFunding(settled, TF_MS);
    const steps = fc.array(step, { minLength: 6, maxLength: 16 });
    await fc.assert(
      fc.asyncProperty(steps, async (path) => {
        const run = await beginRunOf(desk, version);
        const bars = toBars(path);
        const expected = twin(run.runId, bars, path, costs, fundingRateAt);
        for (const [i, bar] of bars.entries()) {
          const { account } = await advance(run, bar);
          expect(account).toEqual(expected.accounts[i]);
          await decide(run, bar, path[i]!.action, { atr: ATR });
        }
        const wanted = expected.events.filter((event): event is FillEvent => event.kind === "fill");
        const fills = await fillsOf(run);
        expect(fills.map(({ _id, _creationTime, runId: _run, tradeId: _trade, ...fill }) => fill)).toEqual(
          wanted.map(({ kind: _kind, ...fill }) => fill),
        );
        expect(new Set(fills.map((fill) => fill.tradeId)).size).toBe(fills.length);
        for (const order of await ordersOf(run)) {
          const filled = wanted.filter((fill) => fill.clientOrderId === order.clientOrderId);
          expect(order.filledQty).toBeCloseTo(sum(filled.map((fill) => fill.qty)), 10);
          if (order.barOpenTimeMs !== bars.at(-1)!.openTimeMs)
            expect(["filled", "canceled"]).toContain(order.state);
        }
        await checkLedger(run, expected.events);
      }),
      { numRuns: 15 },
    );
  });
});
