import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { functionsFolder } from "../../../tests/backend/functionsFolder";
import { temporaryData } from "../../../tests/backend/spawnBackend";
import { type Log, silentLog } from "../log";
import { type RunningBackend, startBackend } from "../startBackend";
import { SYSTEM } from "./callState";
import type { Outcome } from "./outcome";

/** Each way of waiting ends in code that logs the tag of its own call, in the middle of everybody else's. */
const WOVEN = `
import { actionGeneric, anyApi as api, mutationGeneric, queryGeneric } from "convex/server";

let open;
let shared = new Promise((resolve) => { open = resolve; });
const later = (then) => new Promise((resolve) => then(resolve));

const WAYS = [
  () => crypto.subtle.digest("SHA-256", new Uint8Array(8)),
  () => new Response("text").text(),
  () => new Blob(["text"]).arrayBuffer(),
  (tag) => later((done) => queueMicrotask(() => { console.log(tag); done(); })),
  async (tag) => {
    const { readable, writable } = new TransformStream({ transform(chunk, to) { console.log(tag); to.enqueue(chunk); } });
    const writer = writable.getWriter();
    void writer.write("chunk").then(() => writer.close());
    for await (const chunk of readable) console.log(tag, chunk);
  },
  () => shared,
  () => { open(); shared = new Promise((resolve) => { open = resolve; }); },
  () => ({ then(done) { Promise.resolve().then(() => done()); } }),
  async function (tag) { for await (const _ of (async function* () { yield 1; console.log(tag); yield 2; })()) console.log(tag); },
];

async function weave(ctx, { tag, order }) {
  const now = Date.now();
  let found = 0;
  const step = async (way) => {
    await WAYS[way](tag);
    console.log(tag);
    if (Date.now() !== now) throw new Error(tag + ": the clock moved");
    const rows = await ctx.db.query("rows").withIndex("by_tag", (q) => q.eq("tag", tag)).collect();
    for (const row of rows) if (row.tag !== tag) throw new Error(tag + " read " + row.tag);
    found += rows.length;
  };
  for (const way of order) await step(way);
  await Promise.all(order.map(step));
  const nested = await Promise.all([1, 2].map(() => ctx.runQuery(api.woven.inner, { tag })));
  open();
  return { found, nested };
}

export const inner = queryGeneric(async (ctx, { tag }) => {
  await crypto.subtle.digest("SHA-256", new Uint8Array(8));
  console.log(tag);
  return (await ctx.db.query("rows").withIndex("by_tag", (q) => q.eq("tag", tag)).collect()).length;
});
export const read = queryGeneric(weave);
export const write = mutationGeneric(async (ctx, args) => {
  await ctx.db.insert("rows", { tag: args.tag });
  return await weave(ctx, args);
});
export const act = actionGeneric(async (ctx, { tag, order }) => {
  for (const way of order) {
    await WAYS[way](tag);
    await later((done) => setTimeout(() => { console.log(tag); done(); }, way % 3));
    console.log(tag);
    await ctx.runQuery(api.woven.inner, { tag });
  }
  open();
  return null;
});
/** Not awaited: goes on while a later mutation runs. */
export const leave = mutationGeneric(async (ctx) => {
  void crypto.subtle.digest("SHA-256", new Uint8Array(1 << 20)).then(() => ctx.db.insert("rows", { tag: "ghost" })).catch(() => {});
  shared = new Promise((resolve) => { open = resolve; });
  void shared.then(() => ctx.db.insert("rows", { tag: "ghost" })).catch(() => {});
  await ctx.db.insert("rows", { tag: "left" });
});
export const follow = mutationGeneric(async (ctx) => {
  open();
  for (let i = 0; i < 20; i++) await crypto.subtle.digest("SHA-256", new Uint8Array(1 << 20));
  await ctx.db.insert("rows", { tag: "followed" });
});
export const tags = queryGeneric(async (ctx) => (await ctx.db.query("rows").collect()).map((row) => row.tag));
export const throwLater = actionGeneric(async () => {
  queueMicrotask(() => { throw new Error("from a microtask"); });
  setTimeout(() => { throw new Error("from a timer"); }, 1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  return "answered";
});
`;

const NODE = `"use node";
import { EventEmitter } from "node:events";
import { anyApi as api, actionGeneric } from "convex/server";
const bell = new EventEmitter();
export const act = actionGeneric(async (ctx, { tag, rounds }) => {
  for (let i = 0; i < rounds; i++) {
    await new Promise((done) => setTimeout(() => { console.log(tag); done(); }, i % 3));
    await new Promise((done) => { process.nextTick(() => { console.log(tag); done(); }); });
    bell.emit("ring");
    await ctx.runQuery(api.woven.inner, { tag });
    console.log(tag);
  }
  return null;
});
`;

