/** Events over the token API, and points of feeds in the store. */
import { RateLimiter } from "@convex-dev/rate-limiter";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, components } from "../../convex/_generated/api";
import { RATES } from "../../convex/rateLimits";
import { LIMITS } from "../../lib/contract/limits";
import { decodeFeedChunk, encodeFeedChunk } from "../../lib/feeds/chunk";
import type { FeedPoint } from "../../lib/feeds/types";
import { appendBars, INSTRUMENT } from "./seed";
import { type Desk, expectFailure, failure, freezeDate, NOW_MS, openDesk } from "./setup";

const limiter = new RateLimiter(components.rateLimiter, RATES);
let desk: Desk;
beforeEach(async () => {
  freezeDate();
  desk = await openDesk();
});
afterEach(() => {
  vi.useRealTimers();
});

const HOUR_MS = 3_600_000;
const event = (externalId: string, change: object = {}) => ({
  externalId,
  eventAtMs: NOW_MS - 60_000,
  score: 0.5,
  title: "Central bank buys",
  ...change,
});
const post = (events: ReturnType<typeof event>[], caller = desk.machine) =>
  caller.mutation(api.feeds.api.post, { instrument: INSTRUMENT, feed: "news", events });
const stored = () => desk.viewer.query(api.feeds.console.events, { instrument: INSTRUMENT, feed: "news" });

async function points(feed: string): Promise<FeedPoint[]> {
  const chunks = await desk.t.run((ctx) => ctx.db.query("feedChunks").collect());
  return chunks
    .filter((chunk) => chunk.feed === feed)
    .flatMap((chunk) => decodeFeedChunk(new Uint8Array(chunk.payload)));
}

describe("events over the token API", () => {
  test("an event counts from when it was received, not from when it was published", async () => {
    const [answer] = await post([event("a", { eventAtMs: NOW_MS - 5 * HOUR_MS })]);
    expect(answer).toEqual({
      externalId: "a",
      status: "stored",
      receivedAtMs: NOW_MS,
      availableAtMs: NOW_MS,
    });
    expect(await points("news")).toEqual([
      {
        eventAtMs: NOW_MS - 5 * HOUR_MS,
        receivedAtMs: NOW_MS,
        availableAtMs: NOW_MS,
        value: 0.5,
        origin: "api",
      },
    ]);
  });

  test("an event counts for no bar of the exchange that is stored already, whatever the desk's clock says", async () => {
    const openTimeMs = Math.ceil(NOW_MS / 900_000) * 900_000 + 900_000;
    const bar = { openTimeMs, open: 1, high: 1, low: 1, close: 1, volume: 1 };
    await appendBars(desk, [bar], "15m", "simulated");
    expect((await post([event("a")]))[0]).toMatchObject({
      receivedAtMs: NOW_MS,
      availableAtMs: openTimeMs + 900_000 + 1,
    });
  });

  test("sent again, it is a duplicate and adds nothing; with other content it is refused and told how to correct", async () => {
    await post([event("a")]);
    vi.setSystemTime(NOW_MS + 1_000);
    expect(await post([event("a"), event("b", { score: -1 })])).toMatchObject([
      { externalId: "a", status: "duplicate", receivedAtMs: NOW_MS },
      { externalId: "b", status: "stored", receivedAtMs: NOW_MS + 1_000 },
    ]);
    const refused = await failure(post([event("a", { score: -0.5 })]));
    expect(refused).toMatchObject({ code: "CONFLICT", field: "events[0].externalId" });
    expect(refused.message).toContain('corrects: "a"');
    expect(await stored()).toHaveLength(2);
  });

  test("a correction is a new row that names what it corrects; both stay, and it counts from its own receipt", async () => {
    await post([event("a")]);
    vi.setSystemTime(NOW_MS + 10_000);
    await post([event("a-2", { score: -0.5, corrects: "a" })]);
    expect(await stored()).toMatchObject([
      { externalId: "a-2", corrects: "a", score: -0.5, receivedAtMs: NOW_MS + 10_000 },
      { externalId: "a", score: 0.5, receivedAtMs: NOW_MS },
    ]);
    expect((await points("news")).map(({ availableAtMs, value }) => [availableAtMs, value])).toEqual([
      [NOW_MS, 0.5],
      [NOW_MS + 10_000, -0.5],
    ]);
    await expectFailure(
      post([event("c", { corrects: "nothing" })]),
      "INVALID_ARGUMENT",
      "events[0].corrects",
    );
  });

  test("one wrong event refuses the whole call by its place and field, and nothing is stored", async () => {
    const wrong = event("b", { score: 2 });
    await expectFailure(post([event("a"), wrong]), "INVALID_ARGUMENT", "events[1].score");
    const many = Array.from({ length: LIMITS.eventsPerCall + 1 }, (_, i) => event(`e${i}`));
    await expectFailure(post(many), "LIMIT_EXCEEDED", "events");
    const unknown = { instrument: "DOGE-USDT", feed: "news" as const, events: [event("a")] };
    await expectFailure(desk.machine.mutation(api.feeds.api.post, unknown), "NOT_FOUND", "instrument");
    expect(await stored()).toEqual([]);
  });

  test("S-02: a token that was never allowed, was revoked or has expired posts nothing", async () => {
    await expectFailure(post([event("a")], desk.stranger), "FORBIDDEN");
    await desk.admin.mutation(api.access.console.revokeToken, { name: "machine" });
    await expectFailure(post([event("a")]), "FORBIDDEN");
    await desk.admin.mutation(api.access.console.allowToken, {
      name: "machine",
      scopes: ["events:write"],
      days: 1,
    });
    expect(await post([event("a")])).toHaveLength(1);
    vi.setSystemTime(NOW_MS + 25 * HOUR_MS);
    await expectFailure(post([event("b")]), "FORBIDDEN");
  });

  test("calls too often are refused with the time to come back", async () => {
    const key = "https://assay.local|api:machine";
    await desk.t.run((ctx) =>
      limiter.limit(ctx, "tokenCalls", { key, count: RATES.tokenCalls.capacity - 1 }).then(() => null),
    );
    await post([event("a")]);
    expect(await failure(post([event("b")]))).toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 50 });
    const body = JSON.stringify({ instrument: INSTRUMENT, feed: "news", events: [event("b")] });
    const answer = await desk.machine.fetch("/v1/events", { method: "POST", body });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "1"]);
  });
});

