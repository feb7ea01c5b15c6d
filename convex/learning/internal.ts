import { v } from "convex/values";
import { internalMutationOf } from "../builders";
import { advanceCycle, requireCycle, sweepCycles } from "./model";

/** The step that a cycle is due, if any. */
export const advance = internalMutationOf({
  args: { cycleId: v.id("learningCycles") },
  returns: v.null(),
  handler: async (ctx, { cycleId }) => {
    await advanceCycle(ctx, await requireCycle(ctx, cycleId));
    return null;
  },
});

/** Every minute: cycles that lost their trigger, and those whose cadence is due. */
export const tick = internalMutationOf({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await sweepCycles(ctx);
    return null;
  },
});
