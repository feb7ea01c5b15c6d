/** Drift as the worker of a run, or of a training, sees it. */
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { workerMutation, workerQuery } from "../builders";
import { vDriftPolicy } from "../learning/schema";
import { requireLease } from "../ops/model";
import { modelOf, requireRun, requireRunLease } from "../runs/model";
import { driftPolicyOf, recordCheck, referenceOf, saveReference as save } from "./model";
import { referenceFields, vDriftLevel } from "./schema";

/** The policy for a run; subscribed to, so that a change holds from the next bar on. */
export const policy = workerQuery({
  args: { runId: v.id("runs") },
  returns: vDriftPolicy,
  handler: async (ctx, { runId }) => driftPolicyOf(ctx, await requireRun(ctx, runId)),
});

export const reference = workerQuery({
  args: { versionId: v.id("agentVersions") },
  returns: v.union(v.null(), v.object(referenceFields)),
  handler: async (ctx, { versionId }) => {
    const row = await referenceOf(ctx, versionId);
    if (row === null) return null;
    const { _id, _creationTime, ...fields } = row;
    return fields;
  },
});

const { atMs: _atMs, ...newReferenceFields } = referenceFields;

/** Under the lease of the version's training, or of a run that trades it. The first reference stays. */
export const saveReference = workerMutation({
  args: { jobId: v.id("jobs"), leaseToken: v.number(), reference: v.object(newReferenceFields) },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, reference: given }) => {
    const { payload } = await requireLease(ctx, jobId, leaseToken);
    const isOfTraining = payload.kind === "train" && payload.versionId === given.versionId;
    const run = payload.kind === "run" ? await requireRun(ctx, payload.runId) : null;
    const isOfRun = run !== null && (run.versionId === given.versionId || modelOf(run) === given.versionId);
    if (!isOfTraining && !isOfRun) {
      throw new ConvexError(appError("LEASE_LOST", "This lease is for another version", "reference"));
    }
    await save(ctx, given);
    return null;
  },
});

/** One check of the run's newest features against its model's reference. */
export const check = workerMutation({
  args: {
    jobId: v.id("jobs"),
    leaseToken: v.number(),
    runId: v.id("runs"),
    versionId: v.id("agentVersions"),
    barOpenTimeMs: v.number(),
    windowBars: v.number(),
    features: v.array(
      v.object({ name: v.string(), psi: v.number(), statistic: v.number(), pValue: v.number() }),
    ),
  },
  returns: v.object({ level: vDriftLevel }),
  handler: async (ctx, { jobId, leaseToken, runId, versionId, ...report }) => {
    const run = await requireRunLease(ctx, jobId, leaseToken, runId);
    if (run.versionId !== versionId) {
      throw new ConvexError(appError("CONFLICT", "This run trades another model by now", "versionId"));
    }
    return { level: await recordCheck(ctx, run, report) };
  },
});
