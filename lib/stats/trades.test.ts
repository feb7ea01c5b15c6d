import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { initialAccount } from "../broker/account";
import { advanceBar } from "../broker/advanceBar";
import { DEFAULT_COST_MODEL } from "../broker/costModels";
import type { BrokerEvent, CostModel, InstrumentRules } from "../broker/types";
import { summariseTrades, verifyTrades } from "./summariseTrades";
import { foldTrade, type OpenTrade, type Trade, tradesFromEvents } from "./trades";

const RULES: InstrumentRules = {
  symbol: "TEST-USDT",
  tickSize: 0.01,
  lotStep: 0.001,
  minQty: 0.001,
  minNotionalUsd: 2,
  maxLeverage: 20,
};
const HOUR = 3_600_000;

/** A played-out account: random orders (flips, adds, partial closes, stops) over random hourly bars. */
function play(moves: Array<{ move: number; qty: number }>, costs: CostModel) {
  let account = initialAccount(10_000, 0);
  let price = 2_000;
  const equityUsd = [account.equityUsd];
  const openTimesMs = [0];
  const events: BrokerEvent[] = [];
  moves.forEach(({ move, qty }, i) => {
    const close = price * (1 + move);
    const bar = {
      openTimeMs: (i + 1) * HOUR,
      open: price,
      high: Math.max(price, close) * 1.001,
      low: Math.min(price, close) * 0.999,
      close,
      volume: 20,
    };
    const order =
      qty === 0
        ? null
        : { clientOrderId: "x", qty, reduceOnly: false, stopPrice: price * (qty > 0 ? 0.97 : 1.03) };
    const result = advanceBar(account, order, bar, costs, RULES);
    events.push(...result.events);
    account = result.account;
    equityUsd.push(account.equityUsd);
    openTimesMs.push(bar.openTimeMs);
    price = close;
  });
  const mark = { markPrice: account.markPrice, timeMs: openTimesMs.at(-1)! };
  return { trades: tradesFromEvents(events, mark), equityUsd, openTimesMs, account, events };
}

const movesArbitrary = fc.array(
  fc.record({
    move: fc.double({ min: -0.02, max: 0.02, noNaN: true }),
    qty: fc.constantFrom(0, 0, 1, -1, 2, -2, 3.5, -0.25),
  }),
  { minLength: 1, maxLength: 60 },
);

describe("trades from broker events", () => {
  it("explain the whole change of equity and every cost, whatever was traded", () => {
    const partial = { ...DEFAULT_COST_MODEL, maxVolumeParticipation: 0.1, fundingRatePerInterval: 0.001 };
    fc.assert(
      fc.property(movesArbitrary, fc.constantFrom(DEFAULT_COST_MODEL, partial), (moves, costs) => {
        const { trades, equityUsd, openTimesMs, account } = play(moves, costs);
        const sum = (pick: (trade: Trade) => number) =>
          trades.reduce((total, trade) => total + pick(trade), 0);
        expect(sum((trade) => trade.pnlUsd)).toBeCloseTo(account.equityUsd - 10_000, 5);
        expect(sum((trade) => trade.feesUsd)).toBeCloseTo(account.feesUsd, 6);
        expect(sum((trade) => trade.fundingUsd)).toBeCloseTo(account.fundingUsd, 6);
        expect(sum((trade) => trade.slippageUsd)).toBeCloseTo(account.slippageUsd, 6);
        expect(verifyTrades({ symbol: "T", trades, equityUsd, openTimesMs })).toEqual({
          ok: true,
          value: true,
        });
        const summary = summariseTrades({ symbol: "T", trades, equityUsd, openTimesMs });
        expect(summary.netPnlUsd).toBe(account.equityUsd - 10_000);
        expect(summary.turnover.tradedNotionalUsd).toBeLessThanOrEqual(
          account.tradedNotionalUsd * (1 + 1e-9) + 1e-6,
        );
        const { longFraction, shortFraction, flatFraction } = summary.exposureByInstrument.T!;
        expect(longFraction + shortFraction + flatFraction).toBeCloseTo(1, 12);
      }),
      { numRuns: 200 },
    );
  });

  it("turn a flip into one closed and one open trade, with the reason and prices of each", () => {
    const free = { ...DEFAULT_COST_MODEL, takerFeeBps: 0, halfSpreadBps: 0, slippageBps: 0 };
    const { trades } = play(
      [
        { move: 0.01, qty: 1 },
        { move: 0, qty: -3 },
        { move: 0, qty: 0 },
      ],
      free,
    );
    expect(trades).toMatchObject([
      { side: "long", qty: 1, entryPrice: 2_000, exitPrice: 2_020, pnlUsd: 20, exitReason: "order" },
      { side: "short", qty: 2, entryPrice: 2_020, exitPrice: 2_020, pnlUsd: 0, exitReason: "open" },
    ]);
  });

  it("refuse a stream that does not start at the beginning", () => {
    const { events } = play(
      [
        { move: 0, qty: 1 },
        { move: 0, qty: -1 },
      ],
      DEFAULT_COST_MODEL,
    );
    expect(() => tradesFromEvents(events.slice(1))).toThrow(/fold all events/);
  });

  it("fold the same after every step went through JSON", () => {
    const { events } = play(
      [
        { move: 0.01, qty: 2 },
        { move: 0.02, qty: -1 },
        { move: 0, qty: -1 },
      ],
      DEFAULT_COST_MODEL,
    );
    let open: OpenTrade | null = null;
    const closed: Trade[] = [];
    for (const event of events) {
      const step: ReturnType<typeof foldTrade> = foldTrade(JSON.parse(JSON.stringify(open)), event);
      open = step.open;
      if (step.closed) closed.push(step.closed);
    }
    expect(closed).toEqual(tradesFromEvents(events));
  });
});

