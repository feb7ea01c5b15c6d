import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConvexCli, untilOutput } from "../backend/convexCli";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const ADMIN_KEY = "key-of-the-admin-tests";
const data = temporaryData();
let backend: SpawnedBackend;
let client: ConvexHttpClient;
let cli: ConvexCli;

beforeAll(async () => {
  backend = await spawnBackend({ dataDir: data.dataDir, adminKey: ADMIN_KEY });
  client = new ConvexHttpClient(backend.url, { logger: false });
  cli = new ConvexCli(backend, ADMIN_KEY);
});

afterAll(async () => {
  await backend.end("SIGTERM");
  cli.remove();
  data.remove();
});

describe("npx convex run", () => {
  it("runs public and internal functions, prints results and names the functions there are", async () => {
    const id = JSON.parse(await cli.ok("run", "messages:send", '{"channel":"cli","body":"hello"}')) as string;
    expect(JSON.parse(await cli.ok("run", "messages:get", JSON.stringify({ id })))).toMatchObject({
      body: "hello",
    });
    await cli.ok("run", "messages:hidden", '{"body":"internal"}');
    const wrong = await cli.run(["run", "messages:missing"]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/Available functions:[\s\S]*messages:send/);
    expect(wrong.stderr).not.toMatch(/_system/);
  });

  it("acts as the identity it is given, and watches a query with --watch", async () => {
    const identity = '{"name":"Ann","subject":"a","issuer":"https://x"}';
    expect(JSON.parse(await cli.ok("run", "actions:whoami", "{}", "--identity", identity))).toMatchObject({
      name: "Ann",
      tokenIdentifier: "https://x|a",
    });
    const watching = cli.start("run", "counters:read", '{"name":"watched"}', "--watch");
    await untilOutput(watching, /^0$/m);
    const seen = untilOutput(watching, /^1$/m);
    await client.mutation(api.counters!.increment!, { name: "watched" });
    await seen;
    watching.kill("SIGKILL");
  });

  it("refuses at once, with the next step, what would push code", async () => {
    const refusals = [
      cli.run(["run", "messages:list", "{}", "--push"]),
      cli.run(["deploy", "-y"]),
      cli.run(["run", "--inline-query", "1 + 1"]),
    ];
    const [push, deploy, inline] = await Promise.all(refusals);
    for (const { code, stderr } of [push!, deploy!]) {
      expect(code).toBe(1);
      expect(stderr).toMatch(/change the folder and start the backend again/);
    }
    expect(inline!.stderr).toMatch(/does not run inline queries/);
  });

  it("refuses a wrong admin key", async () => {
    const stranger = new ConvexCli(backend, "wrong");
    const { code, stderr } = await stranger.run(["run", "counters:read", '{"name":"x"}']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/admin key does not match/)]);
  });
});

describe("npx convex data and function-spec", () => {
  it("lists tables, and documents in order, more than one page of them", async () => {
    expect((await cli.ok("data")).trim().split("\n")).toEqual(
      expect.arrayContaining(["blobs", "counters", "messages", "stamps", "users", "values"]),
    );
    for (const channel of ["many-1", "many-2"])
      await client.mutation(api.counters!.fill!, { channel, rows: 2500 });
    const all = await cli.ok("data", "messages", "--limit", "10000", "--format", "jsonl", "--order", "asc");
    const ranks = [...all.matchAll(/"channel": "many-2", "rank": (\d+)/g)].map((match) => Number(match[1]));
    expect(ranks).toEqual(Array.from({ length: 2500 }, (_, rank) => rank));
    const last = await cli.run(["data", "messages", "--limit", "1"]);
    expect(last.stdout).toMatch(/row 2499/);
    expect(last.stderr).toMatch(/most recently created/);
  });

  it("describes every function and route with its validators", async () => {
    const spec = JSON.parse(await cli.ok("function-spec")) as {
      url: string;
      functions: Array<Record<string, unknown>>;
    };
    expect(spec.url).toBe(backend.url);
    expect(spec.functions).toContainEqual({
      identifier: "messages.js:remove",
      functionType: "Mutation",
      visibility: { kind: "public" },
      args: {
        type: "object",
        value: { id: { fieldType: { type: "id", tableName: "messages" }, optional: false } },
      },
      returns: { type: "any" },
    });
    expect(spec.functions.some(({ functionType }) => functionType === "HttpAction")).toBe(true);
    expect(spec.functions.some(({ identifier }) => String(identifier).startsWith("_system"))).toBe(false);
  });
});

describe("npx convex env", () => {
  it("sets, reads, lists and removes variables that running functions see at once", async () => {
    const greeting = async () => (await client.query(api.actions!.environment!, {})).greeting;
    await cli.ok("env", "set", "GREETING", "two words");
    expect(await greeting()).toBe("two words");
    expect((await cli.ok("env", "get", "GREETING")).trim()).toBe("two words");
    await cli.run(["env", "set"], "FIRST=1\nSECOND=2\n");
    expect(await cli.ok("env", "list")).toMatch(/FIRST=1\n[\s\S]*SECOND=2/);
    expect((await client.action(api.actions!.compose!, { body: "x" })).host.greeting).toBe("two words");
    await cli.ok("env", "remove", "GREETING");
    expect(await greeting()).toBeNull();
  });

  it("refuses a name that the backend itself provides, and a value over the limit", async () => {
    const builtIn = await cli.run(["env", "set", "CONVEX_SITE_URL", "x"]);
    expect([builtIn.code, builtIn.stderr]).toEqual([1, expect.stringMatching(/CONVEX_SITE_URL is set by/)]);
    const long = await cli.run(["env", "set", "LONG", "x".repeat(8193)]);
    expect([long.code, long.stderr]).toEqual([1, expect.stringMatching(/LONG is larger than 8192 bytes/)]);
  });
});

describe("npx convex logs", () => {
  it("prints what happened before with --history and then what happens, failures included", async () => {
    await client.query(api.messages!.logs!, {});
    const logs = cli.start("logs", "--history", "100", "--success");
    const past = await untilOutput(logs, /messages:logs\)\] \[WARN\] 'careful'/);
    expect(past).toMatch(/\[CONVEX Q\(messages:logs\)\] \[LOG\] 'text' 1/);
    const live = untilOutput(logs, /M\(messages:refuse\)\][\s\S]*M\(messages:send\)\] Function executed/);
    await client.mutation(api.messages!.refuse!, { reason: "why" }).catch(() => undefined);
    await client.mutation(api.messages!.send!, { channel: "logs", body: "x" });
    expect(await live).toMatch(/M\(messages:refuse\)\] Uncaught ConvexError: .*why/);
    logs.kill("SIGKILL");
  });
});
