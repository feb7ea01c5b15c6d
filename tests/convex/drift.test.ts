/** Drift: a check, its level and what is done about it are one transaction, and decisions say what restrained them. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { adjudicate, decisionOrderId } from "../../lib/decision/adjudicate";
import { DEFAULT_DRIFT_POLICY } from "../../lib/drift/policy";
import { type Policy, setPolicy, settle } from "./learningArgs";
import { advance, beginRunOf, type Driven, play } from "./runDriver";
import { bar, beginTraining, INSTRUMENT, seedVersion, T0, TF_MS, trainingResult } from "./seed";
import { type Desk, expectFailure, freezeDate, openDesk } from "./setup";

let desk: Desk;
let version: Awaited<ReturnType<typeof seedVersion>>;
let run: Driven;
beforeEach(async () => {
  desk = await openDesk();
  version = await seedVersion(desk);
  run = await beginRunOf(desk, version);
  await saveReference(version.versionId);
});

const DRIFT = { ...DEFAULT_DRIFT_POLICY, enabled: true, replays: true, dwellChecks: 3 };
const watch = (change: Partial<Policy["drift"]> = {}) => setPolicy(desk, { drift: { ...DRIFT, ...change } });

function saveReference(versionId: Id<"agentVersions">) {
  const feature = (name: string) => ({ name, edges: [0], shares: [0.5, 0.5], quantiles: [-1, 1] });
  const reference = {
    ...{ versionId, features: ["a", "b", "c", "d"].map(feature), rows: 1_000, slippageBps: 1 },
    actionMix: { short: 0.3, flat: 0.4, long: 0.3 },
    calibration: { slope: 1, intercept: 0, error: 0.02 },
  };
  return desk.service.mutation(api.drift.worker.saveReference, { ...run.lease, reference });
}

let checks = 0;
/** A check in which the first `moved` of four features are far away. */
function check(moved: number, change: { barOpenTimeMs?: number; versionId?: Id<"agentVersions"> } = {}) {
  checks += 1;
  const features = ["a", "b", "c", "d"].map((name, i) => ({
    name,
    ...(i < moved ? { psi: 2, statistic: 0.6, pValue: 1e-9 } : { psi: 0.01, statistic: 0.02, pValue: 0.9 }),
  }));
  return desk.service.mutation(api.drift.worker.check, {
    ...{ ...run.lease, runId: run.runId, versionId: version.versionId },
    barOpenTimeMs: T0 + checks * TF_MS,
    windowBars: 500,
    features,
    ...change,
  });
}

const alerts = (openOnly = false) => desk.viewer.query(api.drift.console.alerts, { openOnly });
const runNow = () => desk.viewer.query(api.runs.console.get, { runId: run.runId });
const decisionOf = (decisionId: Id<"decisions">) =>
  desk.viewer.query(api.decisions.console.get, { decisionId });
const crown = (versionId: Id<"agentVersions">) =>
  desk.admin.mutation(api.governance.console.forcePromote, { versionId, reason: "a champion for the test" });

