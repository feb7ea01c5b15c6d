/** A run from its worker's side. */
import { v } from "convex/values";
import { appendAudit } from "../audit/model";
import { workerMutation, workerQuery } from "../builders";
import { beginRun, closeOut, isActive, requireRun, requireRunLease } from "./model";
import { runFields } from "./schema";

const leaseArgs = { jobId: v.id("jobs"), leaseToken: v.number(), runId: v.id("runs") };

export const get = workerQuery({
  args: { runId: v.id("runs") },
  returns: v.object({ ...runFields, _id: v.id("runs"), _creationTime: v.number() }),
  handler: (ctx, { runId }) => requireRun(ctx, runId),
});

export const begin = workerMutation({
  limit: "tokenCalls",
  args: {
    ...leaseArgs,
    feedDatasetId: v.optional(v.id("datasets")),
    featuresFromMs: v.number(),
    accountFromMs: v.number(),
    totalBars: v.optional(v.number()),
  },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, runId, ...args }) => {
    await beginRun(ctx, await requireRunLease(ctx, jobId, leaseToken, runId), args);
    return null;
  },
});

/** The feed ended or the worker cannot go on; flattens. A run that was stopped meanwhile stays stopped. */
export const end = workerMutation({
  args: {
    ...leaseArgs,
    status: v.union(v.literal("finished"), v.literal("failed")),
    error: v.optional(v.string()),
  },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, runId, status, error }) => {
    const run = await requireRunLease(ctx, jobId, leaseToken, runId);
    if (!isActive(run)) return null;
    await closeOut(ctx, run, status, error);
    await appendAudit(ctx, {
      actor: ctx.actor.tokenIdentifier,
      action: `run.${status}`,
      subjectType: "run",
      subjectId: runId,
      detail: { bars: run.bars, decisions: run.decisions, error },
    });
    return null;
  },
});
