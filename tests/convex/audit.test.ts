import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { auditHash, CHAIN_START, verifyEntries } from "../../lib/audit/chain";
import { sha256Hex } from "../../lib/core/sha256";
import { beginRunOf, START } from "./runDriver";
import { seedVersion } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});

const chain = () => desk.viewer.query(api.audit.console.chain, { fromSequence: 0 });
const actions = async () => (await chain()).map((entry) => entry.action);
const LIMITS_ROW = {
  maxPositionNotionalUsd: 1_000,
  maxLeverage: 2,
  maxDailyLossUsd: 100,
  maxDrawdownFraction: 0.1,
  maxOrdersPerHour: 5,
  maxBarAgeMs: 60_000,
};

/** One of every act that changes what the desk may do, as it is done by hand. */
async function actOnce(): Promise<void> {
  const { admin, operator, anonymous } = desk;
  const codeHash = sha256Hex("invitation");
  await admin.mutation(api.access.console.inviteMember, {
    ...{ codeHash, role: "viewer", subject: "local:eve", displayName: "Eve" },
  });
  await anonymous.mutation(api.access.console.redeemLink, { codeHash });
  await admin.mutation(api.risk.console.set, { limits: LIMITS_ROW, reason: "smaller" });
  const version = await seedVersion(desk);
  const { runId } = await beginRunOf(desk, version);
  await operator.mutation(api.runs.console.pause, { runId });
  await operator.mutation(api.runs.console.resume, { runId });
  await operator.mutation(api.runs.console.stop, { runId });
  const { datasetId } = version;
  const training = { datasetId, algorithm: "ppo" as const, steps: 10, seed: 1 };
  const { jobId } = await operator.mutation(api.agents.console.requestTraining, training);
  await operator.mutation(api.ops.console.cancelJob, { jobId });
  await operator.mutation(api.ops.console.resume, { jobId });
  await operator.mutation(api.governance.console.engage, { mode: "flatten", reason: "drill" });
  await admin.mutation(api.governance.console.arm, { reason: "drill over" });
  await admin.mutation(api.governance.console.forcePromote, {
    versionId: version.versionId,
    reason: "a test",
  });
}

describe("the audit chain", () => {
  test("every act appends its entry in the same transaction, and the chain verifies", async () => {
    const before = (await actions()).length;
    await actOnce();
    expect((await actions()).slice(before)).toEqual([
      "signIn.linkCreated",
      "member.add",
      "signIn.redeemed",
      "risk.setLimits",
      "dataset.requestBuild",
      "dataset.record",
      "training.request",
      "training.complete",
      "run.start",
      "run.pause",
      "run.resume",
      "run.stop",
      "training.request",
      "job.cancel",
      "job.resume",
      "killSwitch.engage",
      "killSwitch.arm",
      "promotion.forced",
    ]);
    const entries = await chain();
    expect(verifyEntries(entries, CHAIN_START)).toMatchObject({ ok: true });
    expect(entries.map((entry) => entry.sequence)).toEqual(entries.map((_, i) => i));
  });

  test("an entry says who, and a person's act carries the person's identity", async () => {
    await desk.operator.mutation(api.governance.console.engage, { mode: "noNewRisk", reason: "drill" });
    expect((await chain()).at(-1)).toMatchObject({
      ...{ actor: "https://assay.local|local:operator", action: "killSwitch.engage", subjectId: "2" },
      detail: '{"mode":"noNewRisk","reason":"drill"}',
    });
  });

  test("an act that fails leaves no entry", async () => {
    const before = await chain();
    await expectFailure(desk.operator.mutation(api.runs.console.start, START), "NO_DATA");
    const vague = desk.operator.mutation(api.governance.console.engage, { mode: "flatten", reason: "" });
    await expectFailure(vague, "INVALID_ARGUMENT");
    expect(await chain()).toEqual(before);
  });

  const tampering: [string, (at: number) => Promise<void>][] = [
    [
      "edited",
      (at) =>
        desk.t.run(async (ctx) => {
          const rows = await ctx.db.query("auditEntries").collect();
          await ctx.db.patch(rows[at]!._id, { detail: '{"mode":"armed"}' });
        }),
    ],
    [
      "removed",
      (at) =>
        desk.t.run(async (ctx) => {
          const rows = await ctx.db.query("auditEntries").collect();
          await ctx.db.delete(rows[at]!._id);
        }),
    ],
  ];
  test.each(tampering)("D-08: an entry %s in the store is named as the first bad link", async (_, tamper) => {
    await tamper(3);
    expect(verifyEntries(await chain(), CHAIN_START)).toMatchObject({ ok: false, sequence: 3 });
  });

  test("D-08: an entry edited with a fitting hash breaks the link after it", async () => {
    await desk.t.run(async (ctx) => {
      const row = (await ctx.db.query("auditEntries").collect())[2]!;
      await ctx.db.patch(row._id, { actor: "nobody", hash: auditHash({ ...row, actor: "nobody" }) });
    });
    expect(verifyEntries(await chain(), CHAIN_START)).toMatchObject({ ok: false, sequence: 3 });
  });

  test("reading in pages verifies the same chain", async () => {
    const all = await chain();
    const rest = await desk.viewer.query(api.audit.console.chain, { fromSequence: 4 });
    expect(rest).toEqual(all.slice(4));
    const first = verifyEntries(all.slice(0, 4), CHAIN_START);
    if (!first.ok) expect.fail(first.reason);
    expect(verifyEntries(rest, first.position)).toMatchObject({ ok: true });
  });

  test("two acts at once keep one chain", async () => {
    await Promise.all(
      [1, 2, 3].map((i) =>
        desk.operator.mutation(api.governance.console.engage, { mode: "noNewRisk", reason: `drill ${i}` }),
      ),
    );
    expect(verifyEntries(await chain(), CHAIN_START)).toMatchObject({ ok: true });
  });
});
