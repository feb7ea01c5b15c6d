import { v } from "convex/values";
import { adminMutation, viewerQuery } from "../builders";
import { currentLimits, setLimits } from "./model";
import { riskLimitFields, vRiskLimits } from "./schema";

export const current = viewerQuery({
  args: {},
  returns: v.union(v.null(), v.object(riskLimitFields)),
  handler: async (ctx) => {
    const row = await currentLimits(ctx);
    if (row === null) return null;
    const { _id, _creationTime, ...fields } = row;
    return fields;
  },
});

export const set = adminMutation({
  args: { limits: vRiskLimits, reason: v.string() },
  returns: v.null(),
  handler: async (ctx, { limits, reason }) => {
    await setLimits(ctx, limits, reason, ctx.actor.tokenIdentifier);
    return null;
  },
});
