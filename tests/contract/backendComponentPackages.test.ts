import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import fc from "fast-check";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import { type Ports, systemPorts } from "../../local/backend/ports";
import type { RunningBackend } from "../../local/backend/startBackend";
import { openLevelStore } from "../../local/backend/store/levelStore";
import { COMPONENT_ENVIRONMENT, COMPONENT_FUNCTIONS, startComponents } from "../backend/components";
import { spawnBackend, temporaryData } from "../backend/spawnBackend";

const packages = anyApi.packages!;
const data = temporaryData();
const running: RunningBackend[] = [];
let folders = 0;

afterEach(async () => {
  await Promise.all(running.splice(0).map((backend) => backend.close()));
});
afterAll(() => data.remove());

async function start(
  ports?: Ports,
  dataDir = join(data.dataDir, String(folders++)),
): Promise<ConvexHttpClient> {
  const backend = await startComponents({ dataDir, ...(ports ? { ports } : {}) });
  running.push(backend);
  return new ConvexHttpClient(backend.url, { logger: false });
}

/** A backend of its own process on a fresh folder, to be killed. */
async function startToKill() {
  const dataDir = join(data.dataDir, String(folders++));
  const envFile = join(data.dataDir, "environment.json");
  writeFileSync(envFile, JSON.stringify(COMPONENT_ENVIRONMENT));
  const backend = await spawnBackend({ dataDir, functionsDir: COMPONENT_FUNCTIONS, envFile });
  return { dataDir, backend, client: new ConvexHttpClient(backend.url, { logger: false }) };
}

/** The system's ports with a clock that is ahead: whatever waits for a time in between is due. */
function aheadBy(ms: number): Ports {
  return { ...systemPorts, now: () => Date.now() + ms };
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 25));
}

function eventsOf(client: ConvexHttpClient, run: string): Promise<string[]> {
  return client.query(packages.events!, { run });
}

/** Most pieces that had started and not ended at one moment. */
function mostAtOnce(events: string[]): number {
  let now = 0;
  let most = 0;
  for (const event of events) {
    now += event.startsWith("start") ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

describe("@convex-dev/rate-limiter", () => {
  it("lets a burst through, refuses the rest, and says when to come back to the millisecond", async () => {
    let nowMs = 1_800_000_000_000;
    const client = await start({ ...systemPorts, now: () => nowMs });
    const send = (key: string): Promise<{ ok: boolean; retryAfter?: number }> =>
      client.mutation(packages.limit!, { name: "send", key });
    for (let i = 0; i < 3; i++) expect((await send("a")).ok).toBe(true);
    expect(await send("a")).toEqual({ ok: false, retryAfter: 5000 });
    expect((await send("b")).ok).toBe(true);
    nowMs += 4999;
    expect(await send("a")).toEqual({ ok: false, retryAfter: expect.closeTo(1, 6) });
    nowMs += 1;
    expect((await send("a")).ok).toBe(true);
    expect((await send("a")).ok).toBe(false);
  });

  it("starts each fixed window afresh", async () => {
    let nowMs = 1_800_000_000_000;
    const client = await start({ ...systemPorts, now: () => nowMs });
    const take = async () => (await client.mutation(packages.limit!, { name: "window", key: "w" })).ok;
    expect([await take(), await take(), await take()]).toEqual([true, true, false]);
    nowMs += 9_999;
    expect(await take()).toBe(false);
    nowMs += 1;
    expect([await take(), await take(), await take()]).toEqual([true, true, false]);
  });
});

describe("@convex-dev/aggregate", () => {
  it("counts and sums as a recount does, after any writes", async () => {
    const client = await start();
    const players = ["ann", "bob"];
    const write = fc.record({
      player: fc.constantFrom(...players),
      at: fc.nat(12),
      value: fc.option(fc.integer({ min: -20, max: 20 })),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 25 }),
        fc.integer({ min: -20, max: 20 }),
        async (writes, from) => {
          await client.mutation(packages.score!, { writes });
          const { counted, recounted } = await client.query(packages.scores!, { players, from });
          expect(counted).toEqual(recounted);
        },
      ),
      { numRuns: 25, seed: 20261120 },
    );
    const { recounted } = await client.query(packages.scores!, { players, from: -20 });
    expect(recounted[0].count + recounted[1].count).toBeGreaterThan(5);
  });
});

describe("@convex-dev/action-retrier", () => {
  it("runs an action until it succeeds, and then no more", async () => {
    const client = await start();
    const id = await client.mutation(packages.retry!, { run: "retry", succeedAt: 3, waitMs: 0 });
    const status = () => client.query(packages.retryStatus!, { id });
    await eventually(async () => (await status()).type === "completed");
    expect(await status()).toEqual({ type: "completed", result: { type: "success", returnValue: 3 } });
    expect(await eventsOf(client, "retry")).toEqual(["attempt", "attempt", "attempt", "success"]);
  });

  it("tries again after a kill -9 in the middle of an attempt", async () => {
    const { dataDir, backend, client } = await startToKill();
    const id = await client.mutation(packages.retry!, { run: "killed", succeedAt: 2, waitMs: 600_000 });
    await eventually(async () => (await eventsOf(client, "killed")).length === 1);
    await backend.end("SIGKILL");
    const again = await start(aheadBy(60_000), dataDir);
    const status = () => again.query(packages.retryStatus!, { id });
    await eventually(async () => (await status()).type === "completed");
    expect(await status()).toMatchObject({ result: { type: "success", returnValue: 2 } });
    expect(await eventsOf(again, "killed")).toEqual(["attempt", "attempt", "success"]);
  });
});

describe("@convex-dev/workpool", () => {
  it("runs each piece once, three at a time and never more", async () => {
    const client = await start();
    const ids = await client.mutation(packages.enqueue!, { run: "pool", pieces: 8, waitMs: 60 });
    const statuses = () => client.query(packages.workStatus!, { ids });
    await eventually(async () =>
      (await statuses()).every(({ state }: { state: string }) => state === "finished"),
    );
    const events = await eventsOf(client, "pool");
    expect([...events].sort()).toEqual(
      Array.from({ length: 8 }, (_, i) => [`start ${i}`, `end ${i}`])
        .flat()
        .sort(),
    );
    expect(mostAtOnce(events)).toBe(3);
  });

  it("finishes every piece after a kill -9, and starts none again that was finished", async () => {
    const { dataDir, backend, client } = await startToKill();
    const ids: string[] = await client.mutation(packages.enqueue!, { run: "pool", pieces: 7, waitMs: 250 });
    const finishedOf = async (asked: ConvexHttpClient): Promise<number[]> => {
      const statuses: Array<{ state: string }> = await asked.query(packages.workStatus!, { ids });
      return statuses.flatMap(({ state }, piece) => (state === "finished" ? [piece] : []));
    };
    await eventually(async () => (await finishedOf(client)).length > 0);
    const before = await finishedOf(client);
    await backend.end("SIGKILL");
    const again = await start(aheadBy(15 * 60_000), dataDir);
    await eventually(async () => (await finishedOf(again)).length === 7);
    const events = await eventsOf(again, "pool");
    for (let piece = 0; piece < 7; piece++) expect(events).toContain(`end ${piece}`);
    for (const piece of before) expect(events.filter((event) => event === `start ${piece}`)).toHaveLength(1);
    await Promise.all(running.splice(0).map((last) => last.close()));
    const store = await openLevelStore(join(dataDir, "store"));
    expect(await findIndexFaults(store)).toEqual([]);
    await store.close();
  });
});
