/** Champion and challenger on the same bars; the model of a run changes between two of them; one step back. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import type { Candle } from "../../lib/market/types";
import { cycleOf, POLICY, setPolicy, settle, throughGates, tick } from "./learningArgs";
import { advance, beginRunOf, type Driven, decide, play, runOf, submission } from "./runDriver";
import { bar, INSTRUMENT, seedVersion } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
let version: Awaited<ReturnType<typeof seedVersion>>;
beforeEach(async () => {
  desk = await openDesk();
  version = await seedVersion(desk);
  await crown(version.versionId);
});

const crown = (versionId: Id<"agentVersions">) =>
  desk.admin.mutation(api.governance.console.forcePromote, { versionId, reason: "a champion for the test" });
const championId = async () =>
  (await desk.viewer.query(api.governance.console.listChampions, {}))[0]!.versionId;
const shadowOf = (shadowId: Id<"shadows">) => desk.viewer.query(api.shadows.console.get, { shadowId });
/** A replay: its bars are never late. */
const championRun = () => beginRunOf(desk, version);

/** A cycle that has come to its shadow. */
async function shadowed(shadow: Partial<typeof POLICY.shadow> = {}) {
  await setPolicy(desk, { shadow: { ...POLICY.shadow, ...shadow } });
  const cycleId = await throughGates(desk);
  const { shadowId, challengerVersionId } = await cycleOf(desk, cycleId);
  const challenger = await desk.viewer.query(api.agents.console.get, { versionId: challengerVersionId! });
  return { cycleId, shadowId: shadowId!, challenger };
}

type Shadowed = Awaited<ReturnType<typeof shadowed>>;

function ghostSubmission(run: Driven, { challenger }: Shadowed, candle: Candle, action: number) {
  const whole = submission(run, candle, action);
  const provenance = {
    ...whole.provenance,
    versionId: challenger._id,
    artifactSha256: challenger.artifactSha256!,
    trainingDatasetHash: challenger.datasetHash,
  };
  return { ...whole, provenance };
}

/** One bar of the run with its ghost, as the run's worker plays it. */
async function playBoth(run: Driven, at: Shadowed, candle: Candle, action: number, ghostAction: number) {
  const { shadow } = await advance(run, candle);
  await decide(run, candle, action);
  if (shadow === null) return null;
  const { lease, runId } = run;
  return desk.service.mutation(api.shadows.worker.decide, {
    ...{ ...lease, runId, shadowId: at.shadowId },
    submission: ghostSubmission(run, at, candle, ghostAction),
  });
}

const LONG = 2;
const FLAT = 1;
const SHORT = 0;
/** A price that climbs by `step` a bar from bar 200 on; the shadow begins there. */
const climbing = (i: number, step: number) =>
  bar(200 + i, 2_000 + i * step, { open: 2_000 + (i - 1) * step, close: 2_000 + i * step });

