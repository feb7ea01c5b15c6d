import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import type { Value } from "convex/values";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linesOf, ZipReader } from "../../local/backend/archive/zipReader";
import { convexValue } from "../backend/arbitraries";
import { socketClient, until } from "../backend/clients";
import { ConvexCli } from "../backend/convexCli";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";
import { storedDocuments } from "../backend/storedDocuments";

const api = anyApi;
const ADMIN_KEY = "key-of-the-transfer-tests";
const data = temporaryData();
const dataDir = (name: string) => join(data.dataDir, name);
const file = (name: string, text?: string) => {
  const path = join(data.dataDir, name);
  if (text !== undefined) writeFileSync(path, text);
  return path;
};

interface Desk {
  backend: SpawnedBackend;
  client: ConvexHttpClient;
  cli: ConvexCli;
}

async function desk(name: string): Promise<Desk> {
  const backend = await spawnBackend({ dataDir: dataDir(name), adminKey: ADMIN_KEY });
  const client = new ConvexHttpClient(backend.url, { logger: false });
  return { backend, client, cli: new ConvexCli(backend, ADMIN_KEY) };
}

async function rowsIn(archive: string, entry: string): Promise<Array<Record<string, unknown>>> {
  const zip = await ZipReader.open(archive);
  const rows: Array<Record<string, unknown>> = [];
  for await (const line of linesOf(zip.read(zip.entries.find(({ name }) => name === entry)!)))
    rows.push(JSON.parse(line) as Record<string, unknown>);
  await zip.close();
  return rows;
}

let from: Desk;
let to: Desk;

beforeAll(async () => {
  mkdirSync(data.dataDir, { recursive: true });
  [from, to] = await Promise.all([desk("from"), desk("to")]);
});

afterAll(async () => {
  await Promise.all([from.backend.end("SIGKILL"), to.backend.end("SIGKILL")]);
  for (const { cli } of [from, to]) cli.remove();
  data.remove();
});

describe("an export imported into an empty backend", () => {
  it("gives the same documents to the byte, the same index rows, and files under the same names", async () => {
    const keys: Value[] = [
      ...[1n, -(2n ** 63n), 2n ** 63n - 1n, 0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-7, 123],
      ...[
        new Uint8Array([0, 255]).buffer,
        "",
        "ünï \u0000 😀",
        null,
        true,
        { deep: [{ er: [1n, { a: -0 }] }] },
      ],
      ...fc.sample(convexValue, { numRuns: 60, seed: 7 }),
    ];
    await from.client.mutation(api.values!.put!, { keys, tag: "all" });
    await from.client.mutation(api.values!.stamp!, {});
    const bytes = new Uint8Array(70_000).map((_, i) => (i * 31) & 255);
    await from.client.mutation(api.blobs!.put!, { series: "s", chunks: [{ start: 1, bytes: bytes.buffer }] });
    const { id } = await from.client.action(api.files!.roundTrip!, { text: "stored text ü" });
    const archive = file("all.zip");
    await from.cli.ok("export", "--include-file-storage", "--path", archive);
    // The cron of the fixture has a counter of its own in the empty backend.
    const imported = await to.cli.run(["import", "--replace-all", "--yes", archive]);
    expect([imported.code, imported.stderr]).toEqual([0, expect.stringMatching(/Added \d+ documents/)]);

    const url = await to.client.query(api.files!.url!, { id });
    const response = await fetch(url);
    expect([await response.text(), response.headers.get("content-type")]).toEqual([
      "stored text ü",
      "text/plain",
    ]);
    expect(url.split("/").at(-1)).toBe((await from.client.query(api.files!.url!, { id })).split("/").at(-1));
    const ordered = await to.client.query(api.values!.ordered!, { tag: "all" });
    expect(ordered).toEqual(await from.client.query(api.values!.ordered!, { tag: "all" }));
    // What is written next follows what was imported.
    await to.client.mutation(api.messages!.send!, { channel: "after", body: "x" });
    expect(await to.client.query(api.messages!.list!, { channel: "after" })).toHaveLength(1);
    await to.client.mutation(api.messages!.remove!, {
      id: (await to.client.query(api.messages!.list!, { channel: "after" }))[0]._id,
    });

    await Promise.all([from.backend.end("SIGTERM"), to.backend.end("SIGTERM")]);
    const tables = ["messages", "users", "values", "blobs", "stamps", "_storage"];
    const [before, after] = await Promise.all([
      storedDocuments(dataDir("from"), tables),
      storedDocuments(dataDir("to"), tables),
    ]);
    expect(after.documents).toEqual(before.documents);
    expect(after.documents.values).toHaveLength(keys.length);
    expect([before.indexFaults, after.indexFaults]).toEqual([[], []]);
    for (const { cli } of [from, to]) cli.remove();
    [from, to] = await Promise.all([desk("from"), desk("to")]);
    expect(await to.client.query(api.values!.ordered!, { tag: "all" })).toEqual(ordered);
  });
});

