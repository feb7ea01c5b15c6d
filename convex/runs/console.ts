/** Runs for people: list, detail, start, pause, resume, stop. */
import { type Infer, v } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { operatorMutation, viewerQuery } from "../builders";
import { vTimeframe } from "../validators";
import { isActive, progressOf, requireRun, setDesired, stopRun, vRunProgress } from "./model";
import { runProgressFields, runStateFields, vRunStatus } from "./schema";
import { startRun } from "./start";

/** `progress` is null while the run is active: it then changes with each bar and has a query of its own. */
const vRunRow = v.object({
  ...runStateFields,
  _id: v.id("runs"),
  versionName: v.string(),
  progress: v.union(v.null(), vRunProgress),
});

async function rowOf(ctx: QueryCtx, run: Doc<"runs">): Promise<Infer<typeof vRunRow>> {
  const {
    _creationTime,
    bars,
    decisions,
    holds,
    fills,
    equityUsd,
    lastDecisionId,
    lastBarOpenTimeMs,
    ...state
  } = run;
  const final = { bars, decisions, holds, fills, equityUsd, lastDecisionId, lastBarOpenTimeMs };
  return {
    ...state,
    versionName: (await ctx.db.get(run.versionId))?.name ?? "unknown",
    progress: isActive(run) ? null : final,
  };
}

/** The newest 50. No bar and no decision of a run makes this list new. */
export const list = viewerQuery({
  args: {},
  returns: v.array(vRunRow),
  handler: async (ctx) => {
    const rows = await ctx.db.query("runs").withIndex("by_createdAt").order("desc").take(50);
    return Promise.all(rows.map((row) => rowOf(ctx, row)));
  },
});

export const get = viewerQuery({
  args: { runId: v.id("runs") },
  returns: vRunRow,
  handler: async (ctx, { runId }) => rowOf(ctx, await requireRun(ctx, runId)),
});

/** How far a run is and what it is worth, live: what each of its bars changes and nothing else. */
export const progress = viewerQuery({
  args: { runId: v.id("runs") },
  returns: v.object({ ...runProgressFields, status: vRunStatus }),
  handler: async (ctx, { runId }) => {
    const run = await requireRun(ctx, runId);
    return { ...(await progressOf(ctx, run)), status: run.status };
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
