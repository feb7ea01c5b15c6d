import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { accountOf, advance, beginRun, beginRunOf, play, runOf, START } from "./runDriver";
import { bar, beginTraining, chunksOf, claim, RULES, SIZING, SOURCE, seedVersion, T0, TF_MS } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});

type StartArgs = Partial<typeof START> & { versionId?: Id<"agentVersions"> };
const start = (change: StartArgs = {}) =>
  desk.operator.mutation(api.runs.console.start, { ...START, ...change });
const stop = (runId: Id<"runs">) => desk.operator.mutation(api.runs.console.stop, { runId });
const run = (runId: Id<"runs">) => desk.viewer.query(api.runs.console.get, { runId });
const LIVE = { feed: "live" as const, fromMs: undefined, toMs: undefined };

describe("starting a run is refused", () => {
  test("K-01: while the kill switch is on, in any mode", async () => {
    await seedVersion(desk);
    for (const mode of ["noNewRisk", "cancelAll", "flatten"] as const) {
      await desk.operator.mutation(api.governance.console.engage, { mode, reason: "test" });
      await expectFailure(start(), "KILL_SWITCH_ON");
    }
  });

  test("K-08: while risk limits or the kill switch were never set", async () => {
    await seedVersion(desk);
    const empty = (table: "riskLimits" | "killSwitch") =>
      desk.t.run(async (ctx) => {
        for (const row of await ctx.db.query(table).collect()) await ctx.db.delete(row._id);
      });
    await empty("riskLimits");
    await expectFailure(start(), "RISK_LIMITS_MISSING");
    await empty("killSwitch");
    await expectFailure(start(), "KILL_SWITCH_ON");
  });

  test("without bars in the range, without a range, or from a source nobody imported", async () => {
    await seedVersion(desk);
    await expectFailure(start({ fromMs: T0 + 300 * TF_MS, toMs: T0 + 400 * TF_MS }), "NO_DATA", "source");
    await expectFailure(start({ source: "nowhere" }), "NO_DATA", "source");
    await expectFailure(start({ fromMs: START.toMs, toMs: START.fromMs }), "INVALID_ARGUMENT", "fromMs");
    await expectFailure(start({ fromMs: undefined }), "INVALID_ARGUMENT", "fromMs");
  });

  test("without a trained version, with one that has no artifact, and for another instrument", async () => {
    const { datasetId, versionId } = await seedVersion(desk);
    const untrained = await beginTraining(desk, datasetId, 8);
    await expectFailure(start({ versionId: untrained.versionId }), "NOT_READY", "versionId");
    const paxg = { instrument: "PAXG-USDT", timeframe: "15m", source: SOURCE } as const;
    const chunks = chunksOf([bar(0, 2_000), bar(1, 2_000)], "15m");
    const meta = { calendar: "always", simulated: false } as const;
    await desk.service.mutation(api.market.worker.appendChunks, { ...paxg, ...meta, chunks });
    await expectFailure(start({ instrument: "PAXG-USDT", versionId }), "INVALID_ARGUMENT", "versionId");
    await expectFailure(start({ instrument: "PAXG-USDT" }), "NOT_READY", "versionId");
  });

  test.each([
    ["initialBalanceUsd", 0],
    ["initialBalanceUsd", -1],
    ["initialBalanceUsd", 1e9 + 1],
    ["speed", -1],
  ])("with %s = %d", async (field, value) => {
    await seedVersion(desk);
    await expectFailure(start({ [field]: value }), "INVALID_ARGUMENT", field);
  });
});

describe("one live run per instrument", () => {
  test("a second live run is refused until the first is stopped; replays are not held back", async () => {
    await seedVersion(desk);
    const { runId } = await start(LIVE);
    await expectFailure(start(LIVE), "ALREADY_RUNNING");
    await start();
    await start();
    await stop(runId);
    const second = await start(LIVE);
    await desk.operator.mutation(api.runs.console.pause, { runId: second.runId });
    await expectFailure(start(LIVE), "ALREADY_RUNNING");
  });

  test("a run that was stopped before its worker came stays stopped: nothing can begin or revive it", async () => {
    await seedVersion(desk);
    const first = await start(LIVE);
    const { lease } = await claim(desk);
    await stop(first.runId);
    await start(LIVE);
    const begin = { ...lease, runId: first.runId, featuresFromMs: T0, accountFromMs: T0 };
    await expectFailure(desk.service.mutation(api.runs.worker.begin, begin), "CONFLICT", "runId");
    expect(await run(first.runId)).toMatchObject({ status: "stopped", desired: "stopped" });
  });

  test("stopping a run that waits in the queue cancels its job", async () => {
    await seedVersion(desk);
    const { runId, jobId } = await start();
    await stop(runId);
    expect(await desk.viewer.query(api.ops.console.job, { jobId })).toMatchObject({ status: "cancelled" });
  });
});

