/** Lets go of what old shadows left behind, where they promoted nothing. */
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

interface Settled {
  /** Rows stored up to here need not be looked at again; null where there was nothing to settle. */
  settledToMs: number | null;
  deleted: number;
  kept: number;
}

/** A promotion rests on its shadow: every bar and decision of it stays. */
async function fate(ctx: QueryCtx, shadowId: Id<"shadows">): Promise<"wait" | "keep" | "delete"> {
  const shadow = await ctx.db.get(shadowId);
  if (shadow === null) return "delete";
  const cycle = await ctx.db.get(shadow.cycleId);
  if (shadow.isActive || cycle?.isActive) return "wait";
  return cycle?.status === "promoted" ? "keep" : "delete";
}

type GhostTable = "shadowDecisions" | "shadowParts";

/** The sweep of one table; a shadow that goes on is waited for. Decisions that somebody replayed stay. */
export function thinGhosts(table: GhostTable) {
  return async (
    ctx: MutationCtx,
    { afterMs, beforeMs, limit }: { afterMs: number; beforeMs: number; limit: number },
  ): Promise<Settled> => {
    const rows: (Doc<"shadowDecisions"> | Doc<"shadowParts">)[] = await ctx.db
      .query(table)
      .withIndex("by_creation_time", (q) => q.gt("_creationTime", afterMs).lt("_creationTime", beforeMs))
      .take(limit);
    const settled: Settled = { settledToMs: null, deleted: 0, kept: 0 };
    const fates = new Map<Id<"shadows">, Awaited<ReturnType<typeof fate>>>();
    for (const { _id, _creationTime, shadowId } of rows) {
      if (!fates.has(shadowId)) fates.set(shadowId, await fate(ctx, shadowId));
      const verdict = fates.get(shadowId)!;
      if (verdict === "wait") break;
      settled.settledToMs = _creationTime;
      if (verdict === "keep" || (await isReplayed(ctx, _id))) settled.kept += 1;
      else {
        await ctx.db.delete(_id);
        settled.deleted += 1;
      }
    }
    return settled;
  };
}

async function isReplayed(ctx: QueryCtx, id: Id<"shadowDecisions"> | Id<"shadowParts">): Promise<boolean> {
  const decisionId = id as Id<"shadowDecisions">;
  const replay = await ctx.db
    .query("replays")
    .withIndex("by_decision", (q) => q.eq("decisionId", decisionId))
    .first();
  return replay !== null;
}
