/** One step back: the previous champion takes over, between two bars of the runs that are on. */
import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { cycleOf, POLICY, setPolicy, throughGates } from "./learningArgs";
import { advance, beginRunOf, type Driven } from "./runDriver";
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
const rollback = (reason = "it trades badly") =>
  desk.operator.mutation(api.governance.console.rollback, { instrument: INSTRUMENT, reason });
const runOf = (run: Driven) => desk.viewer.query(api.runs.console.get, { runId: run.runId });

/** A cycle whose policy has this shadow, past its gates. */
async function cycled(shadow: Partial<typeof POLICY.shadow> = {}) {
  await setPolicy(desk, { shadow: { ...POLICY.shadow, ...shadow } });
  const { shadowId, challengerVersionId } = await cycleOf(desk, await throughGates(desk));
  const challenger = await desk.viewer.query(api.agents.console.get, { versionId: challengerVersionId! });
  return { shadowId, challenger };
}

describe("rollback", () => {
  async function replaced() {
    const at = await cycled({ enabled: false });
    expect(await championId()).toBe(at.challenger._id);
    return at;
  }
  const running = async (at: Awaited<ReturnType<typeof cycled>>) =>
    beginRunOf(desk, {
      ...version,
      versionId: at.challenger._id,
      artifactSha256: at.challenger.artifactSha256!,
      datasetHash: at.challenger.datasetHash,
    });

  test("puts the previous champion back while a run is on, which follows between bars with its account", async () => {
    const at = await replaced();
    const run = await running(at);
    await advance(run, bar(0, 2_000));
    expect(await rollback()).toEqual({
      versionId: version.versionId,
      rolledBackVersionId: at.challenger._id,
      runs: 1,
    });
    expect(await championId()).toBe(version.versionId);
    const advanced = await advance(run, bar(1, 2_000));
    expect(advanced.desiredModel).toBe(version.versionId);
    const { lease, runId } = run;
    const target = { ...lease, runId, versionId: version.versionId };
    await desk.service.mutation(api.runs.worker.switchModel, target);
    await desk.service.mutation(api.runs.worker.switchModel, target);
    const now = await runOf(run);
    expect(now).toMatchObject({ versionId: version.versionId, artifactSha256: version.artifactSha256 });
    expect(now.desiredModel).toBeUndefined();
    const [newest] = await desk.viewer.query(api.governance.console.listPromotions, {});
    expect(newest).toMatchObject({
      outcome: "rolledBack",
      versionId: version.versionId,
      reason: "it trades badly",
    });
    const statuses = await Promise.all(
      [version.versionId, at.challenger._id].map(
        async (versionId) => (await desk.viewer.query(api.agents.console.get, { versionId })).status,
      ),
    );
    expect(statuses).toEqual(["champion", "retired"]);
  });

  test("is one step: a second one is refused, and so is one without a champion before", async () => {
    await expectFailure(rollback(), "NOT_READY", "instrument");
    await replaced();
    await rollback();
    await expectFailure(rollback(), "NOT_READY", "instrument");
    await expectFailure(rollback("x"), "INVALID_ARGUMENT", "reason");
  });

  test("leaves a run of another version alone", async () => {
    await replaced();
    const run = await beginRunOf(desk, version);
    expect(await rollback()).toMatchObject({ runs: 0 });
    expect((await runOf(run)).desiredModel).toBeUndefined();
  });

  test("A-01: a new champion that cannot be loaded gives its place back and the run keeps its model", async () => {
    const run = await beginRunOf(desk, version);
    const at = await cycled({ enabled: false });
    expect((await runOf(run)).desiredModel).toMatchObject({ versionId: at.challenger._id });
    const { lease, runId } = run;
    const versionId = at.challenger._id;
    await desk.service.mutation(api.runs.worker.refuseModel, { ...lease, runId, versionId, reason: "torn" });
    expect(await championId()).toBe(version.versionId);
    const now = await runOf(run);
    expect(now).toMatchObject({ versionId: version.versionId, status: "running" });
    expect(now.desiredModel).toBeUndefined();
  });

  test("whose model cannot be loaded pauses the run: no model is left that it may go on with", async () => {
    const at = await replaced();
    const run = await running(at);
    await rollback();
    const { lease, runId } = run;
    const { versionId } = version;
    await desk.service.mutation(api.runs.worker.refuseModel, { ...lease, runId, versionId, reason: "torn" });
    expect(await runOf(run)).toMatchObject({ desired: "paused", status: "paused" });
  });
});
