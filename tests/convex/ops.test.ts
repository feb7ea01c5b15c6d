import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { LIMITS } from "../../lib/contract/limits";
import { appendBars, bar, claim, INSTRUMENT, SOURCE, store, T0, TF_MS } from "./seed";
import { type Desk, expectFailure, freezeDate, NOW_MS, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  freezeDate();
  desk = await openDesk();
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
const tick = () => desk.t.mutation(internal.ops.internal.tick, {});
const job = (jobId: Id<"jobs">) => desk.viewer.query(api.ops.console.job, { jobId });

async function enqueue(requester = desk.operator): Promise<Id<"jobs">> {
  await appendBars(desk, [bar(0, 2_000)]);
  return requester.mutation(api.datasets.console.requestBuild, {
    ...{ instrument: INSTRUMENT, timeframe: "15m", source: SOURCE, sourceTimeframe: "15m" },
    ...{ fromMs: T0, toMs: T0 + TF_MS, featureSetId: "core-v1" },
  });
}

describe("leases", () => {
  test("W-05: two workers race for one job: one gets it, the other nothing", async () => {
    const jobId = await enqueue();
    const claims = await Promise.all(
      ["a", "b"].map((workerId) => desk.service.mutation(api.ops.worker.claim, { workerId })),
    );
    expect(claims.filter((claimed) => claimed !== null)).toMatchObject([{ _id: jobId, leaseToken: 1 }]);
  });

  test("W-07: renewing twice is the same as once; the token stays", async () => {
    await enqueue();
    const { lease } = await claim(desk);
    for (let i = 0; i < 2; i++) {
      expect(await desk.service.mutation(api.ops.worker.renew, lease)).toEqual({ cancelRequested: false });
    }
    const [stored] = await desk.t.run((ctx) => ctx.db.query("jobs").collect());
    expect(stored).toMatchObject({ leaseToken: 1, leaseExpiresAtMs: NOW_MS + LIMITS.leaseTtlMs });
  });

  test("a job whose worker went silent is queued again by the clock, one that renews is not", async () => {
    const jobId = await enqueue();
    const { lease } = await claim(desk);
    later(LIMITS.leaseTtlMs - 1_000);
    await desk.service.mutation(api.ops.worker.renew, lease);
    later(2_000);
    await tick();
    expect(await job(jobId)).toMatchObject({ status: "running" });
    later(LIMITS.leaseTtlMs + 1);
    await tick();
    expect(await job(jobId)).toMatchObject({ status: "queued", attempts: 1 });
    await expectFailure(desk.service.mutation(api.ops.worker.renew, lease), "LEASE_LOST", "leaseToken");
  });

  test("W-10: a job that loses its worker again and again is given up with the reason, the queue moves on", async () => {
    const poison = await enqueue();
    for (let attempt = 1; attempt <= 5; attempt++) {
      expect((await claim(desk)).job).toMatchObject({ _id: poison, attempts: attempt });
      later(LIMITS.leaseTtlMs + 1);
    }
    const next = await enqueue();
    expect((await claim(desk)).job._id).toBe(next);
    const given = await job(poison);
    expect(given).toMatchObject({ status: "failed", error: { code: "LEASE_LOST" } });
    expect(given.error?.message).toMatch(/vanished 5 times/);
  });

  test("W-10: a job that a worker has held for long is forgiven the workers it lost before", async () => {
    const jobId = await enqueue();
    for (let attempt = 1; attempt <= 4; attempt++) {
      await claim(desk);
      later(LIMITS.leaseTtlMs + 1);
    }
    const { lease } = await claim(desk);
    expect(await job(jobId)).toMatchObject({ attempts: 5 });
    for (let minute = 0; minute <= 10; minute++) {
      later(LIMITS.leaseTtlMs - 1);
      await desk.service.mutation(api.ops.worker.renew, lease);
      later(LIMITS.leaseTtlMs - 1);
      await desk.service.mutation(api.ops.worker.renew, lease);
      later(LIMITS.leaseTtlMs - 1);
      await desk.service.mutation(api.ops.worker.renew, lease);
    }
    later(LIMITS.leaseTtlMs + 1);
    expect((await claim(desk)).job).toMatchObject({ _id: jobId, attempts: 2 });
  });

  test("S-11: one requester may have 50 jobs waiting; the next is refused, another requester's is not", async () => {
    for (let i = 0; i < 50; i++) await enqueue();
    await expectFailure(enqueue(), "LIMIT_EXCEEDED");
    await enqueue(desk.admin);
  });
});

describe("cancel and resume", () => {
  const cancel = (jobId: Id<"jobs">) => desk.operator.mutation(api.ops.console.cancelJob, { jobId });
  const resume = (jobId: Id<"jobs">) => desk.operator.mutation(api.ops.console.resume, { jobId });

  test("a queued job ends at once and is never claimed", async () => {
    const jobId = await enqueue();
    await cancel(jobId);
    expect(await job(jobId)).toMatchObject({ status: "cancelled" });
    expect(await desk.service.mutation(api.ops.worker.claim, { workerId: "a" })).toBeNull();
    await expectFailure(cancel(jobId), "CONFLICT", "jobId");
  });

  test("a running job goes on until its worker answers the request", async () => {
    const jobId = await enqueue();
    const { lease } = await claim(desk);
    await cancel(jobId);
    expect(await job(jobId)).toMatchObject({ status: "running", cancelRequested: true });
    expect(await desk.service.mutation(api.ops.worker.renew, lease)).toEqual({ cancelRequested: true });
    expect(await desk.service.query(api.ops.worker.watch, { jobId })).toMatchObject({
      cancelRequested: true,
    });
    await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome: { status: "cancelled" } });
    expect(await job(jobId)).toMatchObject({ status: "cancelled" });
    await expectFailure(desk.service.mutation(api.ops.worker.renew, lease), "LEASE_LOST");
  });

  test("W-04: a resumed job is queued afresh, keeps its checkpoint, and fences its earlier worker", async () => {
    const jobId = await enqueue();
    const first = await claim(desk);
    const storageId = await store(desk, "checkpoint");
    await desk.service.mutation(api.ops.worker.checkpoint, { ...first.lease, storageId });
    await expectFailure(resume(jobId), "CONFLICT", "jobId");
    await cancel(jobId);
    await desk.service.mutation(api.ops.worker.finish, { ...first.lease, outcome: { status: "cancelled" } });
    await resume(jobId);
    const again = await claim(desk);
    expect(again.job).toMatchObject({ cancelRequested: false, attempts: 1, checkpointStorageId: storageId });
    expect(again.lease.leaseToken).toBeGreaterThan(first.lease.leaseToken);
    await expectFailure(desk.service.mutation(api.ops.worker.renew, first.lease), "LEASE_LOST");
  });

  test("D-02: a checkpoint call repeated after a lost answer keeps the file; a newer one frees the old", async () => {
    const jobId = await enqueue();
    const { lease } = await claim(desk);
    const stored = (id: Id<"_storage">) => desk.t.run((ctx) => ctx.db.system.get(id));
    const first = await store(desk, "one");
    for (let i = 0; i < 2; i++) {
      await desk.service.mutation(api.ops.worker.checkpoint, { ...lease, storageId: first });
    }
    expect(await stored(first)).not.toBeNull();
    const second = await store(desk, "two");
    await desk.service.mutation(api.ops.worker.checkpoint, { ...lease, storageId: second });
    expect(await stored(first)).toBeNull();
    expect(await desk.service.query(api.ops.worker.checkpointUrl, { jobId })).toContain("http");
  });
});

test("D-06: the server's clock is one row that each tick moves; workers are listed by heartbeat", async () => {
  expect(await desk.viewer.query(api.ops.console.serverClock, {})).toBeNull();
  await tick();
  later(10_000);
  await tick();
  expect(await desk.viewer.query(api.ops.console.serverClock, {})).toBe(NOW_MS + 10_000);
  const beat = { workerId: "w", version: "1", startedAtMs: NOW_MS, activeJobs: 0 };
  await desk.service.mutation(api.ops.worker.heartbeat, beat);
  later(1_000);
  await desk.service.mutation(api.ops.worker.heartbeat, { ...beat, activeJobs: 1 });
  expect(await desk.viewer.query(api.ops.console.listWorkers, {})).toEqual([
    { ...beat, activeJobs: 1, lastHeartbeatMs: NOW_MS + 11_000 },
  ]);
});
