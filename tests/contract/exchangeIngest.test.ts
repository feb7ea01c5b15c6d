/// <reference types="vite/client" />
import actionRetrier from "@convex-dev/action-retrier/test";
import { convexTest } from "convex-test";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import schema from "../../convex/schema";
import { decodeChunk } from "../../lib/market/chunk";
import { INSTRUMENTS } from "../../lib/market/instruments";
import { createManualClock } from "../../local/exchange/clock";
import { MINUTE_MS } from "../../local/exchange/market/hours";
import { type Exchange, startExchange } from "../../local/exchange/server";

const modules = import.meta.glob("../../convex/**/*.{ts,js}");
const NOW = Date.UTC(2025, 6, 2, 14, 30, 20);
const BAR = { instrument: "XAUT-USDT", timeframe: "1m" as const };
const FIRST_BACKFILL_BARS = 15 * 1440;
const clock = createManualClock(NOW);
let exchange: Exchange;
function freshBackend() {
  const backend = convexTest(schema, modules);
  actionRetrier.register(backend);
  return backend;
}
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

const ingest = () => t.action(internal.market.bingxActions.ingestLatest, BAR);

/** Stored open times of the series, ascending. */
async function storedTimes(source = "simulated"): Promise<number[]> {
  const chunks = await t.run((ctx) => ctx.db.query("candleChunks").collect());
  return chunks
    .filter((chunk) => chunk.source === source)
    .sort((a, b) => a.chunkStartMs - b.chunkStartMs)
    .flatMap((chunk) => [...decodeChunk(new Uint8Array(chunk.payload)).openTimeMs]);
}

const runs = () => t.run((ctx) => ctx.db.query("ingestionRuns").collect());