const SCHEMA = `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({ rows: defineTable({ tag: v.string() }).index("by_tag", ["tag"]) });
`;

const data = temporaryData();
const left: Array<Record<string, unknown>> = [];
const log: Log = (level, event, fields) => {
  if (event === "function.uncaughtException") left.push(fields ?? {});
  silentLog(level, event, fields);
};
let running: RunningBackend;

beforeAll(async () => {
  running = await startBackend({
    functionsDir: functionsFolder({ "woven.ts": WOVEN, "node.ts": NODE, "schema.ts": SCHEMA }),
    dataDir: data.dataDir,
    log,
  });
});

afterAll(async () => {
  await running?.close();
  data.remove();
});

const options = { caller: SYSTEM, internal: true };
const WAYS = 9;
/** Another order of all ways for each call. */
const orderOf = (i: number) => Array.from({ length: WAYS }, (_, k) => (k * (1 + (i % 2)) + i) % WAYS);

function expectOwn(outcome: Outcome, tag: string): void {
  expect(outcome).toMatchObject({ ok: true });
  expect(outcome.logLines.length).toBeGreaterThan(0);
  expect(new Set(outcome.logLines.map((line) => line.match(/'(\w+?)'/)?.[1]))).toEqual(new Set([tag]));
}

/** Runs calls of every kind side by side and looks whether each found itself behind everything it waited for. */
async function expectApart(nodeRounds: number): Promise<void> {
  const { runner, committer } = running.backend;
  committer.reopen();
  const calls = Array.from({ length: 6 }, async (_, i) => {
    const order = orderOf(i);
    expectOwn(await runner.queryNow("woven:read", { tag: `q${i}`, order }, options), `q${i}`);
    const { value } = await runner.mutation("woven:write", { tag: `m${i}`, order }, options);
    expectOwn(value, `m${i}`);
  });
  const actions = Array.from({ length: 4 }, async (_, i) =>
    expectOwn(await runner.action("woven:act", { tag: `a${i}`, order: orderOf(i) }, options), `a${i}`),
  );
  const nodeActions = Array.from({ length: nodeRounds ? 3 : 0 }, async (_, i) =>
    expectOwn(await runner.action("node:act", { tag: `n${i}`, rounds: nodeRounds }, options), `n${i}`),
  );
  // Somebody has to open what all may wait for.
  let isDone = false;
  const opening = (async () => {
    while (!isDone) {
      await runner.action("woven:act", { tag: "opener", order: [6] }, options);
    }
  })();
  await Promise.all([...calls, ...actions, ...nodeActions]).finally(() => {
    isDone = true;
  });
  await opening;
}

describe("concurrent calls", () => {
  it("each keep their own clock, log, transaction and reads behind every kind of promise and timer", async () => {
    await expectApart(0);
  });

  it("do so beside actions of Node modules, whose callbacks keep theirs too", async () => {
    await expectApart(6);
    await expectApart(0);
  });

  it("read for themselves only: what a query depends on does not name a neighbour's rows", async () => {
    const { runner, committer } = running.backend;
    const snapshot = committer.snapshot();
    const order = [0, 1, 2, 3, 4, 7, 8];
    const runs = await Promise.all(
      [0, 1, 2].map((i) => runner.query("woven:read", { tag: `m${i}`, order }, options, snapshot)),
    );
    snapshot.release();
    const ranges = runs.map(({ reads }) => new Set(reads.ranges.map(({ from }) => from)));
    expect(ranges.map((own) => own.size)).toEqual([1, 1, 1]);
    expect(new Set(ranges.flatMap((own) => [...own])).size).toBe(3);
  });
});

describe("what a call leaves behind", () => {
  it("writes into no later mutation", async () => {
    const { runner } = running.backend;
    const ended = [runner.mutation("woven:leave", {}, options), runner.mutation("woven:follow", {}, options)];
    for (const { value } of await Promise.all(ended)) expect(value).toMatchObject({ ok: true });
    const tags = await runner.queryNow("woven:tags", {}, options);
    expect(tags).toMatchObject({ ok: true });
    expect((tags as { valueText: string }).valueText).toMatch(/left.*followed/);
    expect((tags as { valueText: string }).valueText).not.toContain("ghost");
  });

  it("is that call's failure when it throws: logged with its path, and the backend goes on", async () => {
    const { runner } = running.backend;
    expect(await runner.action("woven:throwLater", {}, options)).toMatchObject({ valueText: '"answered"' });
    expect(left).toEqual([
      { path: "woven:throwLater", error: expect.stringContaining("from a microtask") },
      { path: "woven:throwLater", error: expect.stringContaining("from a timer") },
    ]);
  });
});
