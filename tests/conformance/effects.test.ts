import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { Backend } from "./drivers/driver";
import { conformance, failureOf } from "./suite";

const RUNS = { timeout: 20_000, interval: 50 };

const rowsOf = async (backend: Backend, group: string) =>
  (
    await backend.query("rows:scan", {
      scan: { index: "by_a", range: [{ op: "eq", field: "group", value: group }] },
    })
  ).map((row: { a: unknown }) => row.a);

const stateOf = async (backend: Backend, id: string) =>
  (await backend.query("rows:systemGet", { id }))?.state;

conformance("scheduled functions", (add) => {
  add("run once after their mutation committed, and show how they ended", async (backend, group) => {
    const id = await backend.mutation("jobs:schedule", { group, a: 1, delayMs: 0 });
    await expect.poll(() => stateOf(backend, id), RUNS).toEqual({ kind: "success" });
    expect(await rowsOf(backend, group)).toEqual([1]);
    const job = await backend.query("rows:systemGet", { id });
    expect(job.completedTime).toBeGreaterThanOrEqual(job.scheduledTime);
  });

  add("run at the time they were given, mutations and actions alike", async (backend, group) => {
    const early = await backend.mutation("jobs:schedule", { group, a: "at", delayMs: 50, at: true });
    const action = await backend.mutation("jobs:schedule", {
      group,
      a: "by action",
      delayMs: 0,
      kind: "action",
    });
    const late = await backend.mutation("jobs:schedule", { group, a: "late", delayMs: 3_600_000 });
    await expect.poll(() => stateOf(backend, early), RUNS).toEqual({ kind: "success" });
    await expect.poll(() => stateOf(backend, action), RUNS).toEqual({ kind: "success" });
    expect((await rowsOf(backend, group)).sort()).toEqual(["at", "by action"]);
    expect(await stateOf(backend, late)).toEqual({ kind: "pending" });
    await backend.mutation("jobs:cancel", { id: late });
  });

  add("scheduled from an action, run too", async (backend, group) => {
    const id = await backend.action("jobs:scheduleFromAction", { group, a: 5 });
    await expect.poll(() => stateOf(backend, id), RUNS).toEqual({ kind: "success" });
    expect(await rowsOf(backend, group)).toEqual([5]);
  });

  add("of a mutation that failed never run", async (backend, group) => {
    await failureOf(backend.mutation("jobs:schedule", { group, a: "never", delayMs: 0, fail: true }));
    const after = await backend.mutation("jobs:schedule", { group, a: "after", delayMs: 0 });
    await expect.poll(() => stateOf(backend, after), RUNS).toEqual({ kind: "success" });
    expect(await rowsOf(backend, group)).toEqual(["after"]);
  });

  add("that fail leave nothing but their error", async (backend, group) => {
    const id = await backend.mutation("jobs:schedule", { group, a: "lost", delayMs: 0, crash: true });
    await expect.poll(async () => (await stateOf(backend, id)).kind, RUNS).toBe("failed");
    expect((await stateOf(backend, id)).error).toMatch(/job failed/);
    expect(await rowsOf(backend, group)).toEqual([]);
  });

  add(
    "that were cancelled never run, in the same mutation or later, by a mutation or an action",
    async (backend, group) => {
      const same = await backend.mutation("jobs:scheduleAndCancel", { group });
      const byMutation = await backend.mutation("jobs:schedule", { group, a: "m", delayMs: 400 });
      const byAction = await backend.mutation("jobs:schedule", { group, a: "x", delayMs: 400 });
      await backend.mutation("jobs:cancel", { id: byMutation });
      await backend.action("jobs:cancelFromAction", { id: byAction });
      const witness = await backend.mutation("jobs:schedule", { group, a: "witness", delayMs: 500 });
      await expect.poll(() => stateOf(backend, witness), RUNS).toEqual({ kind: "success" });
      for (const id of [same, byMutation, byAction])
        expect(await stateOf(backend, id)).toEqual({ kind: "canceled" });
      expect(await rowsOf(backend, group)).toEqual(["witness"]);
      await backend.mutation("jobs:cancel", { id: witness });
      expect(await stateOf(backend, witness)).toEqual({ kind: "success" });
    },
  );

  add(
    "need a function that exists and a time within five years",
    async (backend, group) => {
      const refusal = async (more: object) =>
        (await failureOf(backend.mutation("jobs:schedule", { group, a: 1, delayMs: 0, ...more }))).message;
      expect(await refusal({ kind: "nowhere:at" })).toMatch(
        /Attempted to schedule function at nonexistent path: nowhere/,
      );
      expect(await refusal({ kind: "jobs:missing" })).toMatch(
        /Attempted to schedule function, but no exported function missing found in the file: jobs(\.js)?\. Did you forget to export it\?/,
      );
      expect(await refusal({ delayMs: 6 * 366 * 24 * 3_600_000 })).toMatch(
        /is more than 5 years in the future/,
      );
      expect(await refusal({ delayMs: -1 })).toMatch(/non-negative/);
      expect((await failureOf(backend.mutation("jobs:cancel", { id: "nonsense" }))).message).toMatch(
        /[Ii]nvalid|id/,
      );
    },
    ["wording"],
  );

  add(
    "by crons run again and again",
    async (backend) => {
      const before = await backend.query<number>("jobs:ticks");
      await expect.poll(() => backend.query<number>("jobs:ticks"), RUNS).toBeGreaterThanOrEqual(before + 2);
    },
    ["crons"],
  );
});

