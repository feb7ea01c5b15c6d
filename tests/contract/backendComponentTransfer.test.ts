/** Exports, imports and backups of an app whose components hold data of their own. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, expect, it } from "vitest";
import { restoreBackup } from "../../local/backend/admin/backup";
import { toExportJson } from "../../local/backend/admin/exportJson";
import { ZipReader } from "../../local/backend/archive/zipReader";
import { ZipWriter } from "../../local/backend/archive/zipWriter";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import type { RunningBackend } from "../../local/backend/startBackend";
import { decodeId, encodeId } from "../../local/backend/values/ids";
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
  // As in Convex, each instance numbers its own tables.
  const [ledgerId, archiveId] = [
    entry,
    await from.client.mutate("archive", "add", { account: "z", amount: 1 }),
  ];
  expect(decodeId(ledgerId)!.tableNumber).toBe(decodeId(archiveId)!.tableNumber);

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

/** An archive as Convex makes it: in every instance tables are numbered from 10001, and here even ids and files are the same. */
async function archiveOfAnother(path: string): Promise<{ id: string; file: string }> {
  const bytes: Uint8Array[] = [];
  const zip = new ZipWriter(async (chunk) => void bytes.push(Uint8Array.from(chunk)), Date.UTC(2026, 0));
  const id = encodeId(10001, "\x01".repeat(16));
  const file = encodeId(23, "\x02".repeat(16));
  const folders = { "": 1, "_components/ledger/": 20, "_components/archive/": 300 };
  for (const [folder, amount] of Object.entries(folders)) {
    const add = (name: string, text: string) => zip.add(`${folder}${name}`, [Buffer.from(text)]);
    const content = `file of ${amount}`;
    const sha256 = createHash("sha256").update(content).digest("base64");
    const entry = { _id: id, _creationTime: 1_700_000_000_000, account: "a", amount };
    const stored = { _id: file, _creationTime: 1_700_000_000_000, sha256, size: content.length };
    await add("_tables/documents.jsonl", '{"name":"entries","id":10001}\n');
    await add("entries/documents.jsonl", `${toExportJson(JSON.stringify(entry))}\n`);
    await add("entries/generated_schema.jsonl", '"uniform"\n');
    await add("_storage/documents.jsonl", `${toExportJson(JSON.stringify(stored))}\n`);
    await add(`_storage/${file}`, content);
  }
  await zip.finish();
  writeFileSync(path, Buffer.concat(bytes));
  return { id, file };
}

async function expectOther({ client }: Desk, { id, file }: { id: string; file: string }): Promise<void> {
  expect(await client.http.query(app!.get!, { id })).toMatchObject({ _id: id, amount: 1 });
  expect(await client.ask("ledger", "get", { id })).toMatchObject({ _id: id, amount: 20 });
  expect(await client.ask("archive", "get", { id })).toMatchObject({ _id: id, amount: 300 });
  const urls: string[] = [
    await client.http.query(app!.url!, { id: file }),
    await client.ask("ledger", "url", { id: file }),
    await client.ask("archive", "url", { id: file }),
  ];
  const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
  expect(texts).toEqual(["file of 1", "file of 20", "file of 300"]);
}

it("an archive in which app and components use the same table numbers, ids and file ids is imported, and exported again", async () => {
  const archive = path("another.zip");
  const ids = await archiveOfAnother(archive);
  const to = await desk("another");
  await to.client.mutate("archive", "note", { text: "was here before" });
  await to.cli.ok("import", "--replace-all", "--yes", archive);
  await expectOther(to, ids);
  // What is written next has the numbers of the archive.
  const next = await to.client.mutate("ledger", "add", { account: "a", amount: 5 });
  expect(decodeId(next)!.tableNumber).toBe(10001);
  expect(await to.client.ask("ledger", "total", { account: "a" })).toMatchObject({ total: 25 });
  expect(await to.client.ask("archive", "total", { account: "a" })).toMatchObject({ total: 300 });
  await to.cli.ok("export", "--include-file-storage", "--path", path("again.zip"));
  const back = await desk("back");
  await back.cli.ok("import", "--replace-all", "--yes", path("again.zip"));
  await expectOther(back, ids);
  for (const { backend } of [to, back]) expect(await findIndexFaults(backend.backend.store)).toEqual([]);
});

it("a desk of the format in which instances shared the table numbers goes on under its ids, and takes such an archive", async () => {
  // A backup that this project made before instances had numbers of their own.
  await restoreBackup(join(root, "tests/backend/fixtures/format1.zip"), path("older"));
  const older = await desk("older");
  const { client } = older;
  const at = async (instance: "ledger" | "archive", id: string, file: string) => ({
    entry: await client.ask(instance, "get", { id }),
    file: await (await fetch(await client.ask(instance, "url", { id: file }))).text(),
  });
  const ledger = ["s57038fsmajshb4p4hfn8vmrf3hxsssa", "ms7038fsmakbe0309hfhsmv6phrh49cy"] as const;
  const archived = ["sh7038fsmajvwaa284e2hr39c9y0zr4w", "nh7038fsmakd8td3f91y7hjn82hn9bys"] as const;
  const id = "p97038fsmajkp8eh9pjcyk8eeh06jhxd";
  expect(await client.http.query(app!.get!, { id })).toMatchObject({ amount: 1 });
  expect(await at("ledger", ...ledger)).toMatchObject({ entry: { amount: 20 }, file: "of the ledger" });
  expect(await at("archive", ...archived)).toMatchObject({ entry: { amount: 300 }, file: "of the archive" });
  expect(await client.ask("archive", "notes")).toEqual(["XAG: of an older desk"]);
  await client.mutate("ledger", "add", { account: "a", amount: 5 });
  expect(await client.ask("ledger", "total", { account: "a" })).toMatchObject({ total: 25 });
  expect(await findIndexFaults(older.backend.backend.store)).toEqual([]);
  const ids = await archiveOfAnother(path("onto.zip"));
  await older.cli.ok("import", "--replace-all", "--yes", path("onto.zip"));
  await expectOther(older, ids);
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
