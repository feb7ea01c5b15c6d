/** The paper venue as a run's worker drives it: one call per closed bar. */
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { REJECT_TEXT, validateCandle } from "../../lib/market/validate";
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
    const problem = validateCandle(bar, run.timeframe);
    if (problem !== null) {
      throw new ConvexError(
        appError("INVALID_ARGUMENT", `bar ${bar.openTimeMs}: ${REJECT_TEXT[problem]}`, "bar"),
      );
    }
    // The account itself may stand later than a repeated bar, when the kill switch flattened it in between.
    if (!isActive(run) || run.lastBarOpenTimeMs === bar.openTimeMs) {
      const { account } = await requireAccount(ctx, runId);
      return { account, fills: 0, applied: false, desired: isActive(run) ? run.desired : "stopped" };
    }
    const advanced = await applyBar(ctx, runId, bar);
    await noteBar(ctx, run, bar.openTimeMs, advanced);
    return { ...advanced, applied: true, desired: run.desired };
  },
});
