import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, describe, expect, it } from "vitest";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const data = temporaryData();

afterAll(() => data.remove());

describe("a function that never yields", () => {
  it("ends the process with its name, and the next start has everything that was acknowledged", async () => {
    const { dataDir } = data;
    const backend = await spawnBackend({ dataDir, args: ["--max-blocked-ms", "2000"] });
    const ended = new Promise<number | null>((resolve) => backend.process.once("close", resolve));
    const client = new ConvexHttpClient(backend.url, { logger: false });
    expect(await client.mutation(api.counters!.increment!, { name: "before" })).toBe(1);
    await expect(client.mutation(api.messages!.endless!, {})).rejects.toThrow();
    expect(await ended).toBe(1);
    expect(backend.stderr()).toMatch(/"event":"backend.blocked","path":"messages:endless"/);
    expect(backend.stderr()).toMatch(/blocked for 2 s by the function messages:endless, so it stops/);
    const again = await spawnBackend({ dataDir });
    const other = new ConvexHttpClient(again.url, { logger: false });
    expect(await other.query(api.counters!.read!, { name: "before" })).toBe(1);
    expect(await again.end("SIGTERM")).toBe(0);
  });
});

describe("a function that holds too much memory", () => {
  const limited = (name: string) =>
    spawnBackend({ dataDir: join(data.dataDir, name), args: ["--max-heap-mb", "300"] });

  async function expectEnd(backend: SpawnedBackend, call: (client: ConvexHttpClient) => Promise<unknown>) {
    const ended = new Promise<number | null>((resolve) => backend.process.once("close", resolve));
    const client = new ConvexHttpClient(backend.url, { logger: false });
    expect(await client.mutation(api.counters!.increment!, { name: "before" })).toBe(1);
    await expect(call(client)).rejects.toThrow();
    expect(await ended).toBe(1);
    expect(backend.stderr()).not.toMatch(/FATAL ERROR|JS stacktrace/);
    return backend.stderr();
  }

  it("without a pause ends the process with its name, and the next start has everything that was acknowledged", async () => {
    const stderr = await expectEnd(await limited("hoard"), (client) =>
      client.mutation(api.messages!.hoard!, {}),
    );
    expect(stderr).toMatch(/"event":"backend.outOfMemory","path":"messages:hoard"/);
    expect(stderr).toMatch(
      /over its limit of 300 MB while the function messages:hoard ran, so it stops; .*--max-heap-mb/,
    );
    const again = await limited("hoard");
    const other = new ConvexHttpClient(again.url, { logger: false });
    expect(await other.query(api.counters!.read!, { name: "before" })).toBe(1);
    expect(await again.end("SIGTERM")).toBe(0);
  });

  it("between database calls ends the process with its name; one that lets go of as much is left alone", async () => {
    const backend = await limited("collect");
    const client = new ConvexHttpClient(backend.url, { logger: false });
    expect(await client.action(api.actions!.collect!, { megabytes: 1500, hold: false })).toBe(0);
    const stderr = await expectEnd(backend, () =>
      client.action(api.actions!.collect!, { megabytes: 100_000, hold: true }),
    );
    expect(stderr).toMatch(/while the function actions:collect ran, so it stops/);
  });
});
