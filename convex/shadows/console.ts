/** Shadows for people: how they stand, the running difference, and what the ghost decided. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { viewerQuery } from "../builders";
import { activeShadow, requireShadow } from "./model";
import { shadowDecisionFields, shadowFields, shadowPartFields } from "./schema";

const vShadow = v.object({ ...shadowFields, _id: v.id("shadows") });

/** The shadow that goes on for an instrument, or null. */
export const active = viewerQuery({
  args: { instrument: v.string() },
  returns: v.union(v.null(), vShadow),
  handler: async (ctx, { instrument }) => {
    const shadow = await activeShadow(ctx, instrument);
    if (shadow === null) return null;
    const { _creationTime, ...fields } = shadow;
    return fields;
  },
});

export const get = viewerQuery({
  args: { shadowId: v.id("shadows") },
  returns: vShadow,
  handler: async (ctx, { shadowId }) => {
    const { _creationTime, ...fields } = await requireShadow(ctx, shadowId);
    return fields;
  },
});

const { shadowId: _shadowId, part: _part, ...seriesFields } = shadowPartFields;

/** Returns and running interval bar by bar, oldest first: the newest 10,000 bars. */
export const difference = viewerQuery({
  args: { shadowId: v.id("shadows") },
  returns: v.object(seriesFields),
  handler: async (ctx, { shadowId }) => {
    const parts = await ctx.db
      .query("shadowParts")
      .withIndex("by_shadow_and_part", (q) => q.eq("shadowId", shadowId))
      .order("desc")
      .take(10_000 / LIMITS.equityPointsPerPart);
    parts.reverse();
    return {
      timesMs: parts.flatMap((row) => row.timesMs),
      championReturn: parts.flatMap((row) => row.championReturn),
      challengerReturn: parts.flatMap((row) => row.challengerReturn),
      mean: parts.flatMap((row) => row.mean),
      lower: parts.flatMap((row) => row.lower),
      upper: parts.flatMap((row) => row.upper),
    };
  },
});

/** The ghost's newest decisions, newest first; without the observation bytes. */
export const decisions = viewerQuery({
  args: { shadowId: v.id("shadows") },
  returns: v.array(
    v.object({
      _id: v.id("shadowDecisions"),
      barOpenTimeMs: v.number(),
      action: shadowDecisionFields.action,
      confidence: v.number(),
      outcome: shadowDecisionFields.outcome,
      holdReason: v.optional(v.string()),
      plannedQty: v.number(),
      referencePrice: v.number(),
      positionQty: v.number(),
      equityUsd: v.number(),
    }),
  ),
  handler: async (ctx, { shadowId }) => {
    const rows = await ctx.db
      .query("shadowDecisions")
      .withIndex("by_shadow_and_bar", (q) => q.eq("shadowId", shadowId))
      .order("desc")
      .take(LIMITS.pageSize);
    return rows.map((row) => ({
      _id: row._id,
      barOpenTimeMs: row.barOpenTimeMs,
      action: row.action,
      confidence: row.confidence,
      outcome: row.outcome,
      holdReason: row.holdReason,
      plannedQty: row.plannedQty,
      referencePrice: row.referencePrice,
      positionQty: row.account.positionQty,
      equityUsd: row.account.equityUsd,
    }));
  },
});
