import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemPorts } from "../../local/backend/ports";
import { type RunningBackend, startBackend } from "../../local/backend/startBackend";
import { FIXTURE_FUNCTIONS, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const data = temporaryData();
let running: RunningBackend;
let client: ConvexHttpClient;
const timers: Array<{ delayMs: number; task: () => void }> = [];
let nowMs = Date.parse("2026-01-02T03:04:05Z");

/** A clock that stands still and timers that fire when the test says so. */
beforeAll(async () => {
  running = await startBackend({
    functionsDir: FIXTURE_FUNCTIONS,
    dataDir: data.dataDir,
    ports: {
      ...systemPorts,
      now: () => nowMs,
      randomBytes: (length) => new Uint8Array(length).fill(7).map((byte, i) => byte + i + (nowMs++ % 200)),
      setTimer: (delayMs, task) => {
        const timer = { delayMs, task };
        timers.push(timer);
        return () => {
          if (timers.includes(timer)) timers.splice(timers.indexOf(timer), 1);
        };
      },
    },
  });
  client = new ConvexHttpClient(running.url, { logger: false });
});

afterAll(async () => {
  await running?.close();
  data.remove();
});

describe("a backend with injected clock, randomness and timers", () => {
  it("takes creation times from the injected clock", async () => {
    const id = await client.mutation(api.messages!.send!, { channel: "clock", body: "x" });
    const row = await client.query(api.messages!.get!, { id });
    expect(new Date(row._creationTime).toISOString().slice(0, 10)).toBe("2026-01-02");
  });

  it("runs scheduled functions when the clock says so", async () => {
    await client.mutation(api.counters!.schedule!, { name: "virtual", delayMs: 3_600_000 });
    expect(await client.query(api.counters!.read!, { name: "virtual" })).toBe(0);
    await expect
      .poll(() => timers.filter(({ delayMs }) => delayMs > 3_500_000 && delayMs < 3_600_001).length)
      .toBeGreaterThan(0);
    nowMs += 3_600_001;
    for (const timer of timers.filter(({ delayMs }) => delayMs > 3_500_000 && delayMs < 3_600_001))
      timer.task();
    await expect.poll(() => client.query(api.counters!.read!, { name: "virtual" })).toBe(1);
  });

  it("fails a mutation that never settles and goes on with the next", async () => {
    const stuck = client.mutation(api.messages!.stuck!, {}, { skipQueue: true });
    await expect.poll(() => timers.some(({ delayMs }) => delayMs === 20_000)).toBe(true);
    const next = client.mutation(api.messages!.send!, { channel: "after", body: "x" }, { skipQueue: true });
    for (const timer of timers.filter(({ delayMs }) => delayMs === 20_000)) timer.task();
    await expect(stuck).rejects.toThrow(/timed out \(maximum duration: 20s\)/);
    expect(await next).toBeTypeOf("string");
  });

  it("ignores what a mutation does after it has answered", async () => {
    await client.mutation(api.messages!.late!, {});
    await client.mutation(api.messages!.send!, { channel: "other", body: "x" });
    expect(await client.query(api.messages!.list!, { channel: "late" })).toEqual([]);
  });
});

describe("limits", () => {
  it("stop a function that reads or writes too much, in Convex's words, and leave nothing of it", async () => {
    const fill = (channel: string, rows: number) => client.mutation(api.counters!.fill!, { channel, rows });
    await expect(fill("much", 16_001)).rejects.toThrow(
      /Too many writes in a single function execution \(limit: 16000\)/,
    );
    expect(await client.query(api.messages!.list!, { channel: "much" })).toEqual([]);
    for (let i = 0; i < 3; i++) await fill("much", 11_000);
    const read = client.query(api.messages!.manyReads!, { table: "messages" });
    await expect(read).rejects.toThrow(
      /Too many documents read in a single function execution \(limit: 32000\)/,
    );
    expect(await client.query(api.messages!.list!, { channel: "much", limit: 3 })).toHaveLength(3);
  });

  it("stop a function that reads or writes too many bytes", async () => {
    const bytes = new ArrayBuffer(1_000_000);
    const chunks = (count: number) => Array.from({ length: count }, (_, start) => ({ start, bytes }));
    const put = (count: number) =>
      client.mutation(api.blobs!.put!, { series: "wide", chunks: chunks(count) });
    await expect(put(16)).resolves.toBe(16);
    await expect(put(17)).rejects.toThrow(/(Too many bytes written|Arguments for .* are too large)/);
    await put(2);
    await expect(client.query(api.blobs!.sizes!, { series: "wide" })).rejects.toThrow(/Too many bytes read/);
  });
});