conformance("files", (add) => {
  add("stored by an action come back whole, with what is known of them", async (backend) => {
    const text = "gold é 😀";
    const stored = await backend.action("files:store", { text, type: "text/plain" });
    expect(stored).toMatchObject({ text, type: "text/plain", size: Buffer.byteLength(text) });
    const sha256 = createHash("sha256").update(text).digest();
    expect(await backend.query("files:document", { id: stored.id })).toMatchObject({
      _id: stored.id,
      size: Buffer.byteLength(text),
      contentType: "text/plain",
      sha256: sha256.toString("base64"),
    });
    expect(await backend.query("files:url", { id: stored.id })).toMatch(/^https?:\/\//);
    await backend.mutation("files:remove", { id: stored.id });
    expect(await backend.query("files:url", { id: stored.id })).toBeNull();
    expect(await backend.query("files:document", { id: stored.id })).toBeNull();
    expect(await backend.action("files:load", { id: stored.id })).toBeNull();
    await failureOf(backend.mutation("files:remove", { id: stored.id }));
  });

  add(
    "stored by a mutation are part of it: read back, counted, kept with it and gone with it",
    async (backend) => {
      const texts = ["silver é", ""];
      const { files, used } = await backend.mutation("files:storeInMutation", { texts });
      expect(files.map(({ text, type }: { text: string; type: string }) => [text, type])).toEqual(
        texts.map((text) => [text, "text/plain"]),
      );
      expect(used).toEqual([2, 9, 2, 9]);
      for (const [i, { id, url }] of files.entries()) {
        expect(await backend.query("files:document", { id })).toMatchObject({
          size: Buffer.byteLength(texts[i]!),
          contentType: "text/plain",
        });
        expect(await (await fetch(url)).text()).toBe(texts[i]);
      }
      const { data } = await failureOf(backend.mutation("files:storeInMutation", { texts, fails: true }));
      for (const { id, url } of data as Array<{ id: string; url: string }>) {
        expect(await backend.query("files:document", { id })).toBeNull();
        expect((await fetch(url)).status).toBe(404);
      }
    },
    ["storageUrls"],
  );

  add(
    "have a size and a hash in hexadecimal in their metadata",
    async (backend) => {
      const { id } = await backend.action("files:store", { text: "abc", type: "text/plain" });
      expect(await backend.query("files:metadata", { id })).toEqual({
        storageId: id,
        size: 3,
        contentType: "text/plain",
        sha256: createHash("sha256").update("abc").digest("hex"),
      });
    },
    ["storageUrls"],
  );

  add(
    "are uploaded to a URL and served from one, whole and in ranges",
    async (backend) => {
      const body = new Uint8Array(5_000).map((_, i) => i % 251);
      const upload = await fetch(await backend.mutation("files:uploadUrl"), {
        method: "POST",
        headers: { "Content-Type": "application/x-bars" },
        body,
      });
      const { storageId } = (await upload.json()) as { storageId: string };
      const url = await backend.query("files:url", { id: storageId });
      const whole = await fetch(url);
      expect(whole.headers.get("content-type")).toBe("application/x-bars");
      expect(new Uint8Array(await whole.arrayBuffer())).toEqual(body);
      const part = await fetch(url, { headers: { Range: "bytes=10-19" } });
      expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 10-19/5000"]);
      expect(new Uint8Array(await part.arrayBuffer())).toEqual(body.slice(10, 20));
      const tail = await fetch(url, { headers: { Range: "bytes=-5" } });
      expect(new Uint8Array(await tail.arrayBuffer())).toEqual(body.slice(-5));
      const open = await fetch(url, { headers: { Range: "bytes=4990-" } });
      expect((await open.arrayBuffer()).byteLength).toBe(10);
      expect((await fetch(url, { headers: { Range: "bytes=9000-" } })).status).toBe(416);
      const head = await fetch(url, { method: "HEAD" });
      expect([head.status, head.headers.get("content-length")]).toEqual([200, "5000"]);
      const forged = await fetch(
        (await backend.mutation("files:uploadUrl")).replace(/token=.*/, "token=forged"),
        { method: "POST", body },
      );
      expect(forged.status).toBeGreaterThanOrEqual(400);
    },
    ["storageUrls"],
  );
});