describe("summariseTrades", () => {
  const trade = (change: Partial<Trade>): Trade => ({
    entryTimeMs: HOUR,
    exitTimeMs: 3 * HOUR,
    side: "long",
    qty: 2,
    entryPrice: 100,
    exitPrice: 105,
    pnlUsd: 8,
    feesUsd: 1.5,
    slippageUsd: 0.4,
    fundingUsd: 0.5,
    exitReason: "order",
    ...change,
  });
  const short = trade({
    entryTimeMs: 3 * HOUR,
    exitTimeMs: 4 * HOUR,
    side: "short",
    exitPrice: 102,
    pnlUsd: -6,
    exitReason: "stop",
  });
  const record = {
    symbol: "XAUT-USDT",
    trades: [trade({}), short],
    equityUsd: [1_000, 990, 1_008, 1_008, 1_002],
    openTimesMs: [0, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR],
  };

  it("computes each figure from trades and equity", () => {
    const summary = summariseTrades(record);
    expect(summary).toMatchObject({
      bars: 5,
      netPnlUsd: 2,
      tradeCount: 2,
      winRate: 0.5,
      averageWinUsd: 8,
      averageLossUsd: -6,
      stops: 1,
      liquidations: 0,
      costs: { feesUsd: 3, slippageUsd: 0.8, fundingUsd: 1 },
      exposureByInstrument: {
        "XAUT-USDT": { longFraction: 0.4, shortFraction: 0.2, flatFraction: 0.4, meanNotionalUsd: 200 },
      },
    });
    expect(summary.maxDrawdownFraction).toBeCloseTo(0.01, 12);
    expect(summary.turnover.tradedNotionalUsd).toBe(2 * 205 + 2 * 202);
    expect(summary.turnover.timesMeanEquity).toBeCloseTo(814 / 1_001.6, 12);
  });

  it("leaves a trade that is still open out of count and win rate", () => {
    const open = trade({ exitReason: "open" });
    expect(summariseTrades({ ...record, trades: [open] })).toMatchObject({ tradeCount: 0, winRate: 0 });
  });

  it("names an equity curve that was smoothed between true ends (A-10)", () => {
    const flatAtStart = {
      ...record,
      trades: [{ ...short, entryTimeMs: 2 * HOUR, pnlUsd: 2, exitPrice: 98 }],
    };
    expect(verifyTrades(flatAtStart)).toEqual({
      ok: false,
      error: "Equity of bar 1 does not follow from the trades closed by then.",
    });
  });

  it("names forged trades (A-10): a better price, a hidden fee, an overlap, a sum that equity contradicts", () => {
    const equityUsd = [1_000, 990, 1_008, 1_008, 1_002];
    expect(verifyTrades({ ...record, equityUsd })).toEqual({ ok: true, value: true });
    const forged = (trades: Trade[]) => verifyTrades({ ...record, trades });
    expect(forged([trade({ pnlUsd: 9 }), short])).toMatchObject({ ok: false });
    expect(forged([trade({ feesUsd: 0.5 }), short])).toMatchObject({ ok: false });
    expect(forged([trade({ exitTimeMs: 3.5 * HOUR }), short])).toMatchObject({ ok: false });
    expect(forged([trade({ qty: Number.NaN }), short])).toMatchObject({ ok: false });
    expect(forged([trade({})])).toMatchObject({
      ok: false,
      error: "Trades sum to 8.00 USD, equity changed by 2.00.",
    });
  });
});