describe("a check", () => {
  test("A-09: of calm features raises nothing; a warning cuts size at once and says so; calm lifts it", async () => {
    await watch();
    expect(await check(0)).toEqual({ level: "calm" });
    expect(await alerts()).toEqual([]);
    expect(await check(1)).toEqual({ level: "warning" });
    const [alert] = await alerts(true);
    expect(alert).toMatchObject({
      fromLevel: "calm",
      level: "warning",
      action: "sizeCut",
      signal: "features",
    });
    expect(alert!.sentence).toMatch(/^1 of 4 features differ/);
    expect(alert!.actionSentence).toBe("New positions have 50 % of their size.");
    expect(alert!.actedAtMs - alert!.detectedAtMs).toBeLessThan(60_000);
    expect((await runNow()).drift).toEqual({ sizeFactor: 0.5 });
    for (let i = 0; i < 3; i++) await check(0);
    expect((await runNow()).drift).toBeUndefined();
    expect((await alerts())[0]).toMatchObject({ level: "calm", action: "none" });
  });

  test("A-09: repeated drift does not flap: one alert while it lasts, whatever it does between the thresholds", async () => {
    await watch();
    for (let i = 0; i < 12; i++) await check(i % 2 === 0 ? 1 : 0);
    expect(await alerts()).toHaveLength(1);
  });

  test("D-02: that is sent again changes nothing; A-03: one of another model is refused", async () => {
    await watch();
    await check(1, { barOpenTimeMs: T0 });
    expect(await check(4, { barOpenTimeMs: T0 })).toEqual({ level: "warning" });
    expect(await alerts()).toHaveLength(1);
    const { versionId } = await desk.operator.mutation(api.agents.console.requestTraining, {
      datasetId: version.datasetId,
      ...{ algorithm: "ppo", steps: 10, seed: 1 },
    });
    await expectFailure(check(1, { versionId }), "CONFLICT", "versionId");
  });

  test("measures actions, calibration and slippage from the desk's own rows", async () => {
    await watch({ onSevere: "alert" });
    for (let i = 0; i < 60; i++) await play(run, bar(i, 2_000 - i), 2);
    await check(0);
    const [report] = await desk.viewer.query(api.drift.console.checks, { runId: run.runId });
    expect(report!.actionPsi).toBeGreaterThan(1);
    // Long at 0.8 into a fall on every bar: stated 80 %, right never.
    expect(report!.calibrationGap).toBeCloseTo(0.8 - 0.02, 6);
    expect(report!.slippageGapBps).toBeNull();
    expect(report).toMatchObject({ level: "severe" });
    const state = await desk.viewer.query(api.drift.console.state, { runId: run.runId });
    expect(state).toMatchObject({ level: "severe", quietChecks: 0 });
  });

  test("makes the heat map: the largest PSI of a feature and day", async () => {
    await watch({ onSevere: "alert" });
    await check(1, { barOpenTimeMs: T0 });
    await check(2, { barOpenTimeMs: T0 + TF_MS });
    await check(0, { barOpenTimeMs: T0 + 86_400_000 });
    const { dayMs, features } = await desk.viewer.query(api.drift.console.heatMap, {
      instrument: INSTRUMENT,
    });
    expect(dayMs).toHaveLength(2);
    expect(features.find(({ name }) => name === "b")).toEqual({
      name: "b",
      psi: [2, 0.01],
      drifted: [true, false],
    });
  });
});

