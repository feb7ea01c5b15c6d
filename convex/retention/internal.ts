import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutationOf } from "../builders";
import { SWEPT_TABLES, sweepTable } from "./model";
import { vSweptTable } from "./schema";

/** Every hour: each table apart, so that none waits for another. */
export const tick = internalMutationOf({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    for (const table of SWEPT_TABLES)
      await ctx.scheduler.runAfter(0, internal.retention.internal.sweep, { table });
    return null;
  },
});

export const sweep = internalMutationOf({
  args: { table: vSweptTable },
  returns: v.null(),
  handler: async (ctx, { table }) => {
    await sweepTable(ctx, table);
    return null;
  },
});
