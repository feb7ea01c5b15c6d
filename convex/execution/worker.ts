/** The paper venue as a run's worker drives it: one call per closed bar. */
import { v } from "convex/values";
import { workerMutation } from "../builders";
import { isActive, noteBar, requireRunLease } from "../runs/model";
import { vAccountState, vCandle } from "../validators";
import { applyBar, requireAccount } from "./model";

/** Applies a closed bar to the run's account; a repeated bar or an ended run changes nothing. */
export const advance = workerMutation({
  args: { jobId: v.id("jobs"), leaseToken: v.number(), runId: v.id("runs"), bar: vCandle },
  returns: v.object({
    account: vAccountState,
    fills: v.number(),
    applied: v.boolean(),
    desired: v.union(v.literal("running"), v.literal("paused"), v.literal("stopped")),
  }),
  handler: async (ctx, { jobId, leaseToken, runId, bar }) => {
    const run = await requireRunLease(ctx, jobId, leaseToken, runId);
    if (!isActive(run)) {
      const { account } = await requireAccount(ctx, runId);
      return { account, fills: 0, applied: false, desired: "stopped" as const };
    }
    const advanced = await applyBar(ctx, runId, bar);
    if (advanced.applied) await noteBar(ctx, run, bar.openTimeMs, advanced);
    return { ...advanced, desired: run.desired };
  },
});
