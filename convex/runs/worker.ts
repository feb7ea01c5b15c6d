/** A run from its worker's side. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { appendAudit } from "../audit/model";
import { workerMutation, workerQuery } from "../builders";
import { championOf, rollback } from "../governance/model";
import {
  beginRun,
  closeOut,
  dropDesired,
  switchModel as goOver,
  isActive,
  liveRun,
  pauseStranded,
  requireRun,
  requireRunLease,
} from "./model";
import { runFields } from "./schema";

const leaseArgs = { jobId: v.id("jobs"), leaseToken: v.number(), runId: v.id("runs") };

export const get = workerQuery({
  args: { runId: v.id("runs") },
  returns: v.object({ ...runFields, _id: v.id("runs"), _creationTime: v.number() }),
  handler: async (ctx, { runId }) => liveRun(ctx, await requireRun(ctx, runId)),
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
    const { bars, decisions } = await closeOut(ctx, run, status, error);
    await appendAudit(ctx, {
      actor: ctx.actor.tokenIdentifier,
      action: `run.${status}`,
      subjectType: "run",
      subjectId: runId,
      detail: { bars, decisions, error },
    });
    return null;
  },
});

/** Between two bars: the worker has loaded and verified the desired model. */
export const switchModel = workerMutation({
  args: { ...leaseArgs, versionId: v.id("agentVersions") },
  returns: v.object({ ...runFields, _id: v.id("runs"), _creationTime: v.number() }),
  handler: async (ctx, { jobId, leaseToken, runId, versionId }) => {
    const run = await requireRunLease(ctx, jobId, leaseToken, runId);
    await goOver(ctx, run, versionId, ctx.actor.tokenIdentifier);
    return liveRun(ctx, await requireRun(ctx, runId));
  },
});

/**
 * The desired model cannot be loaded. After a promotion the champion before it is put back; after a
 * rollback there is no model this run may go on with, and it is paused.
 */
export const refuseModel = workerMutation({
  args: { ...leaseArgs, versionId: v.id("agentVersions"), reason: v.string() },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, runId, versionId, reason }) => {
    const run = await requireRunLease(ctx, jobId, leaseToken, runId);
    const { desiredModel } = run;
    if (desiredModel?.versionId !== versionId) return null;
    const actor = ctx.actor.tokenIdentifier;
    await dropDesired(ctx, run, reason, actor);
    if (desiredModel.cause === "rollback") {
      await pauseStranded(ctx, run, "the model that it was rolled back to cannot be loaded", actor);
      return null;
    }
    const champion = await championOf(ctx, run.instrument);
    if (champion?.versionId === versionId && champion.previousVersionId !== undefined) {
      const why = `refused on load: ${reason}`.slice(0, LIMITS.reasonChars);
      await rollback(ctx, run.instrument, why, actor);
    }
    return null;
  },
});
