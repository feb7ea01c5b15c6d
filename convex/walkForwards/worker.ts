/** Walk-forwards from the worker's side: what to run, what is recorded already, and what came out. */
import { v } from "convex/values";
import { workerMutation, workerQuery } from "../builders";
import { vTrade } from "../evaluations/schema";
import { advanceSearch } from "../searches/model";
import {
  beginWalkForward,
  endWalkForward,
  finishWalkForward,
  recordProbe,
  recordSlices,
  requireWalkForward,
  requireWalkForwardLease,
  slicesOf,
} from "./model";
import { sliceFields, vFoldRange, vProbe, walkForwardFields } from "./schema";

const leaseArgs = { jobId: v.id("jobs"), leaseToken: v.number(), walkForwardId: v.id("walkForwards") };

/** The request and what an earlier attempt has recorded. */
export const get = workerQuery({
  args: { walkForwardId: v.id("walkForwards") },
  returns: v.object({
    ...walkForwardFields,
    _id: v.id("walkForwards"),
    recorded: v.array(v.object({ subject: v.string(), fold: v.number() })),
  }),
  handler: async (ctx, { walkForwardId }) => {
    const { _creationTime, ...fields } = await requireWalkForward(ctx, walkForwardId);
    const slices = await slicesOf(ctx, walkForwardId);
    return { ...fields, recorded: slices.map(({ subject, fold }) => ({ subject, fold })) };
  },
});

export const begin = workerMutation({
  args: {
    ...leaseArgs,
    beginning: v.object({
      foldRanges: v.array(vFoldRange),
      purgeRows: v.number(),
      embargoRows: v.number(),
      environmentHash: v.string(),
      costModelId: v.string(),
      /** Version of the kernel that this worker trains with. */
      kernel: v.string(),
    }),
  },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, walkForwardId, beginning }) => {
    const row = await requireWalkForwardLease(ctx, jobId, leaseToken, walkForwardId);
    await beginWalkForward(ctx, row, beginning);
    return null;
  },
});

/** All conditions of one subject in one fold; trades and equity in, figures recomputed. */
export const record = workerMutation({
  args: {
    ...leaseArgs,
    slices: v.array(
      v.object({
        subject: sliceFields.subject,
        fold: sliceFields.fold,
        costMultiplier: sliceFields.costMultiplier,
        lagBars: sliceFields.lagBars,
        entropy: sliceFields.entropy,
        calibrationError: sliceFields.calibrationError,
        artifactSha256: sliceFields.artifactSha256,
        trades: v.array(vTrade),
        /** Little-endian float64, one value a bar. */
        openTimesMs: v.bytes(),
        equityUsd: v.bytes(),
      }),
    ),
  },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, walkForwardId, slices }) => {
    await recordSlices(ctx, await requireWalkForwardLease(ctx, jobId, leaseToken, walkForwardId), slices);
    return null;
  },
});

export const probe = workerMutation({
  args: { ...leaseArgs, probe: vProbe },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, walkForwardId, probe: result }) => {
    await recordProbe(ctx, await requireWalkForwardLease(ctx, jobId, leaseToken, walkForwardId), result);
    return null;
  },
});

export const finish = workerMutation({
  args: leaseArgs,
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, walkForwardId }) => {
    const row = await requireWalkForwardLease(ctx, jobId, leaseToken, walkForwardId);
    await finishWalkForward(ctx, row, ctx.actor.tokenIdentifier);
    await advanceSearch(ctx, await requireWalkForward(ctx, walkForwardId));
    return null;
  },
});

export const abandon = workerMutation({
  args: { ...leaseArgs, status: v.union(v.literal("failed"), v.literal("cancelled")), reason: v.string() },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, walkForwardId, status, reason }) => {
    const row = await requireWalkForwardLease(ctx, jobId, leaseToken, walkForwardId);
    await endWalkForward(ctx, row, status, reason);
    await advanceSearch(ctx, await requireWalkForward(ctx, walkForwardId));
    return null;
  },
});