describe("what drift does", () => {
  test("a size cut is in the decision's circumstances, and judging them again gives the same order", async () => {
    await watch();
    await advance(run, bar(0, 2_000));
    const whole = await play(run, bar(1, 2_000), 2);
    await play(run, bar(2, 2_000), 1);
    await play(run, bar(3, 2_000), 1);
    await check(1);
    const cut = await play(run, bar(4, 2_000), 2);
    const [before, after] = [await decisionOf(whole.decisionId), await decisionOf(cut.decisionId)];
    expect(after.circumstances.sizeFactor).toBe(0.5);
    expect(after.plannedQty / before.plannedQty).toBeCloseTo(0.5, 1);
    const limits = await desk.service.query(api.risk.worker.limits, { version: after.riskLimitsVersion });
    const { account } = (await desk.viewer.query(api.execution.console.account, { runId: run.runId }))!;
    expect(account.positionQty).toBe(0);
    const stored = await desk.t.run((ctx) => ctx.db.query("accounts").first());
    const again = adjudicate({
      ...after.circumstances,
      ...{ account: after.account, sizing: stored!.sizing, rules: stored!.rules, action: after.action },
      ...{ confidence: after.confidence, referencePrice: after.referencePrice, atr: after.atr },
      clientOrderId: decisionOrderId(run.runId, after.barOpenTimeMs, after.action),
      limits,
    });
    expect(again.planned?.qty).toBe(after.plannedQty);
    expect(again.order).not.toBeNull();
  });

  test("a forced hold lets closing orders pass and nothing else, with its reason", async () => {
    await watch({ onSevere: "hold" });
    await play(run, bar(0, 2_000), 2);
    await advance(run, bar(1, 2_000));
    await check(4);
    expect((await runNow()).drift?.hold).toMatch(/^4 of 4 features differ/);
    const closing = await play(run, bar(2, 2_000), 0);
    const { plannedQty, account } = await decisionOf(closing.decisionId);
    expect(plannedQty).toBe(-account.positionQty);
    const opening = await play(run, bar(3, 2_000), 2);
    expect(await decisionOf(opening.decisionId)).toMatchObject({
      outcome: "hold",
      holdReason: expect.stringMatching(/^drift: 4 of 4 features/),
    });
  });

  test("a fallback puts the previous champion back for the running run; without one it holds", async () => {
    await watch({ onSevere: "fallback" });
    await crown(version.versionId);
    await check(4);
    expect((await alerts())[0]).toMatchObject({
      action: "hold",
      actionSentence: expect.stringContaining("no previous champion"),
    });

    const next = await trainedBeside(8);
    await crown(next);
    const { lease, runId } = run;
    await desk.service.mutation(api.runs.worker.switchModel, { ...lease, runId, versionId: next });
    expect((await runNow()).drift).toBeUndefined();
    await saveReference(next);
    expect(await check(4, { versionId: next })).toEqual({ level: "severe" });
    const [alert] = await alerts();
    expect(alert).toMatchObject({ fromLevel: "calm", level: "severe", action: "fallback" });
    expect((await runNow()).desiredModel).toEqual({ versionId: version.versionId, cause: "rollback" });
    const [champion] = await desk.viewer.query(api.governance.console.listChampions, {});
    expect(champion!.versionId).toBe(version.versionId);
  });

  async function trainedBeside(seed: number): Promise<Id<"agentVersions">> {
    const { versionId, lease } = await beginTraining(desk, version.datasetId, seed);
    const result = await trainingResult(desk, version.datasetHash, seed);
    await desk.service.mutation(api.agents.worker.complete, { ...lease, versionId, result });
    return versionId;
  }

  test("A-09: severe drift asks for a learning cycle where learning is on, and promotes nothing by itself", async () => {
    await setPolicy(desk, { enabled: true, drift: { ...DRIFT, onSevere: "hold" } });
    await check(4);
    const [cycle] = await desk.viewer.query(api.learning.console.cycles, {});
    expect(cycle).toMatchObject({ trigger: "drift", status: "dataset" });
    expect(await desk.viewer.query(api.governance.console.listChampions, {})).toEqual([]);
  });
});

describe("alerts and references", () => {
  test("an alert is acknowledged once, by name, and stays to be read", async () => {
    await watch();
    await check(1);
    const alertId = (await alerts(true))[0]!._id;
    await desk.operator.mutation(api.drift.console.acknowledge, { alertId, note: "the open of Monday" });
    expect(await alerts(true)).toEqual([]);
    expect((await alerts())[0]).toMatchObject({ isOpen: false, note: "the open of Monday" });
    const again = desk.operator.mutation(api.drift.console.acknowledge, { alertId });
    await expectFailure(again, "CONFLICT", "alertId");
  });

  test("W-05: a reference comes under the lease of its version's run or training, and the first one stays", async () => {
    const before = await desk.service.query(api.drift.worker.reference, { versionId: version.versionId });
    await saveReference(version.versionId);
    expect(await desk.service.query(api.drift.worker.reference, { versionId: version.versionId })).toEqual(
      before,
    );
    const { versionId } = await beginTraining(desk, version.datasetId, 11);
    await expectFailure(saveReference(versionId), "LEASE_LOST", "reference");
  });

  test("the policy of a run is that of its market, off for replays until it is set", async () => {
    const { runId } = run;
    expect((await desk.service.query(api.drift.worker.policy, { runId })).enabled).toBe(false);
    await watch();
    expect((await desk.service.query(api.drift.worker.policy, { runId })).enabled).toBe(true);
  });
});

