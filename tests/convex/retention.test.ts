/** What a desk lets go of with age, and what it never does. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { LIMITS } from "../../lib/contract/limits";
import { DEFAULT_RETENTION_POLICY } from "../../lib/retention/policy";
import { settle } from "./learningArgs";
import { beginRunOf, type Driven, play } from "./runDriver";
import { bar, claim, seedVersion } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

const DAY_MS = 86_400_000;
let desk: Desk;
let run: Driven;
beforeEach(async () => {
  desk = await openDesk();
  run = await beginRunOf(desk, await seedVersion(desk));
});
afterEach(() => vi.useRealTimers());

/** The desk's date moves on; what was stored before is that much older. */
const pass = (days: number) => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + days * DAY_MS });
async function sweep() {
  await desk.t.mutation(internal.retention.internal.tick, {});
  for (let i = 0; i < 8; i++) await settle(desk);
}
const stored = () =>
  desk.t.run((ctx) =>
    ctx.db
      .query("decisions")
      .withIndex("by_run_and_bar", (q) => q.eq("runId", run.runId))
      .collect(),
  );
const setPolicy = (change: Partial<typeof DEFAULT_RETENTION_POLICY>) =>
  desk.admin.mutation(api.retention.console.setPolicy, {
    values: { ...DEFAULT_RETENTION_POLICY, ...change },
    reason: "a test",
  });

const LONG = 2;
const FLAT = 1;
/** Opens, holds, closes, holds: two orders, and holds of which most repeat the one before. */
async function playDay(): Promise<Id<"decisions">[]> {
  const actions = [FLAT, FLAT, LONG, LONG, LONG, LONG, FLAT, FLAT, FLAT, FLAT];
  const ids = [];
  for (const [i, action] of actions.entries()) {
    ids.push((await play(run, bar(i, 2_000), action)).decisionId);
  }
  return ids;
}

describe("holds of runs", () => {
  test("past their age are thinned to the first of each reason in a row; orders, replayed holds and the last decision stay", async () => {
    const ids = await playDay();
    const replayed = ids[4]!;
    const jobId = await desk.viewer.mutation(api.decisions.console.requestReplay, { decisionId: replayed });
    const { lease } = await claim(desk);
    const result = { decisionId: replayed, identical: true, differences: [], checks: ["all"] };
    await desk.service.mutation(api.decisions.worker.saveReplay, { ...lease, jobId, ...result });
    const before = await stored();
    const orders = before.filter(({ outcome }) => outcome === "order").map(({ _id }) => _id);
    expect(orders.length).toBeGreaterThanOrEqual(2);
    await sweep();
    expect(await stored()).toHaveLength(10);
    pass(DEFAULT_RETENTION_POLICY.holdDays + 1);
    await sweep();
    const after = await stored();
    const left = after.map(({ _id }) => _id);
    expect(left).toEqual(expect.arrayContaining([...orders, replayed, ids[0]!, ids.at(-1)!]));
    expect(left.length).toBeLessThan(10);
    const reasons = (rows: Doc<"decisions">[]) => rows.map(({ holdReason }) => holdReason ?? "order");
    const changes = (rows: string[]) => rows.filter((reason, i) => reason !== rows[i - 1]);
    expect(changes(reasons(after))).toEqual(changes(reasons(before)));
    const { decisions } = await desk.viewer.query(api.runs.console.progress, { runId: run.runId });
    expect(decisions).toBe(10);
    const gone = ids.find((id) => !left.includes(id))!;
    await expectFailure(desk.viewer.query(api.decisions.console.get, { decisionId: gone }), "NOT_FOUND");
    await sweep();
    expect(await stored()).toEqual(after);
    const [row] = await desk.viewer.query(api.retention.console.sweeps, {});
    expect(row).toMatchObject({ table: "decisions", deleted: 10 - left.length });
  });

  test("D-04: are settled some hundred rows a transaction, and a sweep goes on by itself until all are", async () => {
    await playDay();
    const [{ _id, _creationTime, ...hold }] = (await stored()).filter(
      ({ outcome }) => outcome === "hold",
    ) as [Doc<"decisions">];
    await desk.t.run(async (ctx) => {
      for (let i = 0; i < 2 * LIMITS.rowsPerSweep; i++) {
        await ctx.db.insert("decisions", { ...hold, barOpenTimeMs: hold.barOpenTimeMs - 1 - i });
      }
    });
    pass(DEFAULT_RETENTION_POLICY.holdDays + 1);
    const count = (await stored()).length;
    await desk.t.mutation(internal.retention.internal.sweep, { table: "decisions" });
    expect(count - (await stored()).length).toBeLessThanOrEqual(LIMITS.rowsPerSweep);
    for (let i = 0; i < 8; i++) await settle(desk);
    expect((await stored()).length).toBeLessThan(12);
  });
});

describe("the policy", () => {
  test("is an admin's versioned, audited act; off deletes nothing; days that mean nothing are refused by name", async () => {
    await playDay();
    expect(await setPolicy({ enabled: false })).toEqual({ version: 1 });
    pass(400);
    await sweep();
    expect(await stored()).toHaveLength(10);
    await expectFailure(setPolicy({ holdDays: 1 }), "INVALID_ARGUMENT", "holdDays");
    expect(await setPolicy({ holdDays: 30 })).toEqual({ version: 2 });
    const audit = await desk.t.run((ctx) => ctx.db.query("auditEntries").collect());
    expect(audit.at(-1)).toMatchObject({ action: "retentionPolicy.set", subjectId: "2" });
  });
});
