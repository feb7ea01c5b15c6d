import { v } from "convex/values";
import { internalMutationOf } from "../builders";
import { tickClock } from "./model";
import { sweepLeases } from "./settle";

/** Every ten seconds: server clock and expired leases. */
export const tick = internalMutationOf({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await tickClock(ctx);
    await sweepLeases(ctx);
    return null;
  },
});