describe("a shadow", () => {
  test("starts as a copy of the champion's account, fills through the broker kernel and places no order", async () => {
    const at = await shadowed();
    const run = await championRun();
    await playBoth(run, at, climbing(0, 4), FLAT, LONG);
    await playBoth(run, at, climbing(1, 4), FLAT, LONG);
    const shadow = await shadowOf(at.shadowId);
    expect(shadow).toMatchObject({ status: "running", runId: run.runId, decisions: 2 });
    expect(shadow.account!.positionQty).toBeGreaterThan(0);
    expect(shadow.account!.feesUsd).toBeGreaterThan(0);
    expect(shadow.sequence.count).toBe(1);
    const account = await desk.viewer.query(api.execution.console.account, { runId: run.runId });
    expect(account?.account.positionQty).toBe(0);
    expect(await desk.viewer.query(api.execution.console.orders, { runId: run.runId })).toEqual([]);
    const [newest] = await desk.viewer.query(api.shadows.console.decisions, { shadowId: at.shadowId });
    expect(newest).toMatchObject({ action: LONG, outcome: "hold", holdReason: "already at target" });
  });

  test("that earns more on every bar is promoted, and the run goes over between two bars with its account", async () => {
    const at = await shadowed();
    const run = await championRun();
    let i = 0;
    while ((await shadowOf(at.shadowId)).isActive && i < 200) {
      await playBoth(run, at, climbing(i, 8), SHORT, LONG);
      i += 1;
    }
    await settle(desk);
    const cycle = await cycleOf(desk, at.cycleId);
    expect(cycle.status).toBe("promoted");
    expect(cycle.reasons.map(({ sentence }) => sentence).join(" ")).toMatch(
      /more than the champion .* is above/,
    );
    expect(await championId()).toBe(at.challenger._id);
    expect((await runOf(run)).desiredModel).toEqual({ versionId: at.challenger._id, cause: "promotion" });

    const next = climbing(i, 8);
    const advanced = await advance(run, next);
    expect(advanced.desiredModel).toBe(at.challenger._id);
    const { lease, runId } = run;
    const switched = await desk.service.mutation(api.runs.worker.switchModel, {
      ...{ ...lease, runId, versionId: at.challenger._id },
    });
    expect(switched).toMatchObject({
      versionId: at.challenger._id,
      artifactSha256: at.challenger.artifactSha256,
      lastBarOpenTimeMs: next.openTimeMs,
    });
    await expectFailure(decide(run, next, FLAT), "INVALID_ARGUMENT", "provenance");
    const own = ghostSubmission(run, at, next, FLAT);
    await desk.service.mutation(api.decisions.worker.submit, { ...lease, runId, submission: own });
    const account = await desk.viewer.query(api.execution.console.account, { runId });
    expect(account?.account).toEqual(advanced.account);
    const audit = await desk.t.run((ctx) => ctx.db.query("auditEntries").collect());
    expect(audit.at(-1)).toMatchObject({ action: "run.switchModel", subjectId: runId });
  });

  test("that earns less is rejected with the interval in words, and the champion stays", async () => {
    const at = await shadowed();
    const run = await championRun();
    for (let i = 0; i < 200 && (await shadowOf(at.shadowId)).isActive; i++) {
      await playBoth(run, at, climbing(i, 8), LONG, SHORT);
    }
    await settle(desk);
    const cycle = await cycleOf(desk, at.cycleId);
    expect(cycle.status).toBe("rejected");
    expect(cycle.reasons.at(-1)!.sentence).toMatch(/all of it is below -1.00 bps/);
    expect(await championId()).toBe(version.versionId);
  });

  test("that cannot be told from the champion ends as rejected after its longest length", async () => {
    const at = await shadowed({ maxBars: 25, tolerance: 0 });
    const run = await championRun();
    for (let i = 0; i < 27; i++) await playBoth(run, at, climbing(i, 0), FLAT, FLAT);
    await settle(desk);
    expect((await cycleOf(desk, at.cycleId)).reasons.at(-1)!.sentence).toContain(
      "the longest shadow of 25 bars",
    );
    const { timesMs, lower, upper } = await desk.viewer.query(api.shadows.console.difference, {
      shadowId: at.shadowId,
    });
    expect(timesMs).toHaveLength(25);
    expect(lower.every((value, i) => value <= upper[i]!)).toBe(true);
  });

  test("K-07: trades on while its champion's circuit breaker is open", async () => {
    const at = await shadowed();
    const run = await championRun();
    for (let i = 0; i < 40 && (await runOf(run)).breaker === undefined; i++) {
      await playBoth(run, at, climbing(i, 8), SHORT, FLAT);
    }
    expect((await runOf(run)).breaker?.sentence).toMatch(/Loss since 00:00 UTC/);
    const i = (await shadowOf(at.shadowId)).decisions;
    expect(await playBoth(run, at, climbing(i, 8), SHORT, LONG)).toBe("order");
    expect((await shadowOf(at.shadowId)).breaker).toBeUndefined();
  });

  test("K-07: that breaches a loss limit takes no new risk and is not promoted, however the champion does", async () => {
    const at = await shadowed({ maxBars: 60 });
    const run = await championRun();
    let i = 0;
    while ((await shadowOf(at.shadowId)).breaker === undefined && i < 40) {
      await playBoth(run, at, climbing(i, 8), FLAT, SHORT);
      i += 1;
    }
    await playBoth(run, at, climbing(i++, 8), FLAT, FLAT);
    expect(await playBoth(run, at, climbing(i++, 8), FLAT, LONG)).toBe("hold");
    const [held] = await desk.viewer.query(api.shadows.console.decisions, { shadowId: at.shadowId });
    expect(held!.holdReason).toMatch(/^circuit breaker: Loss since 00:00 UTC/);
    // As if it had been far ahead before: the interval alone would promote it.
    const ahead = { count: 5_000, sum: 50, squares: 0.5, clipped: 0 };
    await desk.t.run((ctx) => ctx.db.patch(at.shadowId, { sequence: ahead }));
    await playBoth(run, at, climbing(i, 8), FLAT, FLAT);
    const ended = await shadowOf(at.shadowId);
    expect(ended.status).toBe("reject");
    expect(ended.sentence).toMatch(
      /is above .* It breached a loss limit on the way and is not promoted: Loss/,
    );
  });

  test("counts no bar that training or evaluation has seen, and none twice", async () => {
    const at = await shadowed();
    const replay = await beginRunOf(desk, version);
    await play(replay, bar(50, 2_000), FLAT);
    expect((await shadowOf(at.shadowId)).status).toBe("waiting");
    await playBoth(replay, at, climbing(0, 1), FLAT, FLAT);
    await playBoth(replay, at, climbing(1, 1), FLAT, FLAT);
    await desk.operator.mutation(api.runs.console.stop, { runId: replay.runId });
    const again = await beginRunOf(desk, version);
    await playBoth(again, at, climbing(0, 1), FLAT, FLAT);
    await playBoth(again, at, climbing(1, 1), FLAT, FLAT);
    expect(await shadowOf(at.shadowId)).toMatchObject({ runId: replay.runId });
    await playBoth(again, at, climbing(2, 1), FLAT, FLAT);
    expect(await shadowOf(at.shadowId)).toMatchObject({ runId: again.runId });
  });

  test("W-04: a bar or decision that is sent again changes nothing; W-05: another run's worker decides nothing", async () => {
    const at = await shadowed();
    const run = await championRun();
    const candle = climbing(0, 1);
    await playBoth(run, at, candle, FLAT, LONG);
    const before = await shadowOf(at.shadowId);
    const { shadow } = await advance(run, candle);
    expect(shadow).toMatchObject({ shadowId: at.shadowId });
    await playBoth(run, at, candle, FLAT, SHORT);
    expect(await shadowOf(at.shadowId)).toEqual(before);
    const other = await beginRunOf(desk, version);
    const { lease, runId } = other;
    const call = desk.service.mutation(api.shadows.worker.decide, {
      ...{ ...lease, runId, shadowId: at.shadowId },
      submission: ghostSubmission(other, at, climbing(1, 1), LONG),
    });
    await expectFailure(call, "CONFLICT", "submission");
  });

  test("A-01: of a challenger that cannot be loaded is rejected with the reason", async () => {
    const at = await shadowed();
    const run = await championRun();
    await playBoth(run, at, climbing(0, 1), FLAT, FLAT);
    const { lease, runId } = run;
    const reason = "the checksum is another";
    await desk.service.mutation(api.shadows.worker.refuse, {
      ...lease,
      runId,
      shadowId: at.shadowId,
      reason,
    });
    await settle(desk);
    expect((await cycleOf(desk, at.cycleId)).reasons.at(-1)!.sentence).toContain(reason);
  });

  test("ends when the champion changes under it; its cycle is rejected by the minute's sweep", async () => {
    const at = await shadowed();
    await crown(at.challenger._id);
    await tick(desk);
    expect(await shadowOf(at.shadowId)).toMatchObject({ isActive: false, status: "ended" });
    expect((await cycleOf(desk, at.cycleId)).status).toBe("rejected");
  });

  test("is cancelled with its cycle", async () => {
    const at = await shadowed();
    await desk.operator.mutation(api.learning.console.cancel, { cycleId: at.cycleId });
    expect(await desk.viewer.query(api.shadows.console.active, { instrument: INSTRUMENT })).toBeNull();
    const run = await championRun();
    expect((await advance(run, climbing(0, 1))).shadow).toBeNull();
  });
});

