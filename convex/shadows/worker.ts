/** A challenger's decisions as the worker of the champion's run hands them in. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { workerMutation } from "../builders";
import { submissionFields } from "../decisions/schema";
import { scheduleSettling } from "../learning/model";
import { requireRunLease } from "../runs/model";
import { decideShadow, endShadow, requireShadow } from "./model";

/** The ghost's answer to the bar that its account stands at; a repeated bar returns what is stored. */
export const decide = workerMutation({
  args: {
    jobId: v.id("jobs"),
    leaseToken: v.number(),
    runId: v.id("runs"),
    shadowId: v.id("shadows"),
    submission: v.object(submissionFields),
  },
  returns: v.union(v.literal("order"), v.literal("hold")),
  handler: async (ctx, { jobId, leaseToken, runId, shadowId, submission }) => {
    const run = await requireRunLease(ctx, jobId, leaseToken, runId);
    return decideShadow(ctx, run, await requireShadow(ctx, shadowId), submission);
  },
});

/** The challenger's artifact is refused on load: its shadow ends as rejected, and its cycle with it. */
export const refuse = workerMutation({
  args: {
    jobId: v.id("jobs"),
    leaseToken: v.number(),
    runId: v.id("runs"),
    shadowId: v.id("shadows"),
    reason: v.string(),
  },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, runId, shadowId, reason }) => {
    await requireRunLease(ctx, jobId, leaseToken, runId);
    const shadow = await requireShadow(ctx, shadowId);
    if (!shadow.isActive || shadow.runId !== runId) return null;
    const sentence = `The challenger cannot be loaded: ${reason}`;
    await endShadow(ctx, shadow, "reject", sentence.slice(0, LIMITS.reasonChars));
    await scheduleSettling(ctx, shadowId);
    return null;
  },
});
