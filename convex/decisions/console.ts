/** Decisions for people: list, one decision in full, and its replay. */
import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { viewerMutation, viewerQuery } from "../builders";
import { enqueueJob } from "../ops/model";
import { requireDecision, requireReplayable } from "./model";
import { decisionFields, replayFields, vReplayable } from "./schema";

/** A list row: without observation, verdict and provenance, which the drawer loads. */
const vDecisionRow = v.object({
  _id: v.id("decisions"),
  runId: v.id("runs"),
  sequence: v.number(),
  instrument: v.string(),
  barOpenTimeMs: v.number(),
  barCloseTimeMs: v.number(),
  action: decisionFields.action,
  probabilities: v.array(v.number()),
  confidence: v.number(),
  outcome: decisionFields.outcome,
  holdReason: decisionFields.holdReason,
  referencePrice: v.number(),
  plannedQty: v.number(),
  plannedStopPrice: v.number(),
  failedRules: v.array(v.string()),
  totalMs: v.number(),
  decidedAtMs: v.number(),
});

function toRow(doc: Doc<"decisions">) {
  return {
    _id: doc._id,
    runId: doc.runId,
    sequence: doc.sequence,
    instrument: doc.instrument,
    barOpenTimeMs: doc.barOpenTimeMs,
    barCloseTimeMs: doc.barCloseTimeMs,
    action: doc.action,
    probabilities: doc.probabilities,
    confidence: doc.confidence,
    outcome: doc.outcome,
    holdReason: doc.holdReason,
    referencePrice: doc.referencePrice,
    plannedQty: doc.plannedQty,
    plannedStopPrice: doc.plannedStopPrice,
    failedRules: doc.verdicts.filter((verdict) => !verdict.passed).map((verdict) => verdict.rule),
    totalMs: doc.latency.totalMs,
    decidedAtMs: doc.decidedAtMs,
  };
}

function ofRun(ctx: QueryCtx, runId: Id<"runs">, outcome: "order" | "hold" | undefined) {
  const table = ctx.db.query("decisions");
  return outcome === undefined
    ? table.withIndex("by_run_and_bar", (q) => q.eq("runId", runId))
    : table.withIndex("by_run_and_outcome_and_bar", (q) => q.eq("runId", runId).eq("outcome", outcome));
}

/** Newest first; `outcome` filters to orders or holds. */
export const list = viewerQuery({
  args: {
    runId: v.id("runs"),
    outcome: v.optional(v.union(v.literal("order"), v.literal("hold"))),
    paginationOpts: paginationOptsValidator,
  },
  returns: paginationResultValidator(vDecisionRow),
  handler: async (ctx, { runId, outcome, paginationOpts }) => {
    const bounded = { ...paginationOpts, numItems: Math.min(paginationOpts.numItems, LIMITS.pageSize) };
    const result = await ofRun(ctx, runId, outcome).order("desc").paginate(bounded);
    return { ...result, page: result.page.map(toRow) };
  },
});

/** The newest decisions, newest first: a bounded answer, however long the run is watched. */
export const newest = viewerQuery({
  args: {
    runId: v.id("runs"),
    outcome: v.optional(v.union(v.literal("order"), v.literal("hold"))),
    limit: v.number(),
  },
  returns: v.array(vDecisionRow),
  handler: async (ctx, { runId, outcome, limit }) => {
    const rows = await ofRun(ctx, runId, outcome)
      .order("desc")
      .take(Math.max(1, Math.min(limit, LIMITS.pageSize)));
    return rows.map(toRow);
  },
});

/** Decisions that became orders, oldest first, for the chart's markers; at most 1,000. */
export const markers = viewerQuery({
  args: { runId: v.id("runs") },
  returns: v.array(vDecisionRow),
  handler: async (ctx, { runId }) => {
    const rows = await ctx.db
      .query("decisions")
      .withIndex("by_run_and_outcome_and_bar", (q) => q.eq("runId", runId).eq("outcome", "order"))
      .order("desc")
      .take(1_000);
    return rows.reverse().map(toRow);
  },
});

export const get = viewerQuery({
  args: { decisionId: v.id("decisions") },
  returns: v.object({ ...decisionFields, _id: v.id("decisions"), _creationTime: v.number() }),
  handler: (ctx, { decisionId }) => requireDecision(ctx, decisionId),
});

/** Asks a worker to recompute the decision from its provenance. */
export const requestReplay = viewerMutation({
  limit: "jobRequests",
  args: { decisionId: vReplayable },
  returns: v.id("jobs"),
  handler: async (ctx, { decisionId }) => {
    await requireReplayable(ctx, decisionId);
    return enqueueJob(ctx, { kind: "replay", decisionId }, ctx.actor.tokenIdentifier);
  },
});

/** The newest replay of a decision, or null. */
export const latestReplay = viewerQuery({
  args: { decisionId: vReplayable },
  returns: v.union(v.null(), v.object(replayFields)),
  handler: async (ctx, { decisionId }) => {
    const row = await ctx.db
      .query("replays")
      .withIndex("by_decision", (q) => q.eq("decisionId", decisionId))
      .order("desc")
      .first();
    if (row === null) return null;
    const { _id, _creationTime, ...fields } = row;
    return fields;
  },
});
