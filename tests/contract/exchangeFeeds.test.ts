/// <reference types="vite/client" />
/** Feeds of the exchange into the control plane: the real ccxt client against the simulated exchange. */
import { convexTest } from "convex-test";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import schema from "../../convex/schema";
import { decodeFeedChunk } from "../../lib/feeds/chunk";
import type { FeedName } from "../../lib/feeds/types";
import { createManualClock } from "../../local/exchange/clock";
import { HOUR_MS, MINUTE_MS } from "../../local/exchange/market/hours";
import { type Exchange, startExchange } from "../../local/exchange/server";

const modules = import.meta.glob("../../convex/**/*.{ts,js}");
const NOW = Date.UTC(2025, 6, 2, 14, 30, 20);
const SETTLED = Date.UTC(2025, 6, 2, 8);
const INSTRUMENT = "XAUT-USDT";
const clock = createManualClock(NOW);
let exchange: Exchange;
const freshBackend = () => convexTest(schema, modules);
let t: ReturnType<typeof freshBackend>;

beforeAll(async () => {
  exchange = await startExchange({ seed: 7, port: 0, clock, historyStartMs: Date.UTC(2025, 0, 1) });
});
afterAll(() => exchange.close());
beforeEach(() => {
  vi.stubEnv("BINGX_BASE_URL", exchange.url);
  t = freshBackend();
});
afterEach(() => {
  clock.advance(NOW - clock.now());
  exchange.faults.clear();
  vi.unstubAllEnvs();
});

const poll = async () => {
  const counts = await t.action(internal.market.bingxFeedActions.pollFeeds, { instrument: INSTRUMENT });
  return Object.fromEntries(counts.map(({ feed, ...rest }) => [feed, rest]));
};

async function stored(feed: FeedName) {
  const chunks = await t.run((ctx) => ctx.db.query("feedChunks").collect());
  return chunks
    .filter((chunk) => chunk.feed === feed)
    .flatMap((chunk) => decodeFeedChunk(new Uint8Array(chunk.payload)))
    .sort((a, b) => a.eventAtMs - b.eventAtMs);
}
const series = async (feed: FeedName) =>
  (await t.run((ctx) => ctx.db.query("feedSeries").collect())).find((row) => row.feed === feed)!;
const runs = () => t.run((ctx) => ctx.db.query("ingestionRuns").collect());

