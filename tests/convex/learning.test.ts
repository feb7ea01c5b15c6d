/** A learning cycle: from the cadence to a promotion or a reasoned rejection, each step started by the last one's end. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import {
  BAD,
  cycleOf,
  doDataset,
  doTraining,
  MARKET,
  POLICY,
  setPolicy,
  settle,
  start,
  throughGates,
  tick,
} from "./learningArgs";
import { bar, claim, INSTRUMENT, seedVersion, T0, TF_MS } from "./seed";
import { type Desk, expectFailure, freezeDate, NOW_MS, openDesk } from "./setup";

let desk: Desk;
let version: Awaited<ReturnType<typeof seedVersion>>;
beforeEach(async () => {
  desk = await openDesk();
  version = await seedVersion(desk);
});
afterEach(() => vi.useRealTimers());

const championNow = async () => (await desk.viewer.query(api.governance.console.listChampions, {}))[0];
const crown = (versionId: Id<"agentVersions">) =>
  desk.admin.mutation(api.governance.console.forcePromote, { versionId, reason: "a champion for the test" });
const steps = (cycle: Awaited<ReturnType<typeof cycleOf>>) => cycle.reasons.map(({ step }) => step);

describe("the policy", () => {
  test("is off until an admin turns it on, and every version stays to be read", async () => {
    const before = await desk.viewer.query(api.learning.console.policy, MARKET);
    expect(before).toMatchObject({ version: 0, values: { enabled: false } });
    expect(await setPolicy(desk, { enabled: true })).toEqual({ version: 1 });
    await setPolicy(desk, { cadenceHours: 24 });
    const history = await desk.viewer.query(api.learning.console.policyHistory, MARKET);
    expect(history.map((row) => [row.version, row.values.cadenceHours])).toEqual([
      [2, 24],
      [1, 168],
    ]);
    const [newest, ...others] = await desk.viewer.query(api.learning.console.policies, {});
    expect(newest).toMatchObject({ ...MARKET, version: 2 });
    expect(others).toEqual([]);
  });

  test("with a number that means nothing is refused and names it", async () => {
    const shadow = { ...POLICY.shadow, alpha: 0.9 };
    await expectFailure(setPolicy(desk, { shadow }), "INVALID_ARGUMENT", "shadow.alpha");
  });
});

describe("a cycle", () => {
  test("without a champion goes from bars to a promotion, each step started by the end of the last", async () => {
    await setPolicy(desk);
    const cycleId = await throughGates(desk);
    const cycle = await cycleOf(desk, cycleId);
    expect(steps(cycle)).toEqual(["dataset", "training", "walkForward", "evaluation", "gates", "promoted"]);
    expect(cycle).toMatchObject({ status: "promoted", isActive: false, trigger: "manual", policyVersion: 1 });
    expect(cycle.trainToMs).toBe(T0 + 104 * TF_MS);
    expect(cycle.evaluateToMs).toBe(T0 + 200 * TF_MS);
    expect((await championNow())?.versionId).toBe(cycle.challengerVersionId);
  });

  test("with a champion of the same recipe compares both on the newest days, in sentences, before the shadow", async () => {
    await crown(version.versionId);
    await setPolicy(desk);
    const cycle = await cycleOf(desk, await throughGates(desk));
    expect(cycle.status).toBe("shadow");
    expect(cycle.foldDeltas).toEqual([]);
    expect(cycle.evaluationDeltas.map(({ measure }) => measure)).toEqual([
      "netPnlUsd",
      "winRate",
      "maxDrawdownFraction",
      "tradeCount",
      "deflatedSharpe",
    ]);
    expect(cycle.evaluationDeltas[0]!.sentence).toMatch(/^Net PnL .* USD is .* USD above the champion's/);
    expect((await championNow())?.versionId).toBe(version.versionId);
  });

  test("with a champion that has become bad raises no bar for its challenger: the first evaluation is the trial", async () => {
    await setPolicy(desk);
    const first = await cycleOf(desk, await throughGates(desk));
    expect(first.status).toBe("promoted");
    await setPolicy(desk, { steps: 1_001 });
    const worse = { championGainsUsd: BAD, note: "second" };
    const second = await cycleOf(desk, await throughGates(desk, worse));
    const dsr = second.gates.find(({ gate }) => gate === "minDsr")!;
    expect(dsr).toMatchObject({ passed: true });
  });

  test("with a champion of another recipe retrains both on the same folds", async () => {
    await crown(version.versionId);
    await setPolicy(desk, { hyperparameters: { gamma: 0.95 } });
    const cycle = await cycleOf(desk, await throughGates(desk));
    expect(cycle.foldDeltas[0]).toMatchObject({ measure: "netPnlUsd", champion: expect.any(Number) });
    expect(cycle.foldDeltas[0]!.delta).toBeGreaterThan(0);
    expect(cycle.gates.filter(({ gate }) => gate === "beatsChampion")).toHaveLength(2);
  });

  test("that fails gates is rejected with every failing sentence, and the champion stays", async () => {
    await crown(version.versionId);
    await setPolicy(desk);
    const cycle = await cycleOf(desk, await throughGates(desk, { gainsUsd: BAD, championGainsUsd: BAD }));
    expect(cycle).toMatchObject({ status: "rejected", isActive: false });
    expect(cycle.reasons.at(-1)!.sentence).toMatch(/gates fail: .*Net PnL/);
    expect(cycle.reasons.at(-1)!.sentence).toContain("Net PnL over the champion's on the newest days");
    expect((await championNow())?.versionId).toBe(version.versionId);
  });

  test("with no shadow in its policy promotes on the gates alone", async () => {
    await crown(version.versionId);
    await setPolicy(desk, { shadow: { ...POLICY.shadow, enabled: false } });
    const cycle = await cycleOf(desk, await throughGates(desk));
    expect(cycle.status).toBe("promoted");
    expect(await championNow()).toMatchObject({
      versionId: cycle.challengerVersionId,
      previousVersionId: version.versionId,
    });
  });

  test("A-08: of a training that fails ends as failed with its reason and promotes nothing", async () => {
    await setPolicy(desk);
    const cycleId = await start(desk);
    await doDataset(desk, "window");
    const { lease } = await claim(desk);
    const error = { code: "TRAINING_DIVERGED", message: "the loss is not finite" };
    await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome: { status: "failed", error } });
    await settle(desk);
    const cycle = await cycleOf(desk, cycleId);
    expect(cycle).toMatchObject({ status: "failed", isActive: false });
    expect(cycle.reasons.at(-1)!.sentence).toBe('At "training": the loss is not finite');
    expect(await championNow()).toBeUndefined();
  });

  test("goes on by the minute's sweep when the end of a job was not heard, and a second sweep changes nothing", async () => {
    await setPolicy(desk);
    const cycleId = await start(desk);
    const { jobId } = await cycleOf(desk, cycleId);
    await desk.t.run((ctx) => ctx.db.patch(jobId!, { status: "succeeded", resultId: version.datasetId }));
    await tick(desk);
    const after = await cycleOf(desk, cycleId);
    expect(after.status).toBe("training");
    await tick(desk);
    expect(await cycleOf(desk, cycleId)).toEqual(after);
  });

  test("W-10: whose worker is lost for good fails, and the next one may start", async () => {
    await setPolicy(desk);
    const cycleId = await start(desk);
    const { jobId } = await cycleOf(desk, cycleId);
    await claim(desk);
    await desk.t.run((ctx) => ctx.db.patch(jobId!, { leaseExpiresAtMs: 0, attempts: 5 }));
    await desk.service.mutation(api.ops.worker.claim, { workerId: "worker-2" });
    await settle(desk);
    expect(await cycleOf(desk, cycleId)).toMatchObject({ status: "failed", isActive: false });
    expect(await start(desk)).not.toBe(cycleId);
  });

  test("is alone on its instrument: a second start is refused and says where the first one is", async () => {
    await setPolicy(desk);
    await start(desk);
    await expectFailure(start(desk), "ALREADY_RUNNING", "instrument");
  });

  test("cancelled takes its job and its unborn version with it; cancelling it again is refused", async () => {
    await setPolicy(desk);
    const cycleId = await start(desk);
    await doDataset(desk, "window");
    await desk.operator.mutation(api.learning.console.cancel, { cycleId });
    const cycle = await cycleOf(desk, cycleId);
    expect(cycle.status).toBe("cancelled");
    const job = await desk.viewer.query(api.ops.console.job, { jobId: cycle.jobId! });
    expect(job.status).toBe("cancelled");
    const versionId = cycle.challengerVersionId!;
    expect((await desk.viewer.query(api.agents.console.get, { versionId })).status).toBe("cancelled");
    await expectFailure(
      desk.operator.mutation(api.learning.console.cancel, { cycleId }),
      "CONFLICT",
      "cycleId",
    );
  });

  test("whose training a person cancels on the jobs page is cancelled too", async () => {
    await setPolicy(desk);
    const cycleId = await start(desk);
    const { jobId } = await cycleOf(desk, cycleId);
    await desk.operator.mutation(api.ops.console.cancelJob, { jobId: jobId! });
    await settle(desk);
    expect((await cycleOf(desk, cycleId)).status).toBe("cancelled");
  });

  test("M-01: without bars is refused and names the next step", async () => {
    await setPolicy(desk, { source: "elsewhere" });
    await expectFailure(start(desk), "NO_DATA", "source");
    await setPolicy(desk, { evaluationDays: 30 });
    await expectFailure(start(desk), "NO_DATA", "source");
  });
});

describe("the cadence", () => {
  const cycles = () => desk.viewer.query(api.learning.console.cycles, { instrument: INSTRUMENT });

  test("starts a cycle when one is due, never two, and none while the policy is off", async () => {
    freezeDate();
    await setPolicy(desk, { enabled: false });
    await tick(desk);
    expect(await cycles()).toEqual([]);
    await setPolicy(desk, { enabled: true, cadenceHours: 24 });
    await tick(desk);
    await tick(desk);
    const [first, ...others] = await cycles();
    expect(first).toMatchObject({ trigger: "cadence", status: "dataset", startedBy: "system:learning" });
    expect(others).toEqual([]);
    await desk.operator.mutation(api.learning.console.cancel, { cycleId: first!._id });
    freezeDate(NOW_MS + 23 * 3_600_000);
    await tick(desk);
    expect(await cycles()).toHaveLength(1);
    freezeDate(NOW_MS + 24 * 3_600_000);
    await tick(desk);
    expect(await cycles()).toHaveLength(2);
  });

  test("keeps a cycle that cannot start as a failed one with its reason, and waits for the next turn", async () => {
    freezeDate();
    await setPolicy(desk, { enabled: true, source: "elsewhere" });
    await tick(desk);
    await tick(desk);
    const [failed, ...others] = await cycles();
    expect(failed).toMatchObject({ status: "failed", isActive: false });
    expect(failed!.reasons[0]!.sentence).toContain("There are no 15m bars");
    expect(others).toEqual([]);
  });
});

describe("as of an earlier time", () => {
  test("a cycle leaves out the bars from there on", async () => {
    await setPolicy(desk);
    const asOfMs = bar(190, 1).openTimeMs;
    const cycleId = await desk.operator.mutation(api.learning.console.start, { ...MARKET, asOfMs });
    expect(await cycleOf(desk, cycleId)).toMatchObject({ evaluateToMs: asOfMs });
    await doDataset(desk, "window");
    await doTraining(desk);
    expect((await cycleOf(desk, cycleId)).status).toBe("walkForward");
  });
});