describe("beginning a run", () => {
  test("the account gets costs, rules and sizing from the checked artifact; beginning twice changes nothing", async () => {
    const driven = await beginRun(desk);
    const account = await accountOf(driven);
    expect(account).toMatchObject({ rules: RULES, sizing: SIZING, initialBalanceUsd: 10_000 });
    await play(driven, bar(0, 2_000), 2);
    await advance(driven, bar(1, 2_000));
    const before = await accountOf(driven);
    const { lease, runId } = driven;
    const times = { featuresFromMs: T0 + 9, accountFromMs: T0 + 9 };
    await desk.service.mutation(api.runs.worker.begin, { ...lease, runId, ...times });
    expect(await accountOf(driven)).toEqual(before);
    expect(await run(runId)).toMatchObject({ featuresFromMs: T0, status: "running" });
  });

  test("A-01: an artifact whose manifest was edited in the store opens no account", async () => {
    const { versionId } = await seedVersion(desk);
    const { runId } = await start({ versionId });
    const { lease } = await claim(desk);
    await desk.t.run(async (ctx) => {
      const [row] = await ctx.db.query("agentManifests").collect();
      const manifest = row!.manifest.replace('"takerFeeBps":5', '"takerFeeBps":0');
      expect(manifest).not.toBe(row!.manifest);
      await ctx.db.patch(row!._id, { manifest });
    });
    const begin = { ...lease, runId, featuresFromMs: T0, accountFromMs: T0 };
    await expectFailure(desk.service.mutation(api.runs.worker.begin, begin), "ARTIFACT_HASH_MISMATCH");
    expect(await desk.viewer.query(api.execution.console.account, { runId })).toBeNull();
  });
});

describe("the progress of a run", () => {
  test("is live beside the run while it is active, and part of the run from its end on", async () => {
    const run = await beginRun(desk);
    const row = async () => (await desk.viewer.query(api.runs.console.list, {}))[0]!;
    const before = await row();
    await play(run, bar(0, 2_000), 2);
    await play(run, bar(1, 2_001), 2);
    expect(await row()).toEqual(before);
    expect(before.progress).toBeNull();
    const live = await desk.viewer.query(api.runs.console.progress, { runId: run.runId });
    expect(live).toMatchObject({ bars: 2, decisions: 2, fills: 1, lastBarOpenTimeMs: bar(1, 1).openTimeMs });
    await stop(run.runId);
    const { progress } = await row();
    expect(progress).toMatchObject({ bars: 2, decisions: 2, fills: 2, lastDecisionId: live.lastDecisionId });
    expect(await desk.viewer.query(api.runs.console.progress, { runId: run.runId })).toEqual({
      ...progress,
      status: "stopped",
    });
    expect(await desk.t.run((ctx) => ctx.db.query("runProgress").collect())).toEqual([]);
  });

  test("of a run that an older desk began is taken over from the run itself", async () => {
    const run = await beginRun(desk);
    await play(run, bar(0, 2_000), 2);
    await desk.t.run(async (ctx) => {
      const [row] = await ctx.db.query("runProgress").collect();
      const { _id, _creationTime, runId, ...progress } = row!;
      await ctx.db.patch(runId, progress);
      await ctx.db.delete(_id);
    });
    await play(run, bar(1, 2_001), 2);
    expect(await runOf(run)).toMatchObject({ bars: 2, decisions: 2, fills: 1 });
  });
});

describe("pause, resume, stop, end", () => {
  const act = (name: "pause" | "resume" | "stop", runId: Id<"runs">) =>
    desk.operator.mutation(api.runs.console[name], { runId });

  test("the worker hears what the operator wants with its next bar", async () => {
    const driven = await beginRun(desk);
    expect(await advance(driven, bar(0, 2_000))).toMatchObject({ desired: "running" });
    await act("pause", driven.runId);
    expect(await advance(driven, bar(1, 2_000))).toMatchObject({ desired: "paused" });
    await act("resume", driven.runId);
    expect(await advance(driven, bar(2, 2_000))).toMatchObject({ desired: "running" });
    await act("stop", driven.runId);
    expect(await advance(driven, bar(3, 2_000))).toMatchObject({ desired: "stopped" });
  });

  test("paused before its worker came, a run begins paused", async () => {
    const version = await seedVersion(desk);
    const { runId } = await start({ versionId: version.versionId });
    await act("pause", runId);
    const { lease } = await claim(desk);
    const begin = { ...lease, runId, featuresFromMs: T0, accountFromMs: T0 };
    await desk.service.mutation(api.runs.worker.begin, begin);
    expect(await run(runId)).toMatchObject({ status: "paused", desired: "paused" });
  });

  test("an ended run neither pauses, resumes nor stops again", async () => {
    const driven = await beginRun(desk);
    await act("stop", driven.runId);
    for (const name of ["pause", "resume", "stop"] as const) {
      await expectFailure(act(name, driven.runId), "CONFLICT", "runId");
    }
  });

  test("the worker's end flattens; a run that was stopped meanwhile stays stopped", async () => {
    const version = await seedVersion(desk);
    const end = (driven: Awaited<ReturnType<typeof beginRun>>, status: "finished" | "failed") =>
      desk.service.mutation(api.runs.worker.end, {
        ...driven.lease,
        runId: driven.runId,
        status,
        error: "why",
      });
    const first = await beginRunOf(desk, version);
    await play(first, bar(0, 2_000), 2);
    await advance(first, bar(1, 2_000));
    await end(first, "failed");
    expect(await runOf(first)).toMatchObject({
      status: "failed",
      error: "why",
      fills: 2,
      desired: "stopped",
    });
    expect((await accountOf(first)).account.positionQty).toBe(0);
    const second = await beginRunOf(desk, version);
    await act("stop", second.runId);
    await end(second, "finished");
    expect(await runOf(second)).toMatchObject({ status: "stopped" });
  });
});
