/** The paper venue as a run's worker drives it: one call per closed bar. */
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { timeframeMs } from "../../lib/market/timeframe";
import { REJECT_TEXT, validateCandle } from "../../lib/market/validate";
import { workerMutation } from "../builders";
import { settledFundingIn } from "../feeds/model";
import { scheduleSettling } from "../learning/model";
import { isActive, noteBar, progressOf, requireRunLease } from "../runs/model";
import { advanceShadow, ghostAt } from "../shadows/model";
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
    /** The model to go over to before this bar is decided. */
    desiredModel: v.union(v.null(), v.id("agentVersions")),
    /** A challenger that decides this bar too, on its ghost account. */
    shadow: v.union(
      v.null(),
      v.object({ shadowId: v.id("shadows"), versionId: v.id("agentVersions"), account: vAccountState }),
    ),
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
    const desiredModel = run.desiredModel?.versionId ?? null;
    if (!isActive(run) || (await progressOf(ctx, run)).lastBarOpenTimeMs === bar.openTimeMs) {
      const { account } = await requireAccount(ctx, runId);
      const desired = isActive(run) ? run.desired : "stopped";
      const shadow = await ghostAt(ctx, run, bar.openTimeMs);
      return { account, fills: 0, applied: false, desired, desiredModel, shadow };
    }
    const { account: before, costs } = await requireAccount(ctx, runId);
    const fundingRateAt = await settledFundingIn(ctx, run, {
      afterMs: before.lastBarOpenTimeMs,
      untilMs: bar.openTimeMs,
      intervalMs: costs.fundingIntervalMs,
      barMs: timeframeMs(run.timeframe),
    });
    const advanced = await applyBar(ctx, runId, bar, fundingRateAt);
    await noteBar(ctx, run, bar.openTimeMs, advanced);
    const ghost = await advanceShadow(ctx, run, bar, { account: advanced.account, costs, fundingRateAt });
    if (ghost.kind === "ended") await scheduleSettling(ctx, ghost.shadowId);
    const shadow = ghost.kind === "decide" ? ghost.ghost : null;
    return { ...advanced, applied: true, desired: run.desired, desiredModel, shadow };
  },
});
