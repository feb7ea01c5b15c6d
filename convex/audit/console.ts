/** The audit log for people: newest first, and in chain order for verification. */
import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { viewerQuery } from "../builders";
import { auditFields } from "./schema";

const vEntry = v.object({ ...auditFields, _id: v.id("auditEntries"), _creationTime: v.number() });

export const list = viewerQuery({
  args: { paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(vEntry),
  handler: (ctx, { paginationOpts }) =>
    ctx.db
      .query("auditEntries")
      .withIndex("by_sequence")
      .order("desc")
      .paginate({ ...paginationOpts, numItems: Math.min(paginationOpts.numItems, 100) }),
});

/** Entries from `fromSequence` in chain order, at most 500; the caller checks them with lib/audit/chain. */
export const chain = viewerQuery({
  args: { fromSequence: v.number() },
  returns: v.array(v.object(auditFields)),
  handler: async (ctx, { fromSequence }) => {
    const rows = await ctx.db
      .query("auditEntries")
      .withIndex("by_sequence", (q) => q.gte("sequence", fromSequence))
      .take(500);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});
