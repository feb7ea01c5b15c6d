import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { ConvexError } from "convex/values";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { socketClient, until } from "../backend/clients";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const ADMIN_KEY = "test-admin-key";
const data = temporaryData();
let backend: SpawnedBackend;
let signingKey: CryptoKey;
const clients: ConvexClient[] = [];

async function token(claims: Record<string, unknown> = {}, expires: string | number = "1h"): Promise<string> {
  return new SignJWT({ name: "Ada", ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "k1" })
    .setIssuer("https://issuer.test")
    .setAudience("assay-test")
    .setSubject("ada")
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(signingKey);
}

function http(): ConvexHttpClient {
  return new ConvexHttpClient(backend.url, { logger: false });
}

function live(): ConvexClient {
  const client = socketClient(backend.url);
  clients.push(client);
  return client;
}

beforeAll(async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  signingKey = pair.privateKey as CryptoKey;
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "ES256", use: "sig" };
  const jwks = `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [jwk] }))}`;
  const envFile = join(data.dataDir, "env.json");
  writeFileSync(envFile, JSON.stringify({ GREETING: "hello", TEST_JWKS: jwks }));
  backend = await spawnBackend({ dataDir: join(data.dataDir, "data"), adminKey: ADMIN_KEY, envFile });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(async () => {
  await backend?.end("SIGTERM");
  data.remove();
});

