/** Exports, imports and backups of an app whose components hold data of their own. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ZipReader } from "../../local/backend/archive/zipReader";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import type { RunningBackend } from "../../local/backend/startBackend";
import { ADMIN_KEY, componentClient, startComponents } from "../backend/components";
import { ConvexCli } from "../backend/convexCli";
import { temporaryData } from "../backend/spawnBackend";

const { app, packages } = anyApi;
const root = fileURLToPath(new URL("../..", import.meta.url));
const data = temporaryData();
const path = (name: string) => join(data.dataDir, name);
const running: RunningBackend[] = [];
const commands: ConvexCli[] = [];

interface Desk {
  backend: RunningBackend;
  client: ReturnType<typeof componentClient>;
  cli: ConvexCli;
}

async function desk(name: string): Promise<Desk> {
  const backend = await startComponents({ dataDir: path(name) });
  const cli = new ConvexCli(backend, ADMIN_KEY);
  running.push(backend);
  commands.push(cli);
  return { backend, client: componentClient(backend.url), cli };
}

let from: Desk;
let entry: string;
let file: string;

/** Everything that the test wrote, as the app and the instances show it. */
async function contents({ client }: Desk): Promise<unknown> {
  const totals = await Promise.all(
    (["ledger", "archive"] as const).map(async (at) => {
      const { total } = await client.ask(at, "total", { account: "a" });
      return [at, total, await client.ask(at, "notes")];
    }),
  );
  const { counted, recounted } = await client.http.query(packages!.scores!, { players: ["p", "q"], from: 5 });
  expect(counted).toEqual(recounted);
  return {
    app: await client.http.query(app!.total!, { account: "a" }),
    totals,
    counted,
    byId: await client.ask("ledger", "get", { id: entry }),
    file: await (await fetch(await client.ask("ledger", "url", { id: file }))).text(),
    elsewhere: await client.ask("archive", "url", { id: file }),
  };
}

beforeAll(async () => {
  mkdirSync(data.dataDir, { recursive: true });
  from = await desk("from");
  const { client } = from;
  await client.http.mutation(app!.add!, { account: "a", amount: 1 });
  entry = await client.mutate("ledger", "add", { account: "a", amount: 20 });
  await client.mutate("archive", "add", { account: "a", amount: 300 });
  await client.mutate("archive", "note", { text: "inside a component of a component" });
  ({ id: file } = await client.act("ledger", "store", { text: "of the ledger" }));
  const writes = Array.from({ length: 20 }, (_, i) => ({ player: i % 3 ? "p" : "q", at: i, value: i }));
  await client.http.mutation(packages!.score!, { writes });
});

afterAll(async () => {
  for (const cli of commands) cli.remove();
  for (const backend of running) await backend.close();
  data.remove();
});

it("an export has a folder for each instance; imported elsewhere, app and components hold the same under the same ids", async () => {
  const archive = path("all.zip");
  await from.cli.ok("export", "--include-file-storage", "--path", archive);
  const zip = await ZipReader.open(archive);
  const names = zip.entries.map(({ name }) => name);
  await zip.close();
  for (const folder of ["", "_components/ledger/", "_components/archive/"])
    expect(names).toContain(`${folder}entries/documents.jsonl`);
  expect(names).toContain("_components/archive/_components/notes/entries/documents.jsonl");
  expect(names).toContain(`_components/ledger/_storage/${file}`);

  const to = await desk("to");
  // The crons of the components have counters of their own in the empty backend.
  const imported = await to.cli.run(["import", "--replace-all", "--yes", archive]);
  expect([imported.code, imported.stderr]).toEqual([0, expect.stringMatching(/Added \d+ documents/)]);
  expect(await contents(to)).toEqual(await contents(from));
  // What is written next is of the same tables, and what serves it is as if it had been written here.
  await to.client.mutate("ledger", "add", { account: "a", amount: 5 });
  expect(await to.client.ask("ledger", "total", { account: "a" })).toMatchObject({ total: 25 });
  expect(await findIndexFaults(to.backend.backend.store)).toEqual([]);
});

it("an import into one instance by --component leaves the app's and the other instances' tables alone", async () => {
  const { cli, client } = from;
  const before = (await contents(from)) as { totals: unknown[][] };
  const rows = join(data.dataDir, "rows.jsonl");
  writeFileSync(rows, '{"account":"b","amount":4000}\n{"account":"b","amount":1}\n');
  await cli.ok("import", "--component", "archive", "--table", "entries", "--append", rows);
  expect(await client.ask("archive", "total", { account: "b" })).toMatchObject({ total: 4001 });
  expect(await client.ask("ledger", "total", { account: "b" })).toMatchObject({ total: 0 });
  expect(await client.http.query(app!.total!, { account: "b" })).toBe(0);
  expect(await contents(from)).toEqual(before);
  expect(await cli.ok("data", "entries", "--component", "archive")).toMatch(/4000/);
  const unknown = await cli.run(["import", "--component", "nobody", "--table", "entries", rows]);
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    expect.stringMatching(/component nobody is not mounted/),
  ]);
});

it("a restored backup holds what every instance held", async () => {
  const main = ["--import", "tsx", join(root, "local/backend/main.ts")];
  const command = (...args: string[]) =>
    promisify(execFile)(process.execPath, [...main, ...args], { cwd: root });
  await command("backup", "--url", from.backend.url, "--admin-key", ADMIN_KEY, "--to", path("desk.zip"));
  await command("restore", "--from", path("desk.zip"), "--data", path("restored"));
  const restored = await desk("restored");
  expect(await contents(restored)).toEqual(await contents(from));
  expect(await findIndexFaults(restored.backend.backend.store)).toEqual([]);
});
