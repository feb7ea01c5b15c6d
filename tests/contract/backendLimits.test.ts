/** Limits that no call of one function shows: large scheduled arguments, deployment variables, names of tables. */
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, describe, expect, it } from "vitest";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import { systemPorts } from "../../local/backend/ports";
import { type RunningBackend, type StartOptions, startBackend } from "../../local/backend/startBackend";
import { functionsFolder } from "../backend/functionsFolder";
import { temporaryData } from "../backend/spawnBackend";

const HOUR_MS = 3_600_000;
const api = anyApi.jobs!;
const data = temporaryData();
const running: RunningBackend[] = [];

afterAll(async () => {
  for (const backend of running) await backend.close();
  data.remove();
});

const JOBS = `
import { anyApi, internalMutationGeneric as internalMutation, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
const nest = (levels) => (levels === 0 ? 1 : [nest(levels - 1)]);
export const schedule = mutation({ handler: async (ctx, { count, bytes, delayMs, levels }) => {
  const payload = "x".repeat(bytes);
  for (let i = 0; i < count; i++)
    await ctx.scheduler.runAfter(delayMs, anyApi.jobs.take, { payload, nested: nest(levels ?? 0) });
} });
export const take = internalMutation({ handler: (ctx, { payload, nested }) => {
  let levels = 0;
  for (let value = nested; Array.isArray(value); value = value[0]) levels++;
  return ctx.db.insert("taken", { bytes: payload.length, levels });
} });
export const taken = query({ handler: (ctx) => ctx.db.query("taken").collect() });
export const jobs = query({ handler: async (ctx, { limit }) => {
  const jobs = await ctx.db.system.query("_scheduled_functions").take(limit);
  return jobs.map((job) => [job.args[0].payload.length, job.state.kind]);
} });
`;

async function start(name: string, files: Record<string, string>, options: Partial<StartOptions> = {}) {
  const functionsDir = functionsFolder(files);
  const backend = await startBackend({ functionsDir, dataDir: join(data.dataDir, name), ...options });
  running.push(backend);
  return { backend, client: new ConvexHttpClient(backend.url, { logger: false }) };
}

async function stop({ backend }: { backend: RunningBackend }): Promise<void> {
  running.splice(running.indexOf(backend), 1);
  await backend.close();
}

describe("arguments of scheduled functions", () => {
  it("may have 4 MiB each and 16 MiB in one mutation, more wait than one read takes, and all run after a restart", async () => {
    const first = await start("jobs", { "jobs.ts": JOBS });
    // They wait in the store until a later day's start.
    for (let i = 0; i < 2; i++)
      await first.client.mutation(api.schedule!, {
        count: 3,
        bytes: 4_190_000,
        delayMs: HOUR_MS,
        levels: 60,
      });
    expect(await first.client.query(api.jobs!, { limit: 1 })).toEqual([[4_190_000, "pending"]]);
    await stop(first);
    const ports = { ...systemPorts, now: () => Date.now() + 24 * HOUR_MS };
    const second = await start("jobs", { "jobs.ts": JOBS }, { ports });
    await expect
      .poll(async () => (await second.client.query(api.taken!, {})).length, { timeout: 60_000 })
      .toBe(6);
    for (const row of await second.client.query(api.taken!, {}))
      expect(row).toMatchObject({ bytes: 4_190_000, levels: 60 });
    expect(await findIndexFaults(second.backend.backend.store)).toEqual([]);
  });

  it("are refused above that by size as Convex counts it, and nothing is scheduled", async () => {
    const { client } = await start("refused", { "jobs.ts": JOBS });
    const schedule = (count: number, bytes: number) =>
      client.mutation(api.schedule!, { count, bytes, delayMs: 60_000 });
    await expect(schedule(1, 4 * 1024 * 1024)).rejects.toThrow(
      /jobs:take are too large \(\d+ bytes, limit: 4194304 bytes\)/,
    );
    await expect(schedule(5, 3_500_000)).rejects.toThrow(
      "Too large total size of the arguments of scheduled functions from this mutation (limit: 16777216 bytes)",
    );
    expect(await client.query(api.jobs!, { limit: 10 })).toEqual([]);
  });
});

describe("deployment variables", () => {
  const files = { "jobs.ts": JOBS };
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`V${i}`, "x"]));

  it("are at most 1,000, with names of 40 characters and values of 8 KiB", async () => {
    const { backend } = await start("variables", files, { environment: many(999) });
    const { environment } = backend.backend;
    await environment.update({ ["N".repeat(40)]: "y".repeat(8192) });
    expect(Object.keys(environment.values)).toHaveLength(1000 + 2);
    await expect(environment.update({ ONE_MORE: "x" })).rejects.toThrow(
      "The environment variable limit (1000) has been met.",
    );
    await expect(environment.update({ ["N".repeat(41)]: "x" })).rejects.toThrow("must be 1 to 40 letters");
    await expect(environment.update({ V0: "y".repeat(8193) })).rejects.toThrow(
      "V0 is larger than 8192 bytes",
    );
    expect(environment.values.V0).toBe("x");
  });

  it("that break a limit keep a backend from starting, in one sentence", async () => {
    await expect(start("too-many", files, { environment: many(1001) })).rejects.toMatchObject({
      name: "OperatorError",
      message: expect.stringContaining("The environment variable limit (1000) has been met."),
    });
  });
});

describe("a schema with a table name that Convex refuses", () => {
  it("keeps a backend from starting, in one sentence", async () => {
    for (const name of ["_own", "x".repeat(65), "with-dash"]) {
      const schema = `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({ "${name}": defineTable({ a: v.string() }) });
`;
      await expect(start("names", { "schema.ts": schema, "jobs.ts": JOBS })).rejects.toMatchObject({
        name: "OperatorError",
        message: expect.stringContaining(`Invalid table name: "${name}"`),
      });
    }
  });
});
