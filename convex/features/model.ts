/** Owns the register of feature sets: a fingerprint is written once and never changes its meaning. */
import type { MutationCtx } from "../_generated/server";

export async function registerFeatureSet(
  ctx: MutationCtx,
  set: { setId: string; version: number; fingerprint: string; columnNames: string[]; warmupBars: number },
): Promise<void> {
  const existing = await ctx.db
    .query("featureSets")
    .withIndex("by_fingerprint", (q) => q.eq("fingerprint", set.fingerprint))
    .unique();
  if (existing === null) await ctx.db.insert("featureSets", { ...set, createdAtMs: Date.now() });
}
