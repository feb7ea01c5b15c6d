import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, describe, expect, it } from "vitest";
import { spawnBackend, temporaryData } from "../backend/spawnBackend";

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
