/** Owns the training curves: appended point by point, never changed. */
import { type Infer, v } from "convex/values";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { trainingPointFields } from "./schema";

const { versionId: _versionId, ...pointFields } = trainingPointFields;
export const vTrainingPoint = v.object(pointFields);

/** Appends curve points; a point already stored (a resumed run repeats some) is left alone (W-04). */
export async function appendPoints(
  ctx: MutationCtx,
  versionId: Id<"agentVersions">,
  points: Infer<typeof vTrainingPoint>[],
): Promise<void> {
  const last = await ctx.db
    .query("trainingPoints")
    .withIndex("by_version_and_sequence", (q) => q.eq("versionId", versionId))
    .order("desc")
    .first();
  let newest = last?.sequence ?? -1;
  for (const point of points) {
    if (point.sequence <= newest) continue;
    await ctx.db.insert("trainingPoints", { versionId, ...point });
    newest = point.sequence;
  }
  const latest = points.at(-1);
  if (latest !== undefined && newest === latest.sequence) {
    await ctx.db.patch(versionId, {
      environmentSteps: latest.environmentSteps,
      stepsPerSecond: latest.stepsPerSecond,
    });
  }
}