describe("POST /v1/events", () => {
  const send = (body: unknown, caller = desk.machine) =>
    caller.fetch("/v1/events", {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  test("stores and answers like the function, and says what is wrong in the one shape of errors", async () => {
    const good = await send({ instrument: INSTRUMENT, feed: "news", events: [event("a")] });
    expect(good.status).toBe(200);
    expect(await good.json()).toMatchObject({ results: [{ externalId: "a", status: "stored" }] });
    const cases: [unknown, number, string][] = [
      ["{", 400, "body"],
      [{ instrument: INSTRUMENT, feed: "gossip", events: [] }, 400, "feed"],
      [
        { instrument: INSTRUMENT, feed: "news", events: [{ ...event("a"), score: "high" }] },
        400,
        "events[0].score",
      ],
      [{ instrument: INSTRUMENT, feed: "news", events: [{ ...event("a"), mood: 1 }] }, 400, "events[0].mood"],
      [
        { instrument: INSTRUMENT, feed: "news", events: [event("a", { score: 0.1 })] },
        409,
        "events[0].externalId",
      ],
      ["x".repeat(LIMITS.eventBodyBytes + 1), 413, "body"],
    ];
    for (const [body, status, field] of cases) {
      const answer = await send(body);
      expect([answer.status, await answer.json()]).toMatchObject([status, { error: { field } }]);
    }
    const anonymous = await send({ instrument: INSTRUMENT, feed: "news", events: [] }, desk.anonymous);
    expect([anonymous.status, await anonymous.json()]).toMatchObject([
      401,
      { error: { code: "UNAUTHENTICATED" } },
    ]);
    expect((await send({ instrument: INSTRUMENT, feed: "news", events: [] }, desk.viewer)).status).toBe(403);
  });
});

describe("imported points", () => {
  const funding = (hours: number, value: number): FeedPoint => ({
    eventAtMs: Date.UTC(2025, 0, 1) + hours * HOUR_MS,
    receivedAtMs: 0,
    availableAtMs: Date.UTC(2025, 0, 1) + hours * HOUR_MS + 60_000,
    value,
    origin: "file",
  });
  const key = { instrument: INSTRUMENT, feed: "funding" as const, source: "file" };
  const append = (list: FeedPoint[]) =>
    desk.service.mutation(api.feeds.worker.appendPoints, {
      ...key,
      payload: encodeFeedChunk(list).slice().buffer as ArrayBuffer,
    });

  test("in any order and twice they leave one state: rows, gaps and newest value", async () => {
    const rows = [0, 8, 16, 48, 56].map((hours, i) => funding(hours, i / 10_000));
    expect(await append(rows.slice(2))).toEqual({ added: 3, unchanged: 0, revised: 0 });
    expect(await append(rows)).toEqual({ added: 2, unchanged: 3, revised: 0 });
    expect(await append(rows)).toEqual({ added: 0, unchanged: 5, revised: 0 });
    const [series] = await desk.viewer.query(api.feeds.console.list, {});
    expect(series).toMatchObject({ rows: 5, gaps: 1, lastValue: 0.0004, lastReceivedAtMs: NOW_MS });
    expect(await desk.viewer.query(api.feeds.console.gaps, key)).toMatchObject([{ missing: 3 }]);
    expect(await append([funding(24, 0.0001), funding(32, 0.0001), funding(40, 0.0001)])).toMatchObject({
      added: 3,
    });
    expect(await desk.viewer.query(api.feeds.console.gaps, key)).toEqual([]);
  });

  test("another value for a settlement is a new row beside the old one", async () => {
    await append([funding(0, 0.0001)]);
    expect(await append([funding(0, 0.0002)])).toEqual({ added: 1, unchanged: 0, revised: 1 });
    expect((await points("funding")).map(({ value }) => value).sort()).toEqual([0.0001, 0.0002]);
  });

  test("a rate that cannot be one is refused with its limit, and nothing of the call is stored", async () => {
    await expectFailure(append([funding(0, 0.0001), funding(8, 0.2)]), "INVALID_ARGUMENT", "points");
    expect(await points("funding")).toEqual([]);
  });
});
