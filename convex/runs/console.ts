/** Runs for people: list, detail, start, pause, resume, stop. */
import { v } from "convex/values";
import { operatorMutation, viewerQuery } from "../builders";
import { vTimeframe } from "../validators";
import { requireRun, setDesired, stopRun } from "./model";
import { runFields } from "./schema";
import { startRun } from "./start";

const vRun = v.object({ ...runFields, _id: v.id("runs"), versionName: v.string() });

export const list = viewerQuery({
  args: {},
  returns: v.array(vRun),
  handler: async (ctx) => {
    const rows = await ctx.db.query("runs").withIndex("by_createdAt").order("desc").take(50);
    const runs = [];
    for (const { _creationTime, ...fields } of rows) {
      runs.push({ ...fields, versionName: (await ctx.db.get(fields.versionId))?.name ?? "unknown" });
    }
    return runs;
  },
});

export const get = viewerQuery({
  args: { runId: v.id("runs") },
  returns: vRun,
  handler: async (ctx, { runId }) => {
    const { _creationTime, ...fields } = await requireRun(ctx, runId);
    return { ...fields, versionName: (await ctx.db.get(fields.versionId))?.name ?? "unknown" };
  },
});

export const start = operatorMutation({
  limit: "jobRequests",
  args: {
    instrument: v.string(),
    feed: v.union(v.literal("replay"), v.literal("live")),
    source: v.string(),
    sourceTimeframe: vTimeframe,
    fromMs: v.optional(v.number()),
    toMs: v.optional(v.number()),
    speed: v.number(),
    versionId: v.optional(v.id("agentVersions")),
    initialBalanceUsd: v.number(),
  },
  returns: v.object({ runId: v.id("runs"), jobId: v.id("jobs") }),
  handler: (ctx, args) => startRun(ctx, args, ctx.actor.tokenIdentifier),
});

const runArgs = { runId: v.id("runs") };

export const pause = operatorMutation({
  args: runArgs,
  returns: v.null(),
  handler: async (ctx, { runId }) => {
    await setDesired(ctx, await requireRun(ctx, runId), "paused", ctx.actor.tokenIdentifier);
    return null;
  },
});

export const resume = operatorMutation({
  args: runArgs,
  returns: v.null(),
  handler: async (ctx, { runId }) => {
    await setDesired(ctx, await requireRun(ctx, runId), "running", ctx.actor.tokenIdentifier);
    return null;
  },
});

export const stop = operatorMutation({
  args: runArgs,
  returns: v.null(),
  handler: async (ctx, { runId }) => {
    await stopRun(ctx, await requireRun(ctx, runId), ctx.actor.tokenIdentifier);
    return null;
  },
});