describe("the stock HTTP client", () => {
  it("runs queries, mutations and actions across both runtimes", async () => {
    const client = http();
    const id = await client.mutation(api.messages!.send!, { channel: "h", body: "one", rank: 1 });
    expect(await client.query(api.messages!.get!, { id })).toMatchObject({
      body: "one",
      channel: "h",
      rank: 1,
    });
    const composed = await client.action(api.actions!.compose!, { body: "x" });
    expect(composed.host.greeting).toBe("hello");
    expect(composed.host.path).toBeNull();
  });

  it("gives ConvexError data to the caller and leaves no write behind", async () => {
    const client = http();
    const failure = await client.mutation(api.messages!.refuse!, { reason: "limit" }).catch((error) => error);
    expect(failure).toBeInstanceOf(ConvexError);
    expect(failure.data).toEqual({ reason: "limit", at: 1n });
    expect(await client.query(api.messages!.list!, { channel: "refused" })).toEqual([]);
  });

  it("refuses arguments, results and documents that do not fit their validators", async () => {
    const client = http();
    await expect(client.mutation(api.messages!.send!, { channel: 1 })).rejects.toThrow(
      /ArgumentValidationError/,
    );
    await expect(client.mutation(api.messages!.send!, { channel: "a" })).rejects.toThrow(
      /missing the required field `body`/,
    );
    await expect(client.query(api.messages!.wrongReturn!, {})).rejects.toThrow(/ReturnsValidationError/);
    await expect(client.mutation(api.messages!.sendInvalid!, {})).rejects.toThrow(
      /does not match the schema[\s\S]*\.body/,
    );
    await expect(client.query(api.messages!.get!, { id: "nonsense" })).rejects.toThrow(
      /ArgumentValidationError/,
    );
  });

  it("does not reach internal functions, except as administrator", async () => {
    await expect(http().mutation(api.messages!.hidden!, { body: "x" })).rejects.toThrow(
      /Could not find public function/,
    );
    const body = JSON.stringify({ path: "messages:hidden", args: { body: "admin" } });
    const call = (key: string) =>
      fetch(`${backend.url}/api/function`, {
        method: "POST",
        body,
        headers: { Authorization: `Convex ${key}` },
      });
    expect((await (await call(ADMIN_KEY)).json()).status).toBe("success");
    expect((await call("wrong")).status).toBe(401);
  });

  it("rolls back a nested mutation that failed and keeps the rest", async () => {
    expect(await http().mutation(api.messages!.nested!, {})).toMatchObject({ caught: "nested failure" });
    const bodies = (await http().query(api.messages!.list!, { channel: "hidden" })).map(
      (row: { body: string }) => row.body,
    );
    expect(bodies).toContain("kept");
    expect(bodies).not.toContain("rolled back");
  });

  it("answers clean JSON to callers who do not ask for the encoded form", async () => {
    const response = await fetch(`${backend.url}/api/query`, {
      method: "POST",
      body: JSON.stringify({ path: "messages:logs", args: {} }),
    });
    const answer = await response.json();
    expect(answer).toMatchObject({ status: "success", value: null });
    expect(answer.logLines).toEqual(["[LOG] 'text' 1 { a: [ 1, 2 ] }", "[WARN] 'careful'"]);
  });

  it("keeps queries deterministic: frozen clock, no fetch, nothing of the host", async () => {
    const seen = await http().query(api.messages!.determinism!, {});
    expect(seen).toMatchObject({ frozen: true, buffer: "undefined", year: 1970 });
    expect(seen.refused).toMatch(/Can't use fetch\(\) in queries and mutations/);
    expect(await http().query(api.actions!.environment!, {})).toEqual({
      greeting: "hello",
      path: null,
      site: backend.siteUrl,
    });
  });
});

describe("the stock subscription client", () => {
  it("sees a mutation's effect through its subscription, and the mutation's result after it", async () => {
    const client = live();
    const updated = until<unknown[]>(
      client,
      api.messages!.list as never,
      { channel: "live" },
      (rows) => rows.length === 2,
    );
    await client.mutation(api.messages!.send!, { channel: "live", body: "1" });
    await http().mutation(api.messages!.send!, { channel: "live", body: "2" });
    expect(await updated).toHaveLength(2);
  });

  it("reports a failing query and a failing mutation as errors with their data", async () => {
    const client = live();
    await expect(client.query(api.messages!.crash!, {})).rejects.toThrow(/boom/);
    const failure = await client.mutation(api.messages!.refuse!, { reason: "ws" }).catch((error) => error);
    expect(failure.data).toEqual({ reason: "ws", at: 1n });
    expect(await client.action(api.actions!.scheduleLater!, { name: "fromAction" })).toBeTypeOf("string");
  });

  it("carries a result of more than five million characters in chunks", async () => {
    const client = live();
    const bytes = new Uint8Array(700_000).fill(7).buffer;
    for (let start = 0; start < 6; start++) {
      await client.mutation(api.blobs!.put!, { series: "large", chunks: [{ start, bytes }] });
    }
    expect(await client.query(api.blobs!.raw!, { series: "large" })).toHaveLength(6);
  });

  it("identifies a signed-in user, and pushes the change to running queries", async () => {
    const client = live();
    const identified = until<{ subject: string } | null>(
      client,
      api.actions!.whoami as never,
      {},
      (who) => who !== null,
    );
    client.setAuth(async () => token({ email: "ada@example.test" }));
    expect(await identified).toMatchObject({
      subject: "ada",
      issuer: "https://issuer.test",
      tokenIdentifier: "https://issuer.test|ada",
      name: "Ada",
      email: "ada@example.test",
    });
  });

  it("refuses forged, expired and foreign tokens", async () => {
    const ask = async (bearer: string) => {
      const response = await fetch(`${backend.url}/api/query`, {
        method: "POST",
        body: JSON.stringify({ path: "actions:whoami", args: {} }),
        headers: { Authorization: `Bearer ${bearer}` },
      });
      return response.status;
    };
    const good = await token();
    const [head, body] = good.split(".");
    expect(await ask(good)).toBe(200);
    expect(await ask(`${head}.${body}.${"A".repeat(86)}`)).toBe(401);
    expect(await ask(await token({}, Math.floor(Date.now() / 1000) - 60))).toBe(401);
    const foreign = new SignJWT({})
      .setProtectedHeader({ alg: "ES256", kid: "k1" })
      .setIssuer("https://issuer.test");
    expect(
      await ask(await foreign.setAudience("other").setSubject("x").setExpirationTime("1h").sign(signingKey)),
    ).toBe(401);
  });

  it("loses and doubles no mutation while its connection is cut again and again", async () => {
    const sockets: WebSocket[] = [];
    class Cut extends WebSocket {
      constructor(address: string | URL) {
        super(address);
        sockets.push(this);
      }
    }
    const client = socketClient(backend.url, Cut);
    clients.push(client);
    const cutter = setInterval(() => sockets.at(-1)?.terminate(), 40);
    const calls = Array.from({ length: 120 }, () =>
      client.mutation(api.counters!.increment!, { name: "cut" }),
    );
    setTimeout(() => clearInterval(cutter), 1200);
    await Promise.all(calls);
    expect(await http().query(api.counters!.read!, { name: "cut" })).toBe(120);
    expect(sockets.length).toBeGreaterThan(1);
  });
});
