/** Jobs, workers and the server's clock, for people and the command line. */
import { v } from "convex/values";
import { operatorMutation, viewerQuery } from "../builders";
import { requestCancel, requireJob, resumeJob } from "./model";
import { jobFields, workerFields } from "./schema";
import { settleEndedJob } from "./settle";

const {
  leaseToken: _leaseToken,
  leaseOwner: _leaseOwner,
  leaseExpiresAtMs: _expires,
  ...publicFields
} = jobFields;
const vJobView = v.object({ ...publicFields, _id: v.id("jobs") });

export const job = viewerQuery({
  args: { jobId: v.id("jobs") },
  returns: vJobView,
  handler: async (ctx, { jobId }) => {
    const { _creationTime, leaseToken, leaseOwner, leaseExpiresAtMs, ...fields } = await requireJob(
      ctx,
      jobId,
    );
    return fields;
  },
});

export const listJobs = viewerQuery({
  args: {},
  returns: v.array(vJobView),
  handler: async (ctx) => {
    const jobs = await ctx.db.query("jobs").withIndex("by_createdAt").order("desc").take(50);
    return jobs.map(({ _creationTime, leaseToken, leaseOwner, leaseExpiresAtMs, ...fields }) => fields);
  },
});

export const cancelJob = operatorMutation({
  args: { jobId: v.id("jobs") },
  returns: v.null(),
  handler: async (ctx, { jobId }) => {
    const job = await requireJob(ctx, jobId);
    await requestCancel(ctx, job, ctx.actor.tokenIdentifier);
    if (job.status === "queued") await settleEndedJob(ctx, job, "cancelled", "cancelled before it began");
    return null;
  },
});

export const resume = operatorMutation({
  limit: "jobRequests",
  args: { jobId: v.id("jobs") },
  returns: v.null(),
  handler: async (ctx, { jobId }) => {
    await resumeJob(ctx, await requireJob(ctx, jobId), ctx.actor.tokenIdentifier);
    return null;
  },
});

export const listWorkers = viewerQuery({
  args: {},
  returns: v.array(v.object(workerFields)),
  handler: async (ctx) => {
    const rows = await ctx.db.query("workers").withIndex("by_lastHeartbeat").order("desc").take(10);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});

/** The server's time at its last tick (every 10 s); null before the first. */
export const serverClock = viewerQuery({
  args: {},
  returns: v.union(v.null(), v.number()),
  handler: async (ctx) => (await ctx.db.query("serverClock").first())?.nowMs ?? null,
});
