/** How long the desk keeps its rows, for people: the policy, and what its sweep has done. */
import { v } from "convex/values";
import { adminMutation, viewerQuery } from "../builders";
import { retentionPolicy, setRetentionPolicy } from "./model";
import { retentionSweepFields, vRetentionPolicy } from "./schema";

/** The policy in force; version 0 is the default that ships with the desk. */
export const policy = viewerQuery({
  args: {},
  returns: v.object({ version: v.number(), values: vRetentionPolicy }),
  handler: (ctx) => retentionPolicy(ctx),
});

/** A new version of the policy: an admin's act, with a reason, in the audit chain. */
export const setPolicy = adminMutation({
  args: { values: vRetentionPolicy, reason: v.string() },
  returns: v.object({ version: v.number() }),
  handler: async (ctx, { values, reason }) => ({
    version: await setRetentionPolicy(ctx, values, reason, ctx.actor.tokenIdentifier),
  }),
});

/** One row a table that was swept: how far, and how many rows were deleted and kept since the desk began. */
export const sweeps = viewerQuery({
  args: {},
  returns: v.array(v.object(retentionSweepFields)),
  handler: async (ctx) => {
    const rows = await ctx.db.query("retentionSweeps").withIndex("by_table").take(10);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});
