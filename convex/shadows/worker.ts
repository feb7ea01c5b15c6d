/** A challenger's decisions as the worker of the champion's run hands them in. */
import { v } from "convex/values";
import { workerMutation, workerQuery } from "../builders";
import { submissionFields } from "../decisions/schema";
import { requireRunLease } from "../runs/model";
import { decideShadow, requireShadow, requireShadowDecision } from "./model";
import { shadowDecisionFields } from "./schema";

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

export const decision = workerQuery({
  args: { shadowDecisionId: v.id("shadowDecisions") },
  returns: v.object({ ...shadowDecisionFields, _id: v.id("shadowDecisions"), _creationTime: v.number() }),
  handler: (ctx, { shadowDecisionId }) => requireShadowDecision(ctx, shadowDecisionId),
});
