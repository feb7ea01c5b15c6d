import { join } from "node:path";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { createPrng } from "../../lib/core/prng";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import { openLevelStore } from "../../local/backend/store/levelStore";
import { freePort, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const CYCLES = Number(process.env.CRASH_CYCLES ?? 20);
const data = temporaryData();

afterAll(() => data.remove());

/** Numbers that occur other than `times` times. */
function miscounted(numbers: number[], times: number): number[] {
  const counts = new Map<number, number>();
  for (const n of numbers) counts.set(n, (counts.get(n) ?? 0) + 1);
  return [...counts].filter(([, count]) => count !== times).map(([n]) => n);
}

/** Sends numbered mutations, four at a time, until the connection breaks; adds the acknowledged ones. */
async function writeUntilKilled(url: string, next: () => number, acknowledged: Set<number>): Promise<void> {
  const writer = async () => {
    const client = new ConvexHttpClient(url, { logger: false });
    for (;;) {
      const n = next();
      await client.mutation(api.counters!.pair!, { n });
      acknowledged.add(n);
    }
  };
  await Promise.allSettled([writer(), writer(), writer(), writer()]);
}

/** A query may return an array of 8,192, and the long run writes more; a pair has one rank twice. */
const STEP = 4_000;
async function ranksBelow(client: ConvexHttpClient, channel: string, end: number): Promise<number[]> {
  const ranks: number[] = [];
  for (let from = 0; from <= end; from += STEP)
    ranks.push(...(await client.query(api.counters!.ranks!, { channel, from, to: from + STEP })));
  return ranks;
}

describe(`a backend killed with SIGKILL ${CYCLES} times (D-09)`, () => {
  it(
    "keeps every acknowledged mutation, shows no half transaction, and runs scheduled mutations once",
    async () => {
      const dataDir = join(data.dataDir, "crash");
      const prng = createPrng(20261120);
      const acknowledged = new Set<number>();
      let n = 0;
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        const backend = await spawnBackend({ dataDir });
        const client = new ConvexHttpClient(backend.url, { logger: false });
        const pairs = await ranksBelow(client, "pair", n);
        expect(miscounted(pairs, 2)).toEqual([]);
        const present = new Set(pairs);
        expect([...acknowledged].filter((number) => !present.has(number))).toEqual([]);
        const marks = await ranksBelow(client, "marks", n);
        expect(miscounted(marks, 1)).toEqual([]);
        const writing = writeUntilKilled(backend.url, () => n++, acknowledged);
        await new Promise((resolve) => setTimeout(resolve, 20 + prng.nextInt(180)));
        await backend.end("SIGKILL");
        await writing;
      }
      expect(acknowledged.size).toBeGreaterThan(CYCLES);

      const last = await spawnBackend({ dataDir });
      const client = new ConvexHttpClient(last.url, { logger: false });
      const pairs = new Set(await ranksBelow(client, "pair", n));
      const marksNow = () => ranksBelow(client, "marks", n);
      await expect.poll(async () => (await marksNow()).length, { timeout: 20_000 }).toBe(pairs.size);
      expect(miscounted(await marksNow(), 1)).toEqual([]);
      await last.end("SIGKILL");

      const store = await openLevelStore(join(dataDir, "store"));
      expect(await findIndexFaults(store)).toEqual([]);
      await store.close();
    },
    120_000 + CYCLES * 10_000,
  );

  it("applies each mutation of a reconnecting client exactly once", async () => {
    const dataDir = join(data.dataDir, "reconnect");
    const port = await freePort();
    let backend = await spawnBackend({ dataDir, port });
    const client = new ConvexClient(backend.url, {
      webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
      unsavedChangesWarning: false,
      logger: false,
    });
    let answered = 0;
    const calls = Array.from({ length: 600 }, () =>
      client.mutation(api.counters!.increment!, { name: "ws" }).then(() => answered++),
    );
    for (const stopAfter of [50, 200, 350]) {
      await expect.poll(() => answered, { timeout: 30_000, interval: 1 }).toBeGreaterThan(stopAfter);
      await backend.end("SIGKILL");
      backend = await spawnBackend({ dataDir, port });
    }
    await Promise.all(calls);
    expect(await client.query(api.counters!.read!, { name: "ws" })).toBe(600);
    await client.close();
    await backend.end("SIGTERM");
  });

  it("marks a scheduled action that it interrupted as failed and does not run it again", async () => {
    const dataDir = join(data.dataDir, "action");
    const first = await spawnBackend({ dataDir });
    const id = await new ConvexHttpClient(first.url, { logger: false }).mutation(
      api.actions!.scheduleSlow!,
      {},
    );
    const stateAt = async (url: string) => {
      const job = await new ConvexHttpClient(url, { logger: false }).query(api.counters!.job!, { id });
      return job.state.kind as string;
    };
    await expect.poll(() => stateAt(first.url), { timeout: 5_000 }).toBe("inProgress");
    await first.end("SIGKILL");
    const second = await spawnBackend({ dataDir });
    expect(await stateAt(second.url)).toBe("failed");
    await second.end("SIGTERM");
  });

  it("survives what a function throws after it has answered", async () => {
    const backend = await spawnBackend({ dataDir: join(data.dataDir, "thrown") });
    const client = new ConvexHttpClient(backend.url, { logger: false });
    await client.action(api.actions!.throwsLater!, {});
    await expect.poll(() => backend.stderr(), { timeout: 5_000 }).toMatch(/uncaughtException.*left behind/);
    expect(backend.stderr()).toMatch(/uncaughtException.*thrown by a listener/);
    expect(await client.query(api.counters!.read!, { name: "alive" })).toBe(0);
    expect(await backend.end("SIGTERM")).toBe(0);
  });
});
