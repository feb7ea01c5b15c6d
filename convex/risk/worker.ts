import { v } from "convex/values";
import { workerQuery } from "../builders";
import { vRiskLimits } from "./schema";

/** The limits of one version, or null when there was none. */
export const limits = workerQuery({
  args: { version: v.number() },
  returns: v.union(v.null(), vRiskLimits),
  handler: async (ctx, { version }) => {
    const row = await ctx.db
      .query("riskLimits")
      .withIndex("by_version", (q) => q.eq("version", version))
      .unique();
    return row?.limits ?? null;
  },
});
