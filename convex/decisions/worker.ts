/** Decisions and replays from the worker's side. */
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { workerMutation, workerQuery } from "../builders";
import { requireLease } from "../ops/model";
import { requireRunLease } from "../runs/model";
import { recordReplay, requireReplayable, submitDecision } from "./model";
import { replayFields, replayInputFields, submissionFields, vReplayable } from "./schema";

export const submit = workerMutation({
  args: {
    jobId: v.id("jobs"),
    leaseToken: v.number(),
    runId: v.id("runs"),
    submission: v.object(submissionFields),
  },
  returns: v.object({
    decisionId: v.id("decisions"),
    outcome: v.union(v.literal("order"), v.literal("hold")),
  }),
  handler: async (ctx, { jobId, leaseToken, runId, submission }) =>
    submitDecision(ctx, await requireRunLease(ctx, jobId, leaseToken, runId), submission),
});

/** A run's decision, or a ghost's, as a replay needs it. */
export const get = workerQuery({
  args: { decisionId: vReplayable },
  returns: v.object(replayInputFields),
  handler: (ctx, { decisionId }) => requireReplayable(ctx, decisionId),
});

const { atMs: _atMs, ...newReplayFields } = replayFields;

export const saveReplay = workerMutation({
  args: { leaseToken: v.number(), ...newReplayFields },
  returns: v.id("replays"),
  handler: async (ctx, { leaseToken, ...replay }) => {
    const { payload } = await requireLease(ctx, replay.jobId, leaseToken);
    if (payload.kind !== "replay" || payload.decisionId !== replay.decisionId) {
      throw new ConvexError(appError("LEASE_LOST", "This lease is for another replay", "decisionId"));
    }
    return recordReplay(ctx, replay);
  },
});