describe("ingestion from the exchange into the control plane", () => {
  test("M-03: the first call stores fifteen days of closed bars, a second one adds nothing, both share a run row", async () => {
    expect(await ingest()).toMatchObject({
      status: "ok",
      added: FIRST_BACKFILL_BARS,
      revised: 0,
      rejected: 0,
    });
    const times = await storedTimes();
    expect(times).toHaveLength(FIRST_BACKFILL_BARS);
    expect(times.at(-1)).toBe(NOW - 20_000 - MINUTE_MS);
    expect(await ingest()).toMatchObject({ status: "ok", added: 0, revised: 0 });
    expect((await runs()).map((run) => [run.status, run.rowsAdded])).toEqual([["ok", FIRST_BACKFILL_BARS]]);
  });

  test("each new minute adds one bar, none before its grace is over", async () => {
    await ingest();
    clock.advance(41_000);
    expect(await ingest()).toMatchObject({ added: 0 });
    clock.advance(1_000);
    expect(await ingest()).toMatchObject({ added: 1, revised: 0 });
    clock.advance(3 * MINUTE_MS);
    expect(await ingest()).toMatchObject({ added: 3, revised: 0 });
  });

  test.each(["html200", "empty", "dataNull", "http429", "http503", "reset"] as const)(
    "O-07: under %s nothing is stored, the run says failed and why, the next call catches up",
    async (kind) => {
      await ingest();
      clock.advance(5 * MINUTE_MS);
      exchange.faults.add({ kind, path: "/quote/klines", count: 1 });
      const failed = await ingest();
      expect(failed).toMatchObject({ status: "failed", added: 0 });
      expect(failed.error).toMatch(/^(badPayload|rateLimited|network): ./);
      expect((await runs()).at(-1)).toMatchObject({ status: "failed", error: failed.error });
      expect(await ingest()).toMatchObject({ status: "ok", added: 5 });
    },
  );

  describe("X-02: an exchange that refuses calls until a stated time (100410)", () => {
    const desk = (timeMs: number) => vi.setSystemTime(timeMs);
    /** Trips on whatever request comes, so that one that stays pending proves that none came. */
    const tripwire = () => exchange.faults.add({ kind: "http503", count: 1 });
    beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: NOW }));
    afterEach(() => vi.useRealTimers());

    test("is not called by any tick before that time, by the exchange's own clock, and catches up after it", async () => {
      // The desk's clock is 25 s ahead of the exchange's: the hold ends when the exchange means, not 25 s early.
      desk(NOW + 25_000);
      await ingest();
      exchange.faults.add({ kind: "code100410", path: "/quote/klines", count: 1 });
      expect(await ingest()).toMatchObject({
        status: "failed",
        error: expect.stringMatching(/^rateLimited: /),
      });

      clock.advance(59_000);
      desk(NOW + 25_000 + 59_000);
      tripwire();
      const held = { status: "held", error: expect.stringContaining("held until 2025-07-02T14:31:45") };
      expect(await ingest()).toMatchObject(held);
      const other = { ...BAR, instrument: "PAXG-USDT" };
      expect(await t.action(internal.market.bingxActions.ingestLatest, other)).toMatchObject(held);
      await expect(t.action(internal.market.bingxActions.syncContracts, {})).rejects.toThrow("held until");
      expect(exchange.faults.list()).toHaveLength(1);
      exchange.faults.clear();

      clock.advance(3_000);
      desk(NOW + 25_000 + 62_000);
      expect(await ingest()).toMatchObject({ status: "ok", added: 1 });
    });

    test("holds the rule reader too, and a second refusal cannot shorten the wait", async () => {
      exchange.faults.add({ kind: "code100410", path: "/quote/contracts", count: 1 });
      await expect(t.action(internal.market.bingxActions.syncContracts, {})).rejects.toThrow("rateLimited");
      const hold = { source: "simulated", reason: "again" };
      await t.mutation(internal.market.internal.holdGateway, { ...hold, untilMs: NOW + 1_000 });
      expect(await ingest()).toMatchObject({ status: "held" });
      desk(NOW + 59_000);
      expect(await ingest()).toMatchObject({ status: "held" });
    });

    test("a stated end beyond an hour is asked about again after an hour", async () => {
      const hold = { source: "simulated", untilMs: NOW + 30 * 86_400_000, reason: "very long" };
      await t.mutation(internal.market.internal.holdGateway, hold);
      desk(NOW + 3_599_000);
      expect(await ingest()).toMatchObject({ status: "held" });
      desk(NOW + 3_600_000);
      expect(await ingest()).toMatchObject({ status: "ok" });
    });
  });

  test("M-05: malformed rows are counted and never stored; the young ones are read again and then complete", async () => {
    await ingest();
    clock.advance(4 * MINUTE_MS);
    exchange.faults.add({ kind: "malformedBars", path: "/quote/klines", count: 1 });
    const spoiled = await ingest();
    expect(spoiled.rejected).toBeGreaterThan(0);
    expect(spoiled.revised).toBe(0);
    await ingest();
    const times = await storedTimes();
    expect(times).toHaveLength(FIRST_BACKFILL_BARS + 4);
    expect(times.at(-1)).toBe(NOW - 20_000 + 3 * MINUTE_MS);
  });

  test("M-04: a page with a young hole does not move the cursor past it", async () => {
    await ingest();
    clock.advance(2 * MINUTE_MS);
    exchange.faults.add({ kind: "missingBars", path: "/quote/klines", count: 1 });
    expect(await ingest()).toMatchObject({ status: "ok", added: 0 });
    await ingest();
    const times = await storedTimes();
    expect(times).toEqual(
      Array.from({ length: FIRST_BACKFILL_BARS + 2 }, (_, i) => times[0]! + i * MINUTE_MS),
    );
  });

  test("M-01: a frozen feed stores nothing new and revises nothing", async () => {
    await ingest();
    clock.advance(5 * MINUTE_MS);
    exchange.faults.add({ kind: "staleBars", path: "/quote/klines", count: 1 });
    expect(await ingest()).toMatchObject({ added: 0, revised: 0 });
  });

  test("a forbidden base URL is refused by name and stores nothing", async () => {
    vi.stubEnv("BINGX_BASE_URL", "https://example.com");
    await expect(ingest()).rejects.toThrow("BINGX_BASE_URL");
    expect(await runs()).toEqual([]);
  });

  test("syncContracts leaves the rules, calendars and names that the desk already assumes", async () => {
    expect((await t.action(internal.market.bingxActions.syncContracts, {})).instruments).toHaveLength(3);
    const rows = await t.run((ctx) => ctx.db.query("instruments").collect());
    const facts = (row: { symbol: string; displayName: string; calendar: string; rules: unknown }) => [
      row.symbol,
      row.displayName,
      row.calendar,
      row.rules,
    ];
    expect(rows.map(facts)).toEqual(INSTRUMENTS.map(facts));
  });

  test("X-05: a failed read of the rules is tried again after a pause, twice if need be, not left for the next cron", async () => {
    // The pauses between attempts, half a minute and more, pass in milliseconds; shorter waits are the client's own.
    const pauses: number[] = [];
    const wait = globalThis.setTimeout;
    vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, delayMs = 0) => {
      if (delayMs < 15_000) return wait(run, delayMs);
      pauses.push(delayMs);
      return wait(run, delayMs / 1_000);
    }) as typeof setTimeout);
    exchange.faults.add({ kind: "http503", path: "/quote/contracts", count: 2 });
    await t.mutation(internal.market.internal.syncRules, {});
    await vi.waitFor(
      async () => expect(await t.run((ctx) => ctx.db.query("instruments").collect())).toHaveLength(3),
      { timeout: 10_000, interval: 50 },
    );
    expect(exchange.faults.list()).toEqual([]);
    expect(pauses.length).toBeGreaterThanOrEqual(2);
    vi.restoreAllMocks();
  });
});
