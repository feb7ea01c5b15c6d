import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { socketClient, until } from "../backend/clients";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const data = temporaryData();
let backend: SpawnedBackend;
const clients: ConvexClient[] = [];

function http(): ConvexHttpClient {
  return new ConvexHttpClient(backend.url, { logger: false });
}

function live(): ConvexClient {
  const client = socketClient(backend.url);
  clients.push(client);
  return client;
}

beforeAll(async () => {
  backend = await spawnBackend({ dataDir: data.dataDir });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(async () => {
  await backend?.end("SIGTERM");
  data.remove();
});

describe("pages", () => {
  it("walk a range once in either direction, and end where the journal says after rows were added", async () => {
    const client = http();
    for (let rank = 0; rank < 25; rank++)
      await client.mutation(api.messages!.send!, { channel: "pages", body: "p", rank });
    for (const desc of [false, true]) {
      const ranks: number[] = [];
      let cursor: string | null = null;
      for (let isDone = false; !isDone; ) {
        const result: { page: Array<{ rank: number }>; isDone: boolean; continueCursor: string } =
          await client.query(api.messages!.page!, {
            channel: "pages",
            desc,
            paginationOpts: { numItems: 7, cursor },
          });
        ranks.push(...result.page.map((row) => row.rank));
        ({ isDone } = result);
        cursor = result.continueCursor;
      }
      const expected = Array.from({ length: 25 }, (_, i) => i);
      expect(ranks).toEqual(desc ? expected.reverse() : expected);
    }
  });

  it("grow in place when a row is inserted inside a live page", async () => {
    const client = live();
    const args = { channel: "reactive", paginationOpts: { numItems: 2, cursor: null } };
    for (const rank of [1, 2, 3])
      await client.mutation(api.messages!.send!, { channel: "reactive", body: "r", rank });
    const grown = until<{ page: Array<{ rank: number }> }>(
      client,
      api.messages!.page as never,
      args,
      ({ page }) => page.length === 3,
    );
    await until<{ page: unknown[] }>(
      client,
      api.messages!.page as never,
      args,
      ({ page }) => page.length === 2,
    );
    await client.mutation(api.messages!.send!, { channel: "reactive", body: "between", rank: 1.5 });
    expect((await grown).page.map((row) => row.rank)).toEqual([1, 1.5, 2]);
  });

  it("refuse a cursor of another query", async () => {
    const first = await http().query(api.messages!.page!, {
      channel: "pages",
      paginationOpts: { numItems: 1, cursor: null },
    });
    const stolen = { channel: "reactive", paginationOpts: { numItems: 1, cursor: first.continueCursor } };
    await expect(http().query(api.messages!.page!, stolen)).rejects.toThrow(/InvalidCursor/);
  });
});

describe("files", () => {
  it("of a mutation are on the disk when it is committed, and leave it when it, or the nested one that stored them, is not", async () => {
    const client = http();
    const onDisk = () => readdirSync(join(data.dataDir, "files")).length;
    const before = onDisk();
    for (const [innerFails, fails, kept] of [
      [false, true, 0],
      [true, false, 1],
      [true, true, 1],
      [false, false, 3],
    ] as const) {
      await client.mutation(api.files!.storeTwo!, { innerFails, fails }).catch(() => null);
      await expect.poll(onDisk).toBe(before + kept);
    }
  });

  it("are uploaded, described, served whole and in ranges, and deleted", async () => {
    const client = http();
    const content = "0123456789";
    const uploadUrl = await client.mutation(api.files!.uploadUrl!, {});
    const preflight = await fetch(uploadUrl, {
      method: "OPTIONS",
      headers: { Origin: "http://console.test" },
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBe("http://console.test");
    const sent = await fetch(uploadUrl, {
      method: "POST",
      body: content,
      headers: { "Content-Type": "text/plain" },
    });
    const { storageId: id } = (await sent.json()) as { storageId: string };
    const sha256 = createHash("sha256").update(content).digest("base64");
    expect(await client.query(api.files!.metadata!, { id })).toMatchObject({
      size: 10,
      contentType: "text/plain",
      sha256,
    });
    const url = (await client.query(api.files!.url!, { id })) as string;
    expect(await (await fetch(url)).text()).toBe(content);
    const part = await fetch(url, { headers: { Range: "bytes=2-4" } });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "bytes 2-4/10",
      "234",
    ]);
    expect((await fetch(url, { headers: { Range: "bytes=50-" } })).status).toBe(416);
    await client.mutation(api.files!.remove!, { id });
    expect(await client.query(api.files!.url!, { id })).toBeNull();
    expect((await fetch(url)).status).toBe(404);
  });

  it("are refused with a forged token or a wrong digest", async () => {
    const uploadUrl = await http().mutation(api.files!.uploadUrl!, {});
    expect((await fetch(`${uploadUrl}x`, { method: "POST", body: "a" })).status).toBe(401);
    const wrong = await fetch(uploadUrl, { method: "POST", body: "a", headers: { Digest: "sha-256=AAAA" } });
    expect(wrong.status).toBe(400);
  });

  it("pass through actions as blobs", async () => {
    expect(await http().action(api.files!.roundTrip!, { text: "stored" })).toMatchObject({
      text: "stored",
      type: "text/plain",
    });
  });
});

describe("HTTP actions", () => {
  it("answer on the site port and under /http, with status, headers and body", async () => {
    for (const base of [backend.siteUrl, `${backend.url}/http`]) {
      const response = await fetch(`${base}/echo?a=1`, { method: "POST", body: "body" });
      expect([response.status, response.headers.get("x-query"), await response.text()]).toEqual([
        201,
        "?a=1",
        "echo body",
      ]);
    }
    expect((await fetch(`${backend.siteUrl}/nothing`)).status).toBe(404);
    expect(await (await fetch(`${backend.siteUrl}/files/deep/path`)).json()).toBe(
      `${backend.siteUrl}/files/deep/path`,
    );
  });
});

describe("scheduled functions", () => {
  it("run after their delay, show their state, and can be cancelled", async () => {
    const client = live();
    const done = until<number>(
      client,
      api.counters!.read as never,
      { name: "later" },
      (value) => value === 1,
    );
    const id = await client.mutation(api.counters!.schedule!, { name: "later", delayMs: 20 });
    expect(await done).toBe(1);
    const finished = await until<{ state: { kind: string } }>(
      client,
      api.counters!.job as never,
      { id },
      (job) => job.state.kind === "success",
    );
    expect(finished).toMatchObject({ name: "counters.js:incrementLater", args: [{ name: "later" }] });
    const cancelled = await client.mutation(api.counters!.schedule!, { name: "never", delayMs: 60_000 });
    await client.mutation(api.counters!.cancel!, { id: cancelled });
    expect(await client.query(api.counters!.job!, { id: cancelled })).toMatchObject({
      state: { kind: "canceled" },
    });
  });

  it("run on an interval from crons.ts", async () => {
    const ticks = until<number>(live(), api.counters!.read as never, { name: "cron" }, (value) => value >= 2);
    expect(await ticks).toBeGreaterThanOrEqual(2);
  });
});

describe("errors", () => {
  it("name file and line of the source, in both runtimes", async () => {
    await expect(http().query(api.messages!.crash!, {})).rejects.toThrow(
      /Uncaught Error: boom\n {4}at handler \(\.\.\/convex\/messages\.ts:\d+:\d+\)/,
    );
    await expect(http().action(api.actions!.crashInNode!, {})).rejects.toThrow(
      /boom in node\n.*convex\/nodeActions\.ts:\d+/,
    );
  });

  it("of the host are instances of the function's own Error", async () => {
    expect(await http().action(api.actions!.caught!, {})).toEqual([true, false, true, true, true]);
  });
});
