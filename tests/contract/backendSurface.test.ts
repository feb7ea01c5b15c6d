import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi.surface!;
const data = temporaryData();
const dataDir = join(data.dataDir, "main");
const ADMIN_KEY = "surface-admin";
let backend: SpawnedBackend;
let client: ConvexHttpClient;

beforeAll(async () => {
  backend = await spawnBackend({ dataDir, adminKey: ADMIN_KEY });
  client = new ConvexHttpClient(backend.url, { logger: false });
});

afterAll(async () => {
  await backend?.end("SIGTERM");
  data.remove();
});

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${backend.url}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

describe("tokens that a mutation signs", () => {
  it("verify against the published keys, before and after a restart, and carry issuer and lifetime", async () => {
    const claims = { sub: "agent-1", desk: { id: 7 } };
    const token: string = await client.mutation(api.sign!, { claims, expiresInSeconds: 60 });
    const keys = createRemoteJWKSet(new URL(`${backend.url}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(token, keys, { issuer: backend.url, algorithms: ["ES256"] });
    expect(payload).toMatchObject(claims);
    expect(payload.exp! - payload.iat!).toBe(60);
    await backend.end("SIGKILL");
    backend = await spawnBackend({ dataDir, adminKey: ADMIN_KEY });
    client = new ConvexHttpClient(backend.url, { logger: false });
    const published = (await (await fetch(`${backend.url}/.well-known/jwks.json`)).json()) as never;
    expect((await jwtVerify(token, createLocalJWKSet(published))).payload.sub).toBe("agent-1");
    expect(JSON.stringify(published)).not.toContain('"d"');
  });

  it("are refused with a reserved claim, or a lifetime outside one second to one hour", async () => {
    for (const claim of ["iss", "iat", "exp", "nbf", "convexRole", "CVXid"])
      await expect(
        client.mutation(api.sign!, { claims: { [claim]: 1 }, expiresInSeconds: 60 }),
      ).rejects.toThrow(`the claim "${claim}" is reserved`);
    for (const expiresInSeconds of [0, 3601, -1])
      await expect(client.mutation(api.sign!, { expiresInSeconds })).rejects.toThrow(
        "`expiresInSeconds` must be between 1 and 3600",
      );
  });
});

describe("what a call knows of itself", () => {
  it("is its request: address, agent and id, the same in the calls it makes, and nothing in a query", async () => {
    const response = await post(
      "/api/mutation",
      { path: "surface:requestOfMutation", args: {} },
      { "User-Agent": "desk/1" },
    );
    const { value } = (await response.json()) as { value: Record<string, unknown> };
    expect(value).toMatchObject({ userAgent: "desk/1", scheduledFunctionId: null, authToken: null });
    expect(value.ip).toMatch(/127\.0\.0\.1$/);
    const [outer, inner] = await client.action(api.requestTree!, {});
    expect(inner).toEqual(outer);
    await expect(client.query(api.requestOfQuery!, {})).rejects.toThrow("not available in queries");
  });

  it("is the job that it descends from", async () => {
    const id: string = await client.mutation(api.scheduleTree!, {});
    await expect.poll(() => client.query(api.names!, {}), { timeout: 10_000 }).toContain(`job ${id}`);
  });

  it("is its function and deployment", async () => {
    expect(await client.query(api.describe!, {})).toEqual({
      function: { name: "surface:describe", componentPath: "", type: "query", visibility: "public" },
      deployment: { name: "embedded", region: null, class: "s16" },
    });
  });

  it("goes into an audit log with the variables filled in", async () => {
    await post("/api/mutation", { path: "surface:audited", args: {} }, { "User-Agent": "desk/2" });
    await expect
      .poll(() => backend.stderr(), { timeout: 5_000 })
      .toMatch(/function\.auditLog.*"surface\.audited".*\["desk\/2"\].*"at":\d+/);
  });
});

describe("timestamps and views", () => {
  it("put no commit after a view that includes it, however many mutations share a batch", async () => {
    const calls = Array.from({ length: 40 }, (_, i) =>
      client.mutation(i % 2 ? api.stamp! : api.stampsAndView!, {}, { skipQueue: true }),
    );
    const views = (await Promise.all(calls)).filter((value) => typeof value === "object");
    for (const { stamps, view } of views as Array<{ stamps: bigint[]; view: bigint }>)
      for (const stamp of stamps) expect(stamp <= view).toBe(true);
    const last = (await client.mutation(api.stampsAndView!, {})) as { stamps: bigint[]; view: bigint };
    expect(new Set(last.stamps).size).toBe(20);
  });

  it("show a nested query its mutation's writes, unless it asks for the stale snapshot", async () => {
    expect(await client.mutation(api.staleAndFresh!, {})).toEqual({ fresh: 1, stale: 0, isOlder: true });
  });

  it("stay readable for a client that asked for consistent queries", async () => {
    const read = (): Promise<number> =>
      client.consistentQuery(anyApi.counters!.read!, { name: "consistent" } as never) as never;
    expect(await read()).toBe(0);
    await client.mutation(anyApi.counters!.increment!, { name: "consistent" });
    expect(await read()).toBe(0);
    const fresh = new ConvexHttpClient(backend.url, { logger: false });
    expect(await fresh.consistentQuery(anyApi.counters!.read!, { name: "consistent" } as never)).toBe(1);
    const old = await post("/api/query_at_ts", { path: "counters:read", args: {}, ts: "AAAAAAAAAAA=" });
    expect(old.status).toBe(400);
    expect(await old.text()).toContain("/api/query_ts");
  });
});

describe("transactionLimits of a nested call", () => {
  it("stop it in Convex's words, leave nothing of it, and count towards the outer call", async () => {
    expect(await client.mutation(api.limited!, { limits: { documentsWritten: 2 } })).toEqual({
      refusals: [expect.stringContaining("Too many writes in a single function execution (limit: 2)")],
      kept: 0,
      written: 3,
    });
    expect(await client.mutation(api.limited!, { limits: { documentsWritten: 1e9, bytesRead: 0 } })).toEqual({
      refusals: [],
      kept: 3,
      written: 3,
    });
  });
});

describe("documents by table and id", () => {
  it("are read and written, and refused under another table's name", async () => {
    expect(await client.mutation(api.byTable!, { table: "users" })).toEqual([
      "first",
      "patched",
      "replaced",
      null,
    ]);
    await expect(client.mutation(api.byTable!, { table: "messages" })).rejects.toThrow(/'?users'?/);
  });

  it("are read by a function called through its handle", async () => {
    const { handle, rows } = await client.mutation(api.throughHandle!, {});
    expect(handle).toMatch(/^function:\/\//);
    expect(rows).toBeGreaterThan(0);
  });
});

describe("the HTTP API", () => {
  it("answers a batch of queries at one timestamp, in order, each in its own format", async () => {
    const queries = [
      { path: "counters:read", args: { name: "batch" } },
      { path: "surface:missing", args: {} },
      { path: "counters:read", args: [{ name: "batch" }], format: "convex_encoded_json" },
    ];
    const { results } = (await (await post("/api/query_batch", { queries })).json()) as {
      results: Array<{ status: string; value?: number }>;
    };
    expect(results.map(({ status }) => status)).toEqual(["success", "error", "success"]);
    expect(results[0]!.value).toBe(0);
    const refused = await post("/api/query_batch", { queries: "all" });
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("queries")]);
  });

  it("runs a function by its path in the address, and a query by GET", async () => {
    const increment = await post("/api/run/counters/increment", { args: { name: "run" } });
    expect(await increment.json()).toMatchObject({ status: "success", value: 1 });
    const query = new URLSearchParams({ path: "counters:read", args: '{"name":"run"}' });
    for (const format of ["json", "convex_encoded_json"]) {
      query.set("format", format);
      expect(await (await fetch(`${backend.url}/api/query?${query}`)).json()).toMatchObject({ value: 1 });
    }
    const internal = await post("/api/run/counters/incrementLater", { args: { name: "run" } });
    expect(await internal.json()).toMatchObject({ status: "error" });
    const admin = { Authorization: `Convex ${ADMIN_KEY}` };
    expect(
      await (await post("/api/run/counters/incrementLater", { args: { name: "run" } }, admin)).json(),
    ).toMatchObject({ status: "success", value: 2 });
  });
});

describe("HTTP actions", () => {
  it("answer HEAD as GET without a body", async () => {
    const response = await fetch(`${backend.siteUrl}/files/a`, { method: "HEAD" });
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
      200,
      "application/json",
      "",
    ]);
  });

  it("send a body as it is written, by an action that polls a query and leaves others their turn", async () => {
    const response = await fetch(`${backend.siteUrl}/stream`);
    const reader = response.body!.getReader();
    const text = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await text()).toBe("first ");
    await client.mutation(anyApi.counters!.increment!, { name: "stream" });
    expect(await text()).toBe("second");
    expect((await reader.read()).done).toBe(true);
  });

  it("send up to 20 MiB and not more", async () => {
    const large = await fetch(`${backend.siteUrl}/large?mib=20`);
    expect((await large.arrayBuffer()).byteLength).toBe(20 << 20);
    const tooLarge = fetch(`${backend.siteUrl}/large?mib=21`).then((response) => response.arrayBuffer());
    await expect(tooLarge).rejects.toThrow();
    expect((await fetch(`${backend.siteUrl}/files/a`)).status).toBe(200);
  });
});
