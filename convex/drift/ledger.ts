/** Lets go of old drift checks that changed nothing. */
import type { MutationCtx } from "../_generated/server";

/** The check that an alert was raised by stays with it. */
export async function thinReports(
  ctx: MutationCtx,
  { afterMs, beforeMs, limit }: { afterMs: number; beforeMs: number; limit: number },
): Promise<{ settledToMs: number | null; deleted: number; kept: number }> {
  const rows = await ctx.db
    .query("driftReports")
    .withIndex("by_creation_time", (q) => q.gt("_creationTime", afterMs).lt("_creationTime", beforeMs))
    .take(limit);
  let kept = 0;
  for (const { _id, runId, barOpenTimeMs } of rows) {
    const alert = await ctx.db
      .query("driftAlerts")
      .withIndex("by_run_and_bar", (q) => q.eq("runId", runId).eq("barOpenTimeMs", barOpenTimeMs))
      .first();
    if (alert === null) await ctx.db.delete(_id);
    else kept += 1;
  }
  return { settledToMs: rows.at(-1)?._creationTime ?? null, deleted: rows.length - kept, kept };
}
