import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createManualClock } from "../../local/exchange/clock";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../local/exchange/market/hours";
import { type Exchange, startExchange } from "../../local/exchange/server";
// ccxt's package exports name no single class, so the file is addressed directly.
import Bingx from "../../node_modules/ccxt/js/src/bingx.js";

const NOW = Date.UTC(2025, 6, 2, 14, 30, 20);
const SYMBOL = "XAUT/USDT:USDT";
const clock = createManualClock(NOW);
let exchange: Exchange;
let client: Bingx;

/** ccxt's own class, unchanged, with only the addresses pointed at `url`. */
function stockClient(url: string): Bingx {
  const stock = new Bingx({ enableRateLimit: false });
  const api = stock.urls.api as Record<string, string>;
  stock.urls.api = Object.fromEntries(Object.keys(api).map((section) => [section, `${url}/openApi`]));
  return stock;
}

beforeAll(async () => {
  exchange = await startExchange({ seed: 7, port: 0, clock, historyStartMs: Date.UTC(2025, 0, 1) });
  client = stockClient(exchange.url);
  await client.loadMarkets();
});
afterAll(() => exchange.close());

describe("ccxt's bingx class reads the simulated exchange", () => {
  test("server time is the exchange's clock", async () => {
    expect(await client.fetchTime()).toBe(NOW);
  });

  test("the three gold perpetuals are linear swaps with tick, lot, minimum and state", () => {
    const markets = Object.values(client.markets ?? {}).filter((market) => market !== undefined);
    expect(markets.map((market) => market.id).sort()).toEqual([
      "NCCOGOLD2USD-USDT",
      "PAXG-USDT",
      "XAUT-USDT",
    ]);
    expect(client.market(SYMBOL)).toMatchObject({
      swap: true,
      linear: true,
      active: true,
      contractSize: 1,
      precision: { price: 0.01, amount: 0.0001 },
      limits: { amount: { min: 0.0001 }, cost: { min: 2 } },
    });
  });

  test("M-03: candles come newest first on the wire, ascending from ccxt, the last one unfinished", async () => {
    const wire = await fetch(
      `${exchange.url}/openApi/swap/v3/quote/klines?symbol=XAUT-USDT&interval=1m&limit=5`,
    );
    const { data } = (await wire.json()) as { data: Array<{ time: number }> };
    const times = data.map((row) => row.time);
    expect(times).toEqual([0, 1, 2, 3, 4].map((back) => NOW - 20_000 - back * MINUTE_MS));

    const before = await client.fetchOHLCV(SYMBOL, "1m", undefined, 5);
    expect(before.map((bar) => bar[0])).toEqual([...times].reverse());
    clock.advance(30_000);
    const after = await client.fetchOHLCV(SYMBOL, "1m", undefined, 5);
    clock.advance(-30_000);
    expect(after.slice(0, 4)).toEqual(before.slice(0, 4));
    expect(after[4]![5]!).toBeGreaterThan(before[4]![5]!);
  });

  test("pages from a start run forward without holes and may hold 1440 bars", async () => {
    const since = Date.UTC(2025, 5, 1);
    const first = await client.fetchOHLCV(SYMBOL, "1m", since, 1440);
    const second = await client.fetchOHLCV(SYMBOL, "1m", since + DAY_MS, 1440);
    const times = [...first, ...second].map((bar) => bar[0]);
    expect(times).toEqual(Array.from({ length: 2880 }, (_, i) => since + i * MINUTE_MS));
  });

  test("hour candles are the aggregate of their minutes", async () => {
    const since = Date.UTC(2025, 6, 1, 13);
    const [hour] = await client.fetchOHLCV(SYMBOL, "1h", since, 1);
    const minutes = await client.fetchOHLCV(SYMBOL, "1m", since, 60);
    expect(hour![1]).toBe(minutes[0]![1]);
    expect(hour![2]).toBe(Math.max(...minutes.map((bar) => bar[2]!)));
    expect(hour![3]).toBe(Math.min(...minutes.map((bar) => bar[3]!)));
    expect(hour![4]).toBe(minutes[59]![4]);
    expect(hour![5]).toBeCloseTo(
      minutes.reduce((sum, bar) => sum + bar[5]!, 0),
      6,
    );
  });

  test("the same seed serves the same candles from another process start", async () => {
    const twin = await startExchange({
      seed: 7,
      port: 0,
      clock: createManualClock(NOW),
      historyStartMs: Date.UTC(2025, 0, 1),
    });
    const since = Date.UTC(2025, 4, 5, 8);
    const bars = await stockClient(twin.url).fetchOHLCV(SYMBOL, "1m", since, 500);
    await twin.close();
    expect(bars).toEqual(await client.fetchOHLCV(SYMBOL, "1m", since, 500));
  });

  test("ticker: bid below ask around the last price, inside the day's range", async () => {
    const ticker = await client.fetchTicker(SYMBOL);
    const [last] = (await client.fetchOHLCV(SYMBOL, "1m", undefined, 1)).slice(-1);
    expect(ticker.last).toBe(last![4]);
    expect(ticker.bid!).toBeLessThan(ticker.ask!);
    expect(ticker.low!).toBeLessThanOrEqual(ticker.last!);
    expect(ticker.high!).toBeGreaterThanOrEqual(ticker.last!);
    expect(ticker.baseVolume!).toBeGreaterThan(0);
    expect(Object.keys(await client.fetchTickers([SYMBOL, "PAXG/USDT:USDT"]))).toHaveLength(2);
  });

  test("mark and index stand within 50 bps of the last price", async () => {
    const mark = await client.fetchMarkPrice(SYMBOL);
    const { last } = await client.fetchTicker(SYMBOL);
    expect(Math.abs(mark.markPrice! / last! - 1)).toBeLessThan(0.005);
    const funding = await client.fetchFundingRate(SYMBOL);
    expect(Math.abs(funding.indexPrice! / last! - 1)).toBeLessThan(0.005);
  });

  test("funding: every 8 hours on the hour, next one ahead, rates within 5 bps, the announced rate is the settled one", async () => {
    const current = await client.fetchFundingRate(SYMBOL);
    expect(current.interval).toBe("8h");
    expect((current as { nextFundingTimestamp?: number }).nextFundingTimestamp).toBe(
      Date.UTC(2025, 6, 2, 16),
    );
    const history = await client.fetchFundingRateHistory(SYMBOL, NOW - 3 * DAY_MS, 100);
    expect(history).toHaveLength(9);
    for (const row of history) {
      expect(row.timestamp! % (8 * HOUR_MS)).toBe(0);
      expect(Math.abs(row.fundingRate!)).toBeLessThanOrEqual(0.0005);
    }
    clock.advance(2 * HOUR_MS);
    const settled = await client.fetchFundingRateHistory(SYMBOL, undefined, 1);
    clock.advance(-2 * HOUR_MS);
    expect(settled[0]).toMatchObject({
      timestamp: Date.UTC(2025, 6, 2, 16),
      fundingRate: current.fundingRate,
    });
  });

  test("open interest: in USDT as ccxt reads BingX, positive, stamped with the exchange's time", async () => {
    const interest = await client.fetchOpenInterest(SYMBOL);
    const mark = await client.fetchMarkPrice(SYMBOL);
    expect(interest.openInterestValue! / mark.markPrice!).toBeGreaterThan(1);
    expect(interest.openInterestAmount).toBeUndefined();
    expect(interest.timestamp).toBe(clock.now());
  });

  test("the order book is sorted and uncrossed", async () => {
    const book = await client.fetchOrderBook(SYMBOL, 20);
    expect(book.bids).toHaveLength(20);
    expect(book.bids[0]![0]!).toBeLessThan(book.asks[0]![0]!);
    for (let i = 1; i < 20; i++) {
      expect(book.bids[i]![0]!).toBeLessThan(book.bids[i - 1]![0]!);
      expect(book.asks[i]![0]!).toBeGreaterThan(book.asks[i - 1]![0]!);
    }
  });

  test("M-07: a shut market keeps its last price and says that it takes no new positions", async () => {
    const saturday = createManualClock(Date.UTC(2025, 6, 5, 12));
    const shut = await startExchange({
      seed: 7,
      port: 0,
      clock: saturday,
      historyStartMs: Date.UTC(2025, 0, 1),
    });
    const weekend = stockClient(shut.url);
    await weekend.loadMarkets();
    const gold = Object.values(weekend.markets ?? {}).find((market) => market?.id === "NCCOGOLD2USD-USDT")!;
    expect(gold.active).toBe(false);
    expect((await weekend.fetchTicker(gold.symbol)).last).toBeGreaterThan(2000);
    expect(await weekend.fetchOHLCV(gold.symbol, "1m", Date.UTC(2025, 6, 5), 100)).toEqual([]);
    await shut.close();
  });

  test("bad requests are refused in BingX's shape", async () => {
    const ask = async (path: string) => (await fetch(exchange.url + path)).json();
    expect(await ask("/openApi/swap/v3/quote/klines?symbol=NOPE-USDT&interval=1m")).toMatchObject({
      code: 109400,
    });
    expect(await ask("/openApi/swap/v3/quote/klines?symbol=XAUT-USDT&interval=7m")).toMatchObject({
      code: 80014,
    });
    expect(await ask("/openApi/swap/v3/quote/klines?symbol=XAUT-USDT&interval=1m&limit=9999")).toMatchObject({
      code: 80014,
    });
    expect(await ask("/openApi/swap/v3/quote/klines?symbol=XAUT-USDT&interval=1m&limit=1e3x")).toMatchObject({
      code: 80014,
    });
    expect(await ask("/openApi/swap/v2/no/such")).toMatchObject({ code: 100400 });
  });
});

describe("nobody can take it for a real market", () => {
  test("every answer carries the header, and both pages say that it is simulated", async () => {
    for (const path of [
      "/",
      "/simulation",
      "/openApi/swap/v2/server/time",
      "/openApi/none",
      "/simulation/faults",
    ]) {
      expect((await fetch(exchange.url + path)).headers.get("x-assay-simulated")).toBe("true");
    }
    const facts = await (await fetch(`${exchange.url}/simulation`)).json();
    expect(facts).toMatchObject({
      simulated: true,
      seed: 7,
      model: "gold-like-v1",
      historyStart: "2025-01-01T00:00:00.000Z",
    });
    expect(await (await fetch(exchange.url)).text()).toContain("This is a simulated market");
  });
});
