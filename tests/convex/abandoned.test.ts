/** W-10: what is left behind when workers vanish or cannot go on. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import { LIMITS } from "../../lib/contract/limits";
import { accountOf, advance, beginRun, type Driven, play, runOf, START } from "./runDriver";
import { bar, beginTraining, claim, seedVersion } from "./seed";
import { type Desk, freezeDate, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  freezeDate();
  desk = await openDesk();
});
afterEach(() => {
  vi.useRealTimers();
});

const expire = () => vi.setSystemTime(Date.now() + LIMITS.leaseTtlMs + 1);
const tick = () => desk.t.mutation(internal.ops.internal.tick, {});

async function liveLong(): Promise<Driven> {
  const run = await beginRun(desk, { start: { feed: "live" } });
  await desk.admin.mutation(api.risk.console.set, {
    limits: {
      maxPositionNotionalUsd: 1e6,
      maxLeverage: 10,
      maxDailyLossUsd: 1e6,
      maxDrawdownFraction: 0.9,
      maxOrdersPerHour: 100,
      maxBarAgeMs: 1e12,
    },
    reason: "old bars may trade in this test",
  });
  await play(run, bar(0, 2_000), 2);
  await advance(run, bar(1, 2_000));
  expect((await accountOf(run)).account.positionQty).toBe(5);
  return run;
}

/** Four more workers take the job of `beginRun` or `beginTraining` and vanish; the clock then gives it up. */
async function loseEveryWorker(): Promise<void> {
  for (let attempt = 2; attempt <= 5; attempt++) {
    expire();
    expect((await claim(desk)).job.attempts).toBe(attempt);
  }
  expire();
  await tick();
}

describe("a run whose job is given up", () => {
  test("W-10: ends as failed with its position closed, and frees its instrument", async () => {
    const run = await liveLong();
    await loseEveryWorker();
    expect(await runOf(run)).toMatchObject({ status: "failed", desired: "stopped", fills: 2 });
    expect((await runOf(run)).error).toMatch(/vanished 5 times/);
    expect((await accountOf(run)).account.positionQty).toBe(0);
    const next = { ...START, feed: "live" as const };
    expect(await desk.operator.mutation(api.runs.console.start, next)).toHaveProperty("runId");
  });

  test("a run is not closed while another worker may still take it up", async () => {
    const run = await liveLong();
    expire();
    await tick();
    expect(await runOf(run)).toMatchObject({ status: "running" });
    const { lease } = await claim(desk);
    const resumed = { ...run, lease };
    expect(await advance(resumed, bar(2, 2_000))).toMatchObject({
      applied: true,
      account: { positionQty: 5 },
    });
  });

  test("a job that its worker reports as failed closes the run, also when the worker could not", async () => {
    const run = await liveLong();
    const outcome = { status: "failed" as const, error: { code: "RUN_FAILED", message: "the disk is full" } };
    await desk.service.mutation(api.ops.worker.finish, { ...run.lease, outcome });
    expect(await runOf(run)).toMatchObject({ status: "failed", error: "the disk is full" });
    expect((await accountOf(run)).account.positionQty).toBe(0);
  });

  test("a run that is handed back at a shutdown goes on: nothing is closed, no attempt is counted", async () => {
    const run = await liveLong();
    await desk.service.mutation(api.ops.worker.handBack, run.lease);
    expect(await runOf(run)).toMatchObject({ status: "running" });
    const { job, lease } = await claim(desk);
    expect(job.attempts).toBe(1);
    expect(lease.leaseToken).toBe(run.lease.leaseToken + 1);
    expect(await advance({ ...run, lease }, bar(2, 2_000))).toMatchObject({ applied: true });
  });
});

test("W-10: a training whose job is given up is failed with the reason; a delivered one keeps its status", async () => {
  const { datasetId, versionId: delivered } = await seedVersion(desk);
  const { versionId } = await beginTraining(desk, datasetId, 8);
  await loseEveryWorker();
  const version = await desk.viewer.query(api.agents.console.get, { versionId });
  expect(version).toMatchObject({ status: "failed", error: expect.stringMatching(/vanished 5 times/) });
  expect(await desk.viewer.query(api.agents.console.get, { versionId: delivered })).toMatchObject({
    status: "candidate",
  });
});