describe("watching", () => {
  afterEach(() => vi.useRealTimers());
  const watching = () => desk.viewer.query(api.drift.console.watching, {});
  const goLive = () => beginRunOf(desk, version, { feed: "live", fromMs: undefined, toMs: undefined });

  test("A-09: a live run is watched without any policy, and severe drift holds its next decision within 60 s of the bar's close", async () => {
    const live = await goLive();
    await saveReference(version.versionId);
    const [, row] = await watching();
    expect(row).toMatchObject({
      feed: "live",
      isOn: true,
      onWarning: "sizeCut",
      onSevere: "hold",
      level: null,
    });
    const seen = bar(0, 2_000);
    const closeMs = seen.openTimeMs + TF_MS;
    freezeDate(closeMs + 20_000);
    await play(live, seen, 1);
    vi.setSystemTime(closeMs + 45_000);
    run = live;
    expect(await check(4, { barOpenTimeMs: seen.openTimeMs })).toEqual({ level: "severe" });
    const [alert] = await alerts(true);
    expect(alert).toMatchObject({ action: "hold", level: "severe", runId: live.runId });
    expect(alert!.actedAtMs - closeMs).toBeLessThanOrEqual(60_000);
    vi.setSystemTime(closeMs + TF_MS);
    const next = await play(live, bar(1, 2_000), 2);
    expect(await decisionOf(next.decisionId)).toMatchObject({
      outcome: "hold",
      holdReason: expect.stringMatching(/^drift: 4 of 4 features/),
    });
  });

  test("says on or off and since when: as shipped from the start of the run, else from the version that changed it", async () => {
    freezeDate(Date.now());
    const startMs = Date.now();
    const live = await goLive();
    const ofRun = async () => (await watching()).find(({ runId }) => runId === live.runId);
    expect(await ofRun()).toMatchObject({ isOn: true, sinceMs: startMs });
    vi.setSystemTime(startMs + 1_000);
    await watch();
    expect(await ofRun()).toMatchObject({ isOn: true, sinceMs: startMs });
    vi.setSystemTime(startMs + 2_000);
    await watch({ enabled: false });
    vi.setSystemTime(startMs + 3_000);
    await watch({ enabled: false, dwellChecks: 4 });
    expect(await ofRun()).toMatchObject({ isOn: false, sinceMs: startMs + 2_000 });
  });

  test("a policy that stops it lets go what drift had restrained, and says so; a check on its way changes nothing", async () => {
    await watch({ onSevere: "hold" });
    await check(4);
    expect((await runNow()).drift).toBeDefined();
    await watch({ replays: false });
    expect((await runNow()).drift).toBeUndefined();
    expect((await alerts())[0]).toMatchObject({ fromLevel: "severe", level: "calm", signal: "policy" });
    expect(await check(4)).toEqual({ level: "calm" });
    expect((await runNow()).drift).toBeUndefined();
  });

  test("a year later, the checks that an alert was raised by are left of all", async () => {
    await watch();
    for (let i = 0; i < 10; i++) await check(i === 4 ? 1 : 0);
    const raised = (await alerts()).map(({ barOpenTimeMs }) => barOpenTimeMs);
    expect(raised.length).toBeGreaterThanOrEqual(2);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 366 * 86_400_000 });
    await desk.t.mutation(internal.retention.internal.tick, {});
    await settle(desk);
    await settle(desk);
    const reports = await desk.viewer.query(api.drift.console.checks, { runId: run.runId });
    expect(reports.map(({ barOpenTimeMs }) => barOpenTimeMs)).toEqual(raised);
    expect(await alerts()).toHaveLength(raised.length);
  });
});