describe("with age", () => {
  afterEach(() => vi.useRealTimers());
  const left = () =>
    desk.t.run(async (ctx) => ({
      decisions: (await ctx.db.query("shadowDecisions").collect()).length,
      parts: (await ctx.db.query("shadowParts").collect()).length,
    }));
  /** Half a year later, one sweep. */
  async function age() {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 180 * 86_400_000 });
    await desk.t.mutation(internal.retention.internal.tick, {});
    await settle(desk);
    await settle(desk);
  }

  test("what a promotion rests on stays: every decision and bar of the ghost that won", async () => {
    const at = await shadowed();
    const run = await championRun();
    for (let i = 0; i < 200 && (await shadowOf(at.shadowId)).isActive; i++) {
      await playBoth(run, at, climbing(i, 8), SHORT, LONG);
    }
    await settle(desk);
    expect((await cycleOf(desk, at.cycleId)).status).toBe("promoted");
    const before = await left();
    expect(before.decisions).toBeGreaterThan(20);
    await age();
    expect(await left()).toEqual(before);
  });

  test("a shadow that goes on is waited for; one that promoted nothing keeps its row and its sentence alone", async () => {
    const at = await shadowed();
    const run = await championRun();
    await playBoth(run, at, climbing(0, 8), FLAT, LONG);
    await playBoth(run, at, climbing(1, 8), FLAT, LONG);
    await age();
    expect(await left()).toEqual({ decisions: 2, parts: 1 });
    await desk.operator.mutation(api.learning.console.cancel, { cycleId: at.cycleId });
    await age();
    expect(await left()).toEqual({ decisions: 0, parts: 0 });
    expect(await shadowOf(at.shadowId)).toMatchObject({ status: "ended", decisions: 2 });
  });
});
