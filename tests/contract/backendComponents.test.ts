import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunningBackend } from "../../local/backend/startBackend";
import { socketClient, until } from "../backend/clients";
import { ADMIN_KEY, componentClient, startComponents } from "../backend/components";
import { temporaryData } from "../backend/spawnBackend";

const app = anyApi.app!;
const data = temporaryData();
let backend: RunningBackend;
let client: ReturnType<typeof componentClient>;

beforeAll(async () => {
  backend = await startComponents(data);
  client = componentClient(backend.url);
});

afterAll(async () => {
  await backend?.close();
  data.remove();
});

/** Waits until a condition on the backend holds. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("two instances of one component, a component inside them, and the app", () => {
  it("have tables of the same name with rows of their own", async () => {
    const account = "names";
    await client.http.mutation(app.add!, { account, amount: 1 });
    await client.mutate("ledger", "add", { account, amount: 20 });
    await client.mutate("archive", "add", { account, amount: 300 });
    await client.mutate("archive", "note", { text: "inside" });
    expect(await client.http.query(app.total!, { account })).toBe(1);
    expect(await client.ask("ledger", "total", { account })).toMatchObject({ total: 20 });
    expect(await client.ask("archive", "total", { account })).toMatchObject({ total: 300 });
    expect(await client.ask("ledger", "notes")).toEqual([]);
    expect(await client.ask("archive", "notes")).toEqual(["XAG: inside"]);
  });

  it("find nothing under each other's ids", async () => {
    const id = await client.mutate("ledger", "add", { account: "ids", amount: 1 });
    expect(await client.ask("ledger", "get", { id })).toMatchObject({ amount: 1 });
    expect(await client.ask("ledger", "normalize", { id })).toBe(id);
    // Each instance numbers its tables from 10001, as in Convex: the id is one of the other's table, of a document that it has not.
    expect(await client.ask("archive", "get", { id })).toBeNull();
    expect(await client.http.query(app.get!, { id })).toBeNull();
  });

  it("schedule into tables of their own, and run what they scheduled", async () => {
    const account = "jobs";
    const id = await client.mutate("ledger", "schedule", { account, amount: 7 });
    await eventually(async () => {
      const { total } = await client.ask("ledger", "total", { account });
      return total === 7;
    });
    const jobs: Array<{ _id: string; name: string }> = await client.ask("ledger", "jobs");
    expect(jobs.map((job) => [job._id, job.name])).toContainEqual([id, "entries.js:addLater"]);
    expect(await client.ask("archive", "jobs")).toEqual([]);
    expect(await client.http.query(app.jobs!, {})).toEqual([]);
  });

  it("store files of their own, also through an upload address", async () => {
    const { id, text }: { id: string; text: string } = await client.act("ledger", "store", { text: "leaf" });
    expect(text).toBe("leaf");
    expect(await (await fetch(await client.ask("ledger", "url", { id }))).text()).toBe("leaf");
    expect(await client.ask("archive", "url", { id })).toBeNull();
    expect(await client.http.query(app.url!, { id })).toBeNull();
    expect(await client.http.query(app.files!, {})).toEqual([]);
    const address = await client.mutate("archive", "uploadUrl");
    const uploaded = await fetch(address, { method: "POST", body: "page" });
    const { storageId } = (await uploaded.json()) as { storageId: string };
    expect(await (await fetch(await client.ask("archive", "url", { id: storageId }))).text()).toBe("page");
    expect(await client.ask("ledger", "url", { id: storageId })).toBeNull();
  });

  it("see only the variables that their parent bound", async () => {
    expect(await client.ask("ledger", "variables")).toEqual({ CURRENCY: "XAU" });
    expect(await client.ask("archive", "variables")).toEqual({ CURRENCY: "XAG" });
  });

  it("run their own crons and serve their own routes under their prefixes", async () => {
    await client.mutate("archive", "add", { account: "web", amount: 5 });
    await eventually(async () => Number(await client.ask("archive", "ticks")) > 0);
    await eventually(async () => Number(await client.ask("ledger", "ticks")) > 0);
    const get = async (path: string) => (await fetch(`${backend.siteUrl}${path}`)).text();
    expect(JSON.parse(await get("/ledger/total?account=web"))).toEqual({ total: 0, currency: "XAU" });
    expect(JSON.parse(await get("/archive/total?account=web"))).toEqual({ total: 5, currency: "XAG" });
    expect(await get("/total")).toBe("of the app");
    expect((await fetch(`${backend.siteUrl}/notes/total`)).status).toBe(404);
  });
});

describe("a component", () => {
  it("is reached through its parent only, and only by its public functions", async () => {
    const args = { account: "reach", amount: 1 };
    await expect(client.mutate("ledger", "addLater", args)).rejects.toThrow(/no public function/);
    await expect(client.mutate("ledger", "missing", {})).rejects.toThrow(/no public function/);
    await expect(client.mutate("nobody" as "ledger", "add", args)).rejects.toThrow(/no child component/);
    for (const path of ["ledger/entries:add", "function://ledger;entries:add", "entries:add"]) {
      const response = await fetch(`${backend.url}/api/mutation`, {
        method: "POST",
        body: JSON.stringify({ componentPath: path === "entries:add" ? "ledger" : "", path, args }),
      });
      const answer = (await response.json()) as { status: string; errorMessage: string };
      expect(answer).toMatchObject({ status: "error" });
      expect(answer.errorMessage).toMatch(/Could not find public function/);
    }
    const call = (key: string) =>
      fetch(`${backend.url}/api/function`, {
        method: "POST",
        headers: { Authorization: `Convex ${key}`, "Content-Type": "application/json" },
        body: JSON.stringify({ componentPath: "ledger", path: "entries:addLater", args, format: "json" }),
      });
    expect((await call("somebody")).status).toBe(401);
    expect(await (await call(ADMIN_KEY)).json()).toMatchObject({ status: "success" });
    expect(await client.ask("ledger", "total", { account: "reach" })).toMatchObject({ total: 1 });
  });

  it("has no identity to read and cannot paginate", async () => {
    const admin = new ConvexHttpClient(backend.url, { logger: false });
    (admin as unknown as { setAdminAuth(key: string, identity: object): void }).setAdminAuth(ADMIN_KEY, {
      subject: "operator",
      issuer: "https://assay.test",
    });
    expect(await admin.query(app.whoami!, {})).toMatchObject({ subject: "operator" });
    const call = { instance: "ledger", name: "whoami", args: {} };
    expect(await admin.query(app.childQuery!, call)).toBeNull();
    const paginationOpts = { numItems: 5, cursor: null };
    await expect(client.ask("ledger", "page", { paginationOpts })).rejects.toThrow(
      /paginate\(\) is only supported in the app/,
    );
  });

  it("calls a function that the app handed over, in the app's namespace, now and later", async () => {
    const account = "handle";
    const handle = await client.http.mutation(app.handOver!, { account });
    expect(handle).toMatch(/^function:\/\//);
    await eventually(async () => (await client.http.query(app.total!, { account })) === 11);
    expect(await client.ask("ledger", "total", { account })).toMatchObject({ total: 0 });
  });
});

describe("one transaction over several components", () => {
  it("drops what a failed child wrote and scheduled, and keeps what its parent wrote", async () => {
    const account = "caught";
    const jobsBefore: unknown[] = await client.ask("ledger", "jobs");
    const notesBefore = await client.ask("ledger", "notes");
    expect(await client.http.mutation(app.catchChild!, { account, amount: 4 })).toMatch(
      /the ledger is closed/,
    );
    expect(await client.http.query(app.bothTotals!, { account })).toEqual([4, 0]);
    expect(await client.ask("ledger", "notes")).toEqual(notesBefore);
    expect(await client.ask("ledger", "jobs")).toEqual(jobsBefore);
  });

  it("drops what its children wrote when the parent fails after them", async () => {
    const account = "failed";
    const call = client.http.mutation(app.failAfterChild!, { account, amount: 4 });
    await expect(call).rejects.toThrow(/changed its mind/);
    expect(await client.http.query(app.bothTotals!, { account })).toEqual([0, 0]);
    expect(await client.ask("ledger", "notes")).not.toContain("XAU: soon gone");
  });

  it("is seen whole or not at all by readers, while many write", async () => {
    const account = "whole";
    let writing = true;
    const torn: number[][] = [];
    const reader = (async () => {
      while (writing) {
        const [inApp, inLedger] = await client.http.query(app.bothTotals!, { account });
        if (inApp !== inLedger) torn.push([inApp, inLedger]);
      }
    })();
    const writers = Array.from({ length: 8 }, async () => {
      const own = componentClient(backend.url);
      for (let i = 0; i < 10; i++) await own.http.mutation(app.both!, { account, amount: 1 });
    });
    await Promise.all(writers);
    writing = false;
    await reader;
    expect(torn).toEqual([]);
    expect(await client.http.query(app.bothTotals!, { account })).toEqual([80, 80]);
  });
});

describe("a live query that reads a component", () => {
  it("runs again when that instance changes, and not when another does", async () => {
    const socket = socketClient(backend.url);
    const account = "live";
    const args = { instance: "ledger", name: "total", args: { account } };
    const runs: number[] = [];
    type Value = { total: number; run: number };
    socket.onUpdate(app.childQuery!, args as never, (value: Value) => runs.push(value.run));
    await until<Value>(socket, app.childQuery!, args, () => true);
    expect(runs).toHaveLength(1);
    // A client's mutation resolves once a transition has carried everything it changed.
    const write = (instance: string) =>
      socket.mutation(app.childMutation!, { instance, name: "add", args: { account, amount: 1 } } as never);
    await write("archive");
    await socket.mutation(app.add!, { account, amount: 1 } as never);
    expect(runs).toHaveLength(1);
    await write("ledger");
    expect(runs).toHaveLength(2);
    await socket.close();
  });
});
