import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, relative } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, describe, expect, it } from "vitest";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import { openLevelStore } from "../../local/backend/store/levelStore";
import { functionsFolder } from "../backend/functionsFolder";
import { FIXTURE_FUNCTIONS, freePort, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const data = temporaryData();

afterAll(() => data.remove());

const items = `
import { mutationGeneric as mutation, queryGeneric as query } from "convex/server";
export const add = mutation({ handler: (ctx, args) => ctx.db.insert("items", args) });
export const byColour = query({ handler: (ctx, { colour }) =>
  ctx.db.query("items").withIndex("by_colour", (q) => q.eq("colour", colour)).collect() });
`;
const schema = (table: string) => `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({ items: ${table} });
`;

describe("a backend that cannot start", () => {
  it("says which port is busy", async () => {
    const port = await freePort();
    const other = createServer().listen(port, "127.0.0.1");
    const refusal = spawnBackend({ dataDir: join(data.dataDir, "busy"), port });
    await expect(refusal).rejects.toThrow(new RegExp(`exit code 1: Port ${port} on 127.0.0.1 is in use`));
    other.close();
  });

  it("says that a second process holds the data folder", async () => {
    const dataDir = join(data.dataDir, "locked");
    const first = await spawnBackend({ dataDir });
    await expect(spawnBackend({ dataDir })).rejects.toThrow(
      /exit code 1: The data folder .*locked.* is in use by another backend/,
    );
    expect(await first.end("SIGTERM")).toBe(0);
  });

  it("says that the data folder cannot be written", async () => {
    const file = join(data.dataDir, "file");
    writeFileSync(file, "");
    await expect(spawnBackend({ dataDir: join(file, "data") })).rejects.toThrow(
      /exit code 1: .*not writable/,
    );
  });

  it("says that the data folder is of another format", async () => {
    const dataDir = join(data.dataDir, "format");
    const store = await openLevelStore(join(dataDir, "store"));
    await store.write([["m/format", "3"]], { durable: true });
    await store.close();
    await expect(spawnBackend({ dataDir })).rejects.toThrow(
      /exit code 1: .*has format 3, and this backend reads format 2/,
    );
  });

  it("names file and line of a default-runtime module that imports a Node built-in", async () => {
    const functionsDir = functionsFolder({
      "bad.ts": `\nimport { readFileSync } from "node:fs";\nexport const x = readFileSync;\n`,
    });
    const refusal = spawnBackend({ dataDir: join(data.dataDir, "bad"), functionsDir });
    await expect(refusal).rejects.toThrow(
      /exit code 1: .*\n?convex\/bad\.ts:2:\d+: Could not resolve "node:fs"/,
    );
  });

  it("names every file on the way from a function module to a Node built-in", async () => {
    const functionsDir = functionsFolder({
      "tasks.ts": `import { read } from "./helpers/read";\nexport const x = read;\n`,
      "helpers/read.ts": `import { load } from "./load";\nexport const read = load;\n`,
      "helpers/load.ts": `import { readFileSync } from "node:fs";\nexport const load = readFileSync;\n`,
      "helpers.ts": `export * from "./helpers/load";\n`,
    });
    await expect(spawnBackend({ dataDir: join(data.dataDir, "chain"), functionsDir })).rejects.toThrow(
      /Import chain: (convex\/\S+ -> )+convex\/helpers\/load\.ts -> node:fs/,
    );
  });

  it("names the missing functions folder, and a module that fails to load", async () => {
    const missing = join(data.dataDir, "nowhere");
    await expect(spawnBackend({ dataDir: join(data.dataDir, "m"), functionsDir: missing })).rejects.toThrow(
      /does not exist/,
    );
    const functionsDir = functionsFolder({
      "broken.ts": `export const x = 1;\nthrow new Error("at load");\n`,
    });
    await expect(spawnBackend({ dataDir: join(data.dataDir, "l"), functionsDir })).rejects.toThrow(
      /module broken .*at load/,
    );
  });

  it("names the field of auth.config that a variable left empty", async () => {
    const functionsDir = functionsFolder({
      "auth.config.ts": `export default { providers: [{ domain: process.env.ISSUER_DOMAIN, applicationID: "convex" }] };\n`,
    });
    await expect(spawnBackend({ dataDir: join(data.dataDir, "auth"), functionsDir })).rejects.toThrow(
      /exit code 1: auth.config: an OIDC provider needs domain, applicationID, and domain is empty\. .*--env-file/,
    );
  });

  it("stands in for a _generated folder that is not there, in both runtimes", async () => {
    const functionsDir = functionsFolder({
      "sums.ts": `import { action, query } from "./_generated/server";
import { api, internal } from "./_generated/api.js";
export const one = query({ args: {}, handler: () => 1 });
export const sum = action({ args: {}, handler: async (ctx) =>
  (await ctx.runQuery(api.sums.one)) + (await ctx.runAction(internal.deep.host.two)) });
`,
      "deep/host.ts": `"use node";
import { sep } from "node:path";
import { internalAction } from "../_generated/server";
export const two = internalAction({ args: {}, handler: () => sep.length + 1 });
`,
    });
    const backend = await spawnBackend({ dataDir: join(data.dataDir, "bare"), functionsDir });
    expect(await new ConvexHttpClient(backend.url).action(api.sums!.sum!, {})).toBe(3);
    await backend.end("SIGTERM");
  });

  it('refuses a query in a "use node" module', async () => {
    const functionsDir = functionsFolder({
      "host.ts": `"use node";\nimport { queryGeneric } from "convex/server";\nexport const q = queryGeneric({ handler: () => 1 });\n`,
    });
    const refusal = spawnBackend({ dataDir: join(data.dataDir, "n"), functionsDir });
    await expect(refusal).rejects.toThrow(
      /host:q is a query, but a "use node" module may export only actions/,
    );
  });
});

describe("a schema that changes between starts", () => {
  it("fills new indexes, drops old ones, and names table, id and field of a document that no longer fits", async () => {
    const dataDir = join(data.dataDir, "schema");
    const plain = functionsFolder({ "items.ts": items, "schema.ts": schema("defineTable(v.any())") });
    const first = await spawnBackend({ dataDir, functionsDir: plain });
    const firstClient = new ConvexHttpClient(first.url, { logger: false });
    for (let i = 0; i < 30; i++)
      await firstClient.mutation(api.items!.add!, { colour: i % 3 ? "red" : "blue", n: i });
    const odd = await firstClient.mutation(api.items!.add!, { colour: 5, n: 99 });
    await expect(firstClient.query(api.items!.byColour!, { colour: "red" })).rejects.toThrow(
      /Index items.by_colour not found/,
    );
    await first.end("SIGTERM");

    const indexed = functionsFolder({
      "items.ts": items,
      "schema.ts": schema(`defineTable(v.any()).index("by_colour", ["colour"])`),
    });
    const second = await spawnBackend({ dataDir, functionsDir: indexed });
    const secondClient = new ConvexHttpClient(second.url, { logger: false });
    expect(await secondClient.query(api.items!.byColour!, { colour: "red" })).toHaveLength(20);
    await secondClient.mutation(api.items!.add!, { colour: "red", n: 100 });
    expect(await secondClient.query(api.items!.byColour!, { colour: "red" })).toHaveLength(21);
    await second.end("SIGTERM");

    const strict = functionsFolder({
      "items.ts": items,
      "schema.ts": schema("defineTable({ colour: v.string(), n: v.number() })"),
    });
    const refusal = spawnBackend({ dataDir, functionsDir: strict });
    await expect(refusal).rejects.toThrow(
      new RegExp(`ID "${odd}" in table "items" does not match the schema at field "colour"`),
    );

    const third = await spawnBackend({ dataDir, functionsDir: indexed });
    expect(await third.end("SIGINT")).toBe(0);
    const store = await openLevelStore(join(dataDir, "store"));
    expect(await findIndexFaults(store)).toEqual([]);
    await store.close();
  });
});

describe("folders given relative to the working directory", () => {
  it("are found from there, for both runtimes", async () => {
    const from = (path: string) => relative(process.cwd(), path);
    const dataDir = from(join(data.dataDir, "relative"));
    const backend = await spawnBackend({ dataDir, functionsDir: from(FIXTURE_FUNCTIONS) });
    const client = new ConvexHttpClient(backend.url, { logger: false });
    expect(await client.action(api.actions!.compose!, { body: "x" })).toMatchObject({ count: 1 });
    await backend.end("SIGTERM");
  });
});

describe("deployment variables", () => {
  it("given at one start are there at the next, and the next start's file wins", async () => {
    const dataDir = join(data.dataDir, "env");
    const ask = async (envFile?: string) => {
      const backend = await spawnBackend({ dataDir, ...(envFile ? { envFile } : {}) });
      const client = new ConvexHttpClient(backend.url, { logger: false });
      const { greeting } = await client.query(api.actions!.environment!, {});
      await backend.end("SIGTERM");
      return greeting;
    };
    const file = (greeting: string) => {
      const path = join(data.dataDir, `${greeting}.json`);
      writeFileSync(path, JSON.stringify({ GREETING: greeting }));
      return path;
    };
    expect([await ask(file("first")), await ask(), await ask(file("second")), await ask()]).toEqual([
      "first",
      "first",
      "second",
      "second",
    ]);
  });
});