describe("an export while eight clients write", () => {
  it("is one moment: of every pair that a mutation wrote, both documents or neither", async () => {
    let writing = true;
    let n = 0;
    const writers = Array.from({ length: 8 }, async () => {
      const client = new ConvexHttpClient(from.backend.url, { logger: false });
      while (writing) await client.mutation(api.counters!.pair!, { n: n++ });
    });
    const archive = file("busy.zip");
    await from.cli.ok("export", "--path", archive);
    writing = false;
    await Promise.all(writers);
    const pairs = (await rowsIn(archive, "messages/documents.jsonl")).filter((row) => row.channel === "pair");
    const ranks = (body: string) =>
      pairs
        .filter((row) => row.body === body)
        .map(({ rank }) => rank as number)
        .sort((a, b) => a - b);
    expect(pairs.length).toBeGreaterThan(0);
    expect(pairs.length).toBeLessThan(2 * n);
    expect(ranks("left")).toEqual(ranks("right"));
  });
});

describe("npx convex import into one table", () => {
  /** The table's documents, asked as the command line asks, without the seconds that it takes to start. */
  const users = async (): Promise<Array<{ _id: string; name: string }>> => {
    const admin = new ConvexHttpClient(to.backend.url, { logger: false });
    (admin as unknown as { setAdminAuth(key: string): void }).setAdminAuth(ADMIN_KEY);
    const paginationOpts = { cursor: null, numItems: 100 };
    const { page } = await admin.query(
      "_system/cli/tableData" as never,
      {
        table: "users",
        order: "asc",
        paginationOpts,
      } as never,
    );
    return page;
  };
  const names = async () => (await users()).map(({ name }) => name);
  const imported = (...args: string[]) => to.cli.run(["import", "--table", "users", ...args]);

  it("reads JSON lines, a JSON array and CSV; adds to a table or replaces it; tells watchers", async () => {
    const watcher = socketClient(to.backend.url);
    const seen = until(watcher, api.messages!.manyReads!, { table: "users" }, (count) => count === 4);
    await imported(file("a.jsonl", '{"name":"one"}\n{"name":"two"}\n'));
    await imported("--append", file("b.json", '[{"name":"three"}]'));
    await imported("--append", file("c.csv", 'name\n"four, ""quoted"""\n'));
    await seen;
    await watcher.close();
    expect(await names()).toEqual(["one", "two", "three", 'four, "quoted"']);
    await imported("--replace", "--yes", file("d.csv", "name\r\nfive\r\n"));
    expect(await names()).toEqual(["five"]);
    const { stderr } = await imported(file("a.jsonl"));
    expect(stderr).toMatch(/"users" already has 1 documents\. Add to them with --append/);
  });

  it("refuses rows that break the schema, bring a foreign or a taken id, or are no JSON, and writes nothing", async () => {
    const [row] = await users();
    const refusals: Array<[string, RegExp]> = [
      [
        '{"name":"x"}\n{"name":7}\n',
        /Row 2 of table "users": document with ID "\w+" .*schema at field "name"/,
      ],
      [`{"name":"x"}\n{"_id":"${row!._id}","name":"y"}\n`, /already has the id/],
      ['{"name":"x"}\n{"name":\n', /Row 2 of table "users": .*JSON/],
      ['{"name":"x","_id":"nonsense"}\n', /_id "nonsense" is not a document id/],
    ];
    // One after another: the command asks a person before it starts beside another import.
    for (const [i, [text, refusal]] of refusals.entries()) {
      const { code, stderr } = await imported("--append", file(`bad${i}.jsonl`, text));
      expect([code, stderr]).toEqual([1, expect.stringMatching(refusal)]);
      expect(stderr).toMatch(/The tables are as they were/);
    }
    expect(await names()).toEqual(["five"]);
  });

  it("killed half-way, leaves what was there; the next start says so and the import can be repeated", async () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => JSON.stringify({ name: `n${i}` }));
    const path = file("long.jsonl", `${rows.join("\n")}\n`);
    const child = to.cli.start("import", "--table", "users", "--replace", "--yes", path);
    await new Promise<void>((resolve) => {
      let text = "";
      child.stderr!.on("data", (chunk) => {
        text += chunk;
        if (/Importing "users": \d+ of 40000/.test(text)) resolve();
      });
    });
    await to.backend.end("SIGKILL");
    child.kill("SIGKILL");
    to.cli.remove();
    to = await desk("to");
    expect(await names()).toEqual(["five"]);
    const admin = new ConvexHttpClient(to.backend.url, { logger: false });
    (admin as unknown as { setAdminAuth(key: string): void }).setAdminAuth(ADMIN_KEY);
    const imports = (await admin.query("_system/cli/queryImport:list" as never)) as Array<{ state: object }>;
    expect(imports.at(-1)!.state).toMatchObject({
      state: "failed",
      error_message: expect.stringMatching(
        /stopped before the import was done\. The tables are as they were/,
      ),
    });
    const again = await imported("--replace", "--yes", path);
    expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(/Added 40000 documents/)]);
    await to.backend.end("SIGTERM");
    const { documents, indexFaults } = await storedDocuments(dataDir("to"), ["users"]);
    expect([documents.users!.length, indexFaults]).toEqual([40_000, []]);
    to.cli.remove();
    to = await desk("to");
  });
});
