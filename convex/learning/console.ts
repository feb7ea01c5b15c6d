/** Learning for people: policy, cycles, and the acts that start and stop them. */
import { v } from "convex/values";
import { adminMutation, operatorMutation, viewerQuery } from "../builders";
import { releaseUnwatched } from "../drift/model";
import { vTimeframe } from "../validators";
import {
  cancelCycle,
  learningPolicy,
  policiesInForce,
  requireCycle,
  setLearningPolicy,
  startCycle,
} from "./model";
import { cycleFields, policyFields, vLearningPolicy } from "./schema";

const vCycle = v.object({
  ...cycleFields,
  _id: v.id("learningCycles"),
  challengerName: v.union(v.null(), v.string()),
  championName: v.union(v.null(), v.string()),
});
const market = { instrument: v.string(), timeframe: vTimeframe };

/** The policy in force; version 0 is the default that ships with the desk. */
export const policy = viewerQuery({
  args: market,
  returns: v.object({ version: v.number(), values: vLearningPolicy }),
  handler: (ctx, { instrument, timeframe }) => learningPolicy(ctx, instrument, timeframe),
});

/** The newest policy of every market that has one. */
export const policies = viewerQuery({
  args: {},
  returns: v.array(v.object(policyFields)),
  handler: async (ctx) => (await policiesInForce(ctx)).map(({ _id, _creationTime, ...fields }) => fields),
});

/** Earlier versions, newest first. */
export const policyHistory = viewerQuery({
  args: market,
  returns: v.array(v.object(policyFields)),
  handler: async (ctx, { instrument, timeframe }) => {
    const rows = await ctx.db
      .query("learningPolicies")
      .withIndex("by_market_and_version", (q) => q.eq("instrument", instrument).eq("timeframe", timeframe))
      .order("desc")
      .take(50);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});

/** A new version of the policy: an admin's act, with a reason, in the audit chain. */
export const setPolicy = adminMutation({
  args: { ...market, values: vLearningPolicy, reason: v.string() },
  returns: v.object({ version: v.number() }),
  handler: async (ctx, { values, reason, ...market }) => {
    const version = await setLearningPolicy(ctx, market, values, reason, ctx.actor.tokenIdentifier);
    await releaseUnwatched(ctx, market);
    return { version };
  },
});

/** Starts a cycle now, whatever the cadence. `asOfMs` leaves out the bars from there on. */
export const start = operatorMutation({
  limit: "jobRequests",
  args: { ...market, asOfMs: v.optional(v.number()) },
  returns: v.id("learningCycles"),
  handler: (ctx, args) => startCycle(ctx, { ...args, trigger: "manual" }, ctx.actor.tokenIdentifier),
});

export const cancel = operatorMutation({
  args: { cycleId: v.id("learningCycles") },
  returns: v.null(),
  handler: async (ctx, { cycleId }) => {
    await cancelCycle(ctx, await requireCycle(ctx, cycleId), ctx.actor.tokenIdentifier);
    return null;
  },
});

/** Newest first; of one instrument, or of all. */
export const cycles = viewerQuery({
  args: { instrument: v.optional(v.string()) },
  returns: v.array(vCycle),
  handler: async (ctx, { instrument }) => {
    const rows =
      instrument === undefined
        ? await ctx.db.query("learningCycles").withIndex("by_startedAt").order("desc").take(50)
        : await ctx.db
            .query("learningCycles")
            .withIndex("by_instrument_and_startedAt", (q) => q.eq("instrument", instrument))
            .order("desc")
            .take(50);
    const views = [];
    for (const row of rows) views.push(await viewOf(ctx, row));
    return views;
  },
});

export const cycle = viewerQuery({
  args: { cycleId: v.id("learningCycles") },
  returns: vCycle,
  handler: async (ctx, { cycleId }) => viewOf(ctx, await requireCycle(ctx, cycleId)),
});

type ViewerCtx = Parameters<typeof requireCycle>[0];

async function viewOf(ctx: ViewerCtx, row: Awaited<ReturnType<typeof requireCycle>>) {
  const { _creationTime, ...fields } = row;
  const nameOf = async (id: typeof row.challengerVersionId) =>
    id === undefined ? null : ((await ctx.db.get(id))?.name ?? null);
  return {
    ...fields,
    challengerName: await nameOf(row.challengerVersionId),
    championName: await nameOf(row.championVersionId),
  };
}
