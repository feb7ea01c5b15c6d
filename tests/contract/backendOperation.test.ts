import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, describe, expect, it } from "vitest";
import { systemPorts } from "../../local/backend/ports";
import { startBackend } from "../../local/backend/startBackend";
import { RawSession } from "../backend/rawSession";
import { FIXTURE_FUNCTIONS, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const data = temporaryData();

afterAll(() => data.remove());

async function metricsOf(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  for (const line of text.trim().split("\n")) {
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [-\d.e+]+)$/);
  }
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

describe("a running backend", () => {
  it("tells its version and health, and counts what it does in Prometheus' format", async () => {
    const backend = await startBackend({
      functionsDir: FIXTURE_FUNCTIONS,
      dataDir: join(data.dataDir, "metrics"),
    });
    try {
      expect(await (await fetch(`${backend.url}/instance_name`)).text()).toBe("embedded");
      expect(await (await fetch(`${backend.url}/version`)).text()).toMatch(/^assay-embedded-/);
      expect(await (await fetch(`${backend.url}/health/live`)).text()).toBe("ok");
      const health = await (await fetch(`${backend.url}/health/ready`)).json();
      expect(health).toMatchObject({ commitQueue: 0, diskFreeBytes: expect.any(Number) });
      expect(["ok", "degraded"]).toContain(health.status);

      const session = await RawSession.open(backend.url);
      const query = { type: "Add", queryId: 0, udfPath: "counters:read", args: [{ name: "m" }] };
      session.send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [query] });
      await session.next("Transition");
      const before = await metricsOf(backend.url);
      const client = new ConvexHttpClient(backend.url, { logger: false });
      for (let i = 0; i < 5; i++) await client.mutation(api.counters!.increment!, { name: "m" });
      await expect(client.query(api.messages!.crash!, {})).rejects.toThrow(/boom/);
      await session.next("Transition");
      const after = await metricsOf(backend.url);
      const grown = (name: string) => after.get(name)! - (before.get(name) ?? 0);
      expect(grown("backend_mutations_total")).toBeGreaterThanOrEqual(5);
      expect(grown("backend_query_invalidations_total")).toBeGreaterThanOrEqual(1);
      expect(after.get('backend_function_seconds_count{kind="query",outcome="failed"}')).toBe(1);
      expect([after.get("backend_sessions"), after.get("backend_subscriptions")]).toEqual([1, 1]);
      expect(after.get("backend_store_bytes")).toBeGreaterThan(0);
      expect(after.get('backend_fsync_seconds_bucket{le="+Inf"}')).toBe(
        after.get("backend_fsync_seconds_count"),
      );
      session.close();
    } finally {
      await backend.close();
    }
  });

  it("lets go of a client that does not read, with everything held for it, while others are served at once", async () => {
    const backend = await startBackend({
      functionsDir: FIXTURE_FUNCTIONS,
      dataDir: join(data.dataDir, "slow"),
      // Durations pass forty times as fast, so that ten seconds without reading are a quarter of one.
      ports: { ...systemPorts, elapsedMs: () => performance.now() * 40 },
    });
    try {
      const watch = async () => {
        const session = await RawSession.open(backend.url);
        const query = {
          type: "Add",
          queryId: 0,
          udfPath: "messages:list",
          args: [{ channel: "big", limit: 1 }],
        };
        session.send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [query] });
        await session.next("Transition");
        return session;
      };
      const [slow, quick] = [await watch(), await watch()];
      slow.stopReading();
      const client = new ConvexHttpClient(backend.url, { logger: false });
      const { droppedClients } = backend.backend;
      let transitions = 0;
      for (; backend.backend.droppedClients === droppedClients && transitions < 200; transitions++) {
        await client.mutation(api.messages!.send!, { channel: "big", body: "x".repeat(900_000) });
        // Every transition reaches the client that reads, whatever the other one does.
        await quick.next("Transition");
        const unread = [...backend.backend.sessions].map((session) => session.unreadBytes);
        // One transition may begin just below the bound of 8 MiB.
        for (const bytes of unread) expect(bytes).toBeLessThan((8 << 20) + 1_000_000);
        if (transitions >= 20) await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(backend.backend.droppedClients).toBe(droppedClients + 1);
      expect(backend.backend.sessions.size).toBe(1);
      slow.resumeReading();
      expect(await slow.closed).toMatchObject({ code: 1013, reason: expect.stringMatching(/^SlowClient/) });
      quick.close();
    } finally {
      await backend.close();
    }
  });
});

describe("shutdown", () => {
  it("answers what is under way, tells its sync clients why, and ends with code 0", async () => {
    const backend = await spawnBackend({ dataDir: join(data.dataDir, "orderly") });
    const client = new ConvexHttpClient(backend.url, { logger: false });
    const session = await RawSession.open(backend.url);
    await client.mutation(api.counters!.increment!, { name: "x" });
    const waiting = client.action(api.actions!.wait!, { ms: 600 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const ended = backend.end("SIGTERM");
    expect(await session.closed).toMatchObject({ code: 1001, reason: expect.stringMatching(/^Shutdown/) });
    expect(await waiting).toBe("waited");
    expect(await ended).toBe(0);
  });

  it("is forced by a second signal", async () => {
    const backend = await spawnBackend({ dataDir: join(data.dataDir, "forced") });
    const client = new ConvexHttpClient(backend.url, { logger: false });
    client.mutation(api.messages!.stuck!, {}).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    backend.process.kill("SIGTERM");
    await expect.poll(() => backend.stderr(), { timeout: 5_000 }).toMatch(/backend.stopping/);
    expect(await backend.end("SIGTERM")).toBe(1);
    expect(backend.stderr()).toMatch(/Stopped at once by a second signal/);
  });
});