describe("feeds from the exchange", () => {
  test("the first poll stores the whole funding history from its publication on, and one point of each quote from its receipt", async () => {
    const counts = await poll();
    const funding = await stored("funding");
    expect(funding).toHaveLength((SETTLED - Date.UTC(2025, 0, 1)) / (8 * HOUR_MS) + 1);
    expect(counts).toMatchObject({
      funding: { added: funding.length, rejected: 0 },
      fundingEstimate: { added: 1 },
      basis: { added: 1 },
      openInterest: { added: 1 },
    });
    for (const { eventAtMs, value, availableAtMs, receivedAtMs, origin } of funding) {
      expect(value).toBe(exchange.simulator.fundingRate(INSTRUMENT, eventAtMs).rate);
      expect(availableAtMs).toBe(eventAtMs + MINUTE_MS);
      expect([receivedAtMs >= NOW, origin]).toEqual([true, "backfill"]);
    }
    const [basis] = await stored("basis");
    const [mark, index] = [
      exchange.simulator.markPrice(INSTRUMENT, NOW),
      exchange.simulator.indexPrice(INSTRUMENT, NOW),
    ];
    expect(basis).toMatchObject({ eventAtMs: NOW, value: (mark - index) / index, origin: "poll" });
    expect(basis!.availableAtMs).toBeGreaterThanOrEqual(basis!.receivedAtMs);
    const [interest] = await stored("openInterest");
    expect(interest!.value).toBeCloseTo(exchange.simulator.openInterest(INSTRUMENT, NOW), 3);
    expect(await series("funding")).toMatchObject({ simulated: true, gaps: 0, lastEventAtMs: SETTLED });
  });

  test("a point is available to no bar that was stored before it, and a new settlement comes by itself", async () => {
    await t.action(internal.market.bingxActions.ingestLatest, { instrument: INSTRUMENT, timeframe: "1m" });
    await poll();
    clock.advance(SETTLED + 8 * HOUR_MS - NOW - 1_000);
    expect(await poll()).not.toHaveProperty("funding");
    clock.advance(6_000);
    await t.action(internal.market.bingxActions.ingestLatest, { instrument: INSTRUMENT, timeframe: "1m" });
    expect(await poll()).toMatchObject({ funding: { added: 1, revised: 0 } });
    const newest = (await stored("funding")).at(-1)!;
    const [bars] = await t.run((ctx) => ctx.db.query("candleSeries").collect());
    expect(newest).toMatchObject({ eventAtMs: SETTLED + 8 * HOUR_MS, origin: "poll" });
    expect(newest.availableAtMs).toBeGreaterThan(bars!.lastOpenTimeMs + MINUTE_MS);
  });

  test("X-02: the penalty box of one feed holds all of them, with no call until the stated time", async () => {
    await poll();
    clock.advance(MINUTE_MS);
    exchange.faults.add({ kind: "code100410", path: "/quote/premiumIndex", count: 1 });
    const counts = await poll();
    expect(counts.basis).toMatchObject({ added: 0, error: expect.stringMatching(/^rateLimited: ./) });
    expect(counts.openInterest).toEqual(counts.basis);
    exchange.faults.add({ kind: "html200", count: 1 });
    expect(await poll()).toEqual({});
    expect(exchange.faults.list()).toHaveLength(1);
  });

  test.each(["html200", "empty", "truncated", "dataNull", "http429", "http503", "reset"] as const)(
    "O-07: under %s the feed keeps what it had, its run says failed and why, the others go on, the next poll catches up",
    async (kind) => {
      await poll();
      clock.advance(MINUTE_MS);
      exchange.faults.add({ kind, path: "/quote/openInterest", count: 1 });
      const counts = await poll();
      expect(counts.openInterest).toMatchObject({
        added: 0,
        error: expect.stringMatching(/^(badPayload|rateLimited|network): ./),
      });
      expect(counts.basis).toMatchObject({ added: 1 });
      expect((await runs()).find((run) => run.status === "failed")).toMatchObject({
        timeframe: "openInterest",
        error: counts.openInterest!.error,
      });
      clock.advance(MINUTE_MS);
      expect(await poll()).toMatchObject({ openInterest: { added: 1 } });
    },
  );

  test("M-05: malformed funding rows are counted and never stored, and stored once they read well", async () => {
    exchange.faults.add({ kind: "malformedRates", path: "/quote/fundingRate", count: 10 });
    const counts = await poll();
    expect(counts.funding!.rejected).toBeGreaterThan(0);
    const values = (await stored("funding")).map((point) => point.value);
    expect(values.every((value) => Math.abs(value) <= 0.0005)).toBe(true);
    expect((await series("funding")).gaps).toBeGreaterThan(0);
    exchange.faults.clear();
    clock.advance(8 * HOUR_MS);
    expect((await poll()).funding!.added).toBeGreaterThan(1);
    expect(await series("funding")).toMatchObject({ gaps: 0 });
  });

  test("M-01: frozen quotes age: the same quote again adds nothing", async () => {
    exchange.faults.add({ kind: "frozenQuotes", count: 2 });
    await poll();
    const [frozen] = await stored("basis");
    expect(frozen!.eventAtMs).toBe(NOW - 600_000);
    exchange.faults.add({ kind: "frozenQuotes", count: 2 });
    expect(await poll()).toMatchObject({ basis: { added: 0 } });
  });

  test("a pause of the polls is a gap in the ledger, and its rows are stored once", async () => {
    await poll();
    expect(await poll()).toMatchObject({ basis: { added: 0 } });
    clock.advance(10 * MINUTE_MS);
    await poll();
    expect(await series("basis")).toMatchObject({ rows: 2, gaps: 1 });
    const gaps = await t.run((ctx) => ctx.db.query("feedGaps").collect());
    expect(gaps.filter((gap) => gap.feed === "basis")).toMatchObject([
      { fromMs: NOW, toMs: NOW + 10 * MINUTE_MS, missing: 9 },
    ]);
  });
});
