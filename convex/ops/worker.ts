/** The job protocol: wait, claim by lease, report, finish. Every write carries the fencing token. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { workerMutation, workerQuery } from "../builders";
import { noteJobEnd } from "../learning/model";
import {
  beat,
  claimJob,
  finishJob,
  handBackJob,
  renewLease,
  requireLease,
  setCheckpoint,
  setProgress,
  signOff,
} from "./model";
import { jobFields, vProgress } from "./schema";
import { settleEndedJob, sweepLeases } from "./settle";

const vJob = v.object({ ...jobFields, _id: v.id("jobs"), _creationTime: v.number() });
const leaseArgs = { jobId: v.id("jobs"), leaseToken: v.number() };

/** How many jobs wait; a worker subscribes and claims when it is not zero. */
export const queuedCount = workerQuery({
  args: {},
  returns: v.number(),
  handler: async (ctx) => {
    const queued = await ctx.db
      .query("jobs")
      .withIndex("by_status_and_createdAt", (q) => q.eq("status", "queued"))
      .take(LIMITS.pageSize);
    return queued.length;
  },
});

export const claim = workerMutation({
  limit: "tokenCalls",
  args: { workerId: v.string() },
  returns: v.union(v.null(), vJob),
  handler: async (ctx, { workerId }) => {
    await sweepLeases(ctx);
    return claimJob(ctx, workerId);
  },
});

export const heartbeat = workerMutation({
  args: { workerId: v.string(), version: v.string(), startedAtMs: v.number(), activeJobs: v.number() },
  returns: v.null(),
  handler: async (ctx, worker) => {
    await beat(ctx, worker);
    return null;
  },
});

/** Last call of a worker that shuts down. */
export const leave = workerMutation({
  args: { workerId: v.string() },
  returns: v.null(),
  handler: async (ctx, { workerId }) => {
    await signOff(ctx, workerId);
    return null;
  },
});

/** Extends the lease; answers whether someone asked for the job to stop. */
export const renew = workerMutation({
  args: leaseArgs,
  returns: v.object({ cancelRequested: v.boolean() }),
  handler: async (ctx, { jobId, leaseToken }) => {
    const job = await requireLease(ctx, jobId, leaseToken);
    await renewLease(ctx, job);
    return { cancelRequested: job.cancelRequested };
  },
});

export const handBack = workerMutation({
  args: leaseArgs,
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken }) => {
    await handBackJob(ctx, await requireLease(ctx, jobId, leaseToken));
    return null;
  },
});

export const watch = workerQuery({
  args: { jobId: v.id("jobs") },
  returns: v.union(v.null(), v.object({ cancelRequested: v.boolean(), leaseToken: v.number() })),
  handler: async (ctx, { jobId }) => {
    const job = await ctx.db.get(jobId);
    return job === null ? null : { cancelRequested: job.cancelRequested, leaseToken: job.leaseToken };
  },
});

export const progress = workerMutation({
  args: { ...leaseArgs, progress: vProgress },
  returns: v.object({ cancelRequested: v.boolean() }),
  handler: async (ctx, { jobId, leaseToken, progress: report }) => {
    const job = await requireLease(ctx, jobId, leaseToken);
    await setProgress(ctx, job, report);
    return { cancelRequested: job.cancelRequested };
  },
});

export const checkpoint = workerMutation({
  args: { ...leaseArgs, storageId: v.id("_storage") },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, storageId }) => {
    await setCheckpoint(ctx, await requireLease(ctx, jobId, leaseToken), storageId);
    return null;
  },
});

export const checkpointUrl = workerQuery({
  args: { jobId: v.id("jobs") },
  returns: v.union(v.null(), v.string()),
  handler: async (ctx, { jobId }) => {
    const job = await ctx.db.get(jobId);
    if (job?.checkpointStorageId === undefined) return null;
    return ctx.storage.getUrl(job.checkpointStorageId);
  },
});

export const finish = workerMutation({
  args: {
    ...leaseArgs,
    outcome: v.union(
      v.object({ status: v.literal("succeeded"), resultId: v.optional(v.string()) }),
      v.object({ status: v.literal("failed"), error: v.object({ code: v.string(), message: v.string() }) }),
      v.object({ status: v.literal("cancelled") }),
    ),
  },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, outcome }) => {
    const job = await requireLease(ctx, jobId, leaseToken);
    await finishJob(ctx, job, outcome);
    if (outcome.status === "failed") await settleEndedJob(ctx, job, "failed", outcome.error.message);
    else await noteJobEnd(ctx, jobId);
    return null;
  },
});
