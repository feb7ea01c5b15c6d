import { ConvexHttpClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { anyApi } from "convex/server";
import type { Value } from "convex/values";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const data = temporaryData();
let backend: SpawnedBackend;
let client: ConvexHttpClient;

beforeAll(async () => {
  backend = await spawnBackend({ dataDir: data.dataDir });
  client = new ConvexHttpClient(backend.url, { logger: false });
});

afterAll(async () => {
  await backend?.end("SIGTERM");
  data.remove();
});

const buffer = (...bytes: number[]) => Uint8Array.from(bytes).buffer as ArrayBuffer;

/** Convex's order across types, and the edges within each. */
const ORDERED: Value[] = [
  null,
  -(2n ** 63n),
  -1n,
  0n,
  2n ** 63n - 1n,
  Number.NEGATIVE_INFINITY,
  -1.5,
  -0,
  0,
  Number.MIN_VALUE,
  1,
  Number.POSITIVE_INFINITY,
  Number.NaN,
  false,
  true,
  "",
  "a",
  "a\u0000",
  "aa",
  "\uffff",
  "\u{1f600}",
  buffer(),
  buffer(0),
  buffer(0, 1),
  buffer(1),
  [],
  [null],
  [1, 2],
  ["a"],
  {},
  { a: 1 },
  { a: 1, b: 0 },
  { b: 0 },
];

describe("values of every type", () => {
  it("come back in Convex's order, forwards and backwards, with every edge intact", async () => {
    const shuffled = ORDERED.map((key, i) => ({ key, at: (i * 7919) % 101 })).sort((a, b) => a.at - b.at);
    await client.mutation(api.values!.put!, { keys: shuffled.map(({ key }) => key), tag: "order" });
    expect(await client.query(api.values!.ordered!, { tag: "order" })).toEqual(ORDERED);
    expect(await client.query(api.values!.ordered!, { tag: "order", desc: true })).toEqual(
      [...ORDERED].reverse(),
    );
  });

  it("bound ranges from either side, inclusive and exclusive, at each of them", async () => {
    await client.mutation(api.values!.put!, { keys: ORDERED, tag: "range" });
    for (let i = 0; i < ORDERED.length; i++) {
      const range = (bounds: object) => client.query(api.values!.range!, { tag: "range", ...bounds });
      const key = ORDERED[i];
      expect(await range({ gte: key })).toEqual(ORDERED.slice(i));
      expect(await range({ gt: key })).toEqual(ORDERED.slice(i + 1));
      expect(await range({ lt: key })).toEqual(ORDERED.slice(0, i));
      expect(await range({ gte: key, lte: key })).toEqual([key]);
      expect(await range({ gt: key, lt: key })).toEqual([]);
    }
  });
});

describe("queries", () => {
  it("filter on fields, missing ones included", async () => {
    for (const rank of [1, 5, 9])
      await client.mutation(api.messages!.send!, { channel: "filter", body: "f", rank });
    await client.mutation(api.messages!.send!, { channel: "filter", body: "no rank" });
    const rows = await client.query(api.messages!.filtered!, { channel: "filter", above: 4 });
    expect(rows.map((row: { rank: number }) => row.rank)).toEqual([5, 9]);
  });

  it("remove a field that a patch sets to undefined", async () => {
    const id = await client.mutation(api.messages!.send!, { channel: "patch", body: "p", rank: 3 });
    await client.mutation(api.messages!.edit!, { id, rank: null });
    expect(await client.query(api.messages!.get!, { id })).not.toHaveProperty("rank");
    await client.mutation(api.messages!.remove!, { id });
    expect(await client.query(api.messages!.get!, { id })).toBeNull();
    await expect(client.mutation(api.messages!.remove!, { id })).rejects.toThrow(/nonexistent document/);
  });

  it("see increasing commit timestamps where a document asked for them", async () => {
    for (let i = 0; i < 3; i++) await client.mutation(api.values!.stamp!, {});
    const stamps: bigint[] = (await client.query(api.values!.stamps!, {})).map(
      (row: { at: bigint }) => row.at,
    );
    expect(new Set(stamps).size).toBe(3);
    expect([...stamps].sort((a, b) => (a < b ? -1 : 1))).toEqual(stamps);
    expect(Number(stamps[0]! / 1_000_000n)).toBeGreaterThan(1_600_000_000_000);
  });

  it("normalise ids of the right table only", async () => {
    const id = await client.mutation(api.messages!.send!, { channel: "ids", body: "x" });
    const normalise = (table: string, text: string) =>
      client.query(api.values!.normalise!, { table, id: text });
    expect(await normalise("messages", id)).toBe(id);
    expect(await normalise("users", id)).toBeNull();
    expect(await normalise("messages", "nonsense")).toBeNull();
  });
});

describe("the stock React client", () => {
  it("watches a query and runs mutations", async () => {
    const react = new ConvexReactClient(backend.url, {
      webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
      unsavedChangesWarning: false,
      logger: false,
    });
    const watch = react.watchQuery(api.messages!.list!, { channel: "react" });
    const shown = new Promise<void>((resolve) => {
      const stop = watch.onUpdate(() => {
        if (watch.localQueryResult()?.length !== 1) return;
        stop();
        resolve();
      });
    });
    await react.mutation(api.messages!.send!, { channel: "react", body: "hello" });
    await shown;
    await react.close();
  });
});
