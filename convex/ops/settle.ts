/** What a job's end means for the thing it worked on, when its worker is not there to say it. */
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { setTrainingStatus } from "../agents/model";
import { noteJobEnd } from "../learning/model";
import { closeOut, isActive } from "../runs/model";
import { advanceSearch } from "../searches/model";
import { endWalkForward, requireWalkForward } from "../walkForwards/model";
import { requeueExpired } from "./model";

/**
 * A training ends with its job. A run whose job failed is closed out, position included: a paper account
 * without a worker has nobody to watch its stop. A run is never cancelled through its job.
 */
export async function settleEndedJob(
  ctx: MutationCtx,
  { _id, payload }: Doc<"jobs">,
  status: "failed" | "cancelled",
  reason: string,
): Promise<void> {
  if (payload.kind === "train") {
    const version = await ctx.db.get(payload.versionId);
    if (version !== null) await setTrainingStatus(ctx, version, status, reason);
  } else if (payload.kind === "walkForward") {
    const row = await ctx.db.get(payload.walkForwardId);
    if (row !== null) {
      await endWalkForward(ctx, row, status, reason);
      await advanceSearch(ctx, await requireWalkForward(ctx, row._id));
    }
  } else if (payload.kind === "run" && status === "failed") {
    const run = await ctx.db.get(payload.runId);
    if (run !== null && isActive(run)) await closeOut(ctx, run, "failed", reason);
  }
  await noteJobEnd(ctx, _id);
}

/** Requeues what silent workers held, and settles what is given up (W-10). */
export async function sweepLeases(ctx: MutationCtx): Promise<void> {
  for (const { job, reason } of await requeueExpired(ctx)) await settleEndedJob(ctx, job, "failed", reason);
}
