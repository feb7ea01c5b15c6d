import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RawSession } from "../backend/rawSession";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";
import { storedDocuments } from "../backend/storedDocuments";

const api = anyApi;
const ADMIN_KEY = "key-of-the-backup-tests";
const root = fileURLToPath(new URL("../..", import.meta.url));
const data = temporaryData();
const path = (name: string) => join(data.dataDir, name);
let backend: SpawnedBackend;
let client: ConvexHttpClient;

function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const argv = ["--import", "tsx", join(root, "local/backend/main.ts"), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, argv, { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const online = () => ["backup", "--url", backend.url, "--admin-key", ADMIN_KEY];

beforeAll(async () => {
  mkdirSync(data.dataDir, { recursive: true });
  backend = await spawnBackend({ dataDir: path("desk"), adminKey: ADMIN_KEY });
  client = new ConvexHttpClient(backend.url, { logger: false });
});

afterAll(async () => {
  await backend.end("SIGKILL");
  data.remove();
});

describe("a backup of a running backend", () => {
  it("restores documents, files, scheduled jobs and request records of one moment; each job runs exactly once", async () => {
    const { id } = await client.action(api.files!.roundTrip!, { text: "kept" });
    for (const name of ["due-1", "due-2", "due-3"])
      await client.mutation(api.counters!.schedule!, { name, delayMs: 60_000 });
    const soon = await client.mutation(api.counters!.schedule!, { name: "soon", delayMs: 10_000 });
    const session = await RawSession.open(backend.url, "8a6f1f0e-0000-4000-8000-000000000001");
    const mutation = {
      type: "Mutation",
      requestId: 1,
      udfPath: "counters:increment",
      args: [{ name: "once" }],
    };
    session.send(mutation);
    expect(await session.next("MutationResponse")).toMatchObject({ success: true, result: 1 });
    session.close();
    let writing = true;
    let n = 0;
    const writer = (async () => {
      while (writing) await client.mutation(api.counters!.pair!, { n: n++ });
    })();
    const made = await command(...online(), "--to", path("one.zip"));
    writing = false;
    await writer;
    // The job was still to come when the backup was made.
    expect(await client.query(api.counters!.read!, { name: "soon" })).toBe(0);
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/\d+ rows, 1 files, checked/)]);

    const restored = await command("restore", "--from", path("one.zip"), "--data", path("copy"));
    expect([restored.code, restored.stdout]).toEqual([0, expect.stringMatching(/restored .*copy/)]);
    expect((await storedDocuments(path("copy"), [])).indexFaults).toEqual([]);
    const copy = await spawnBackend({ dataDir: path("copy"), adminKey: ADMIN_KEY });
    const copied = new ConvexHttpClient(copy.url, { logger: false });
    expect(await (await fetch(await copied.query(api.files!.url!, { id }))).text()).toBe("kept");
    expect(await copied.query(api.counters!.job!, { id: soon })).toMatchObject({
      args: [{ name: "soon" }],
    });
    const [left, right] = await Promise.all(
      ["left", "right"].map(async (body) =>
        (await copied.query(api.messages!.list!, { channel: "pair" })).filter(
          (row: { body: string }) => row.body === body,
        ),
      ),
    );
    expect(left!.length).toBe(right!.length);
    // The client that asked before the backup asks again, as after a dropped connection.
    const resumed = await RawSession.open(copy.url, "8a6f1f0e-0000-4000-8000-000000000001");
    resumed.send(mutation);
    expect(await resumed.next("MutationResponse")).toMatchObject({ success: true, result: 1 });
    resumed.close();
    for (;;) {
      const job = await copied.query(api.counters!.job!, { id: soon });
      if (job.state.kind === "success") break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await copied.query(api.counters!.read!, { name: "soon" })).toBe(1);
    await copy.end("SIGKILL");
    const again = await spawnBackend({ dataDir: path("copy"), adminKey: ADMIN_KEY });
    const later = new ConvexHttpClient(again.url, { logger: false });
    expect(await later.query(api.counters!.read!, { name: "soon" })).toBe(1);
    expect(await later.query(api.counters!.read!, { name: "due-1" })).toBe(0);
    await again.end("SIGKILL");
  });

  it("needs the admin key, a free file name in a folder that is there, and a backend that answers", async () => {
    const wrong = await command("backup", "--url", backend.url, "--admin-key", "x", "--to", path("x.zip"));
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/admin key does not match/)]);
    writeFileSync(path("taken.zip"), "");
    const taken = await command(...online(), "--to", path("taken.zip"));
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringMatching(/is there already/)]);
    const nowhere = await command(...online(), "--to", path("nowhere/x.zip"));
    expect([nowhere.code, nowhere.stderr]).toEqual([
      1,
      expect.stringMatching(/folder .*nowhere does not exist/),
    ]);
    const nobody = await command(
      "backup",
      "--url",
      "http://127.0.0.1:1",
      "--admin-key",
      "x",
      "--to",
      path("x.zip"),
    );
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringMatching(/No backend answers/)]);
    expect(existsSync(path("x.zip")) || existsSync(path("x.zip.partial"))).toBe(false);
  });
});

describe("a restore", () => {
  it("refuses a folder that is not empty and a damaged backup, naming what is damaged, and leaves nothing", async () => {
    const occupied = await command("restore", "--from", path("one.zip"), "--data", path("copy"));
    expect([occupied.code, occupied.stderr]).toEqual([1, expect.stringMatching(/copy is not empty/)]);
    const good = readFileSync(path("one.zip"));
    const bad = Buffer.from(good);
    bad[good.indexOf("store/000001.jsonl") + 40]! ^= 0xff;
    writeFileSync(path("bad.zip"), bad);
    writeFileSync(path("cut.zip"), good.subarray(0, good.length - 100));
    const [flipped, cut] = await Promise.all(
      ["bad", "cut"].map((name) =>
        command("restore", "--from", path(`${name}.zip`), "--data", path(`from-${name}`)),
      ),
    );
    expect([flipped!.code, flipped!.stderr]).toEqual([
      1,
      expect.stringMatching(/damaged: .*store\/000001\.jsonl/),
    ]);
    expect([cut!.code, cut!.stderr]).toEqual([1, expect.stringMatching(/damaged/)]);
    for (const name of ["from-bad", "from-bad.restoring", "from-cut", "from-cut.restoring"])
      expect(existsSync(path(name))).toBe(false);
  });

  it("works from a backup of a stopped backend too; a running one is not copied behind its back", async () => {
    const busy = await command("backup", "--data", path("desk"), "--to", path("busy.zip"));
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringMatching(/in use by another backend/)]);
    const made = await command("backup", "--data", path("copy"), "--to", path("two.zip"));
    expect(made.code).toBe(0);
    await command("restore", "--from", path("two.zip"), "--data", path("copy2"));
    const tables = ["messages", "counters", "_storage"];
    const [before, after] = await Promise.all([
      storedDocuments(path("copy"), tables),
      storedDocuments(path("copy2"), tables),
    ]);
    expect(after).toEqual(before);
  });
});
