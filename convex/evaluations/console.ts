/** Evaluations for people: list, report, equity, trades, gates, and a request to evaluate. */
import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { requireManifest, requireVersion } from "../agents/model";
import { appendAudit, deskIdOf } from "../audit/model";
import { operatorMutation, viewerQuery } from "../builders";
import { activeGatePolicy } from "../governance/model";
import { vGateResult } from "../governance/schema";
import { findSeries } from "../market/model";
import { enqueueJob } from "../ops/model";
import { vTimeframe } from "../validators";
import { equityForView, gatesFor, requireEvaluation, tradesOf, trialCountOf } from "./model";
import { evaluationFields, vLedgerElsewhere, vTrade } from "./schema";

const vEvaluation = v.object({ ...evaluationFields, _id: v.id("evaluations"), versionName: v.string() });

export const list = viewerQuery({
  args: { versionId: v.optional(v.id("agentVersions")) },
  returns: v.array(vEvaluation),
  handler: async (ctx, { versionId }) => {
    const rows =
      versionId === undefined
        ? await ctx.db.query("evaluations").withIndex("by_createdAt").order("desc").take(50)
        : await ctx.db
            .query("evaluations")
            .withIndex("by_version", (q) => q.eq("versionId", versionId))
            .order("desc")
            .take(50);
    const evaluations = [];
    for (const { _creationTime, ...fields } of rows) {
      evaluations.push({ ...fields, versionName: (await ctx.db.get(fields.versionId))?.name ?? "unknown" });
    }
    return evaluations;
  },
});

/** Every evaluation, newest first, page by page. */
export const pages = viewerQuery({
  args: { paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(v.object({ ...evaluationFields, _id: v.id("evaluations") })),
  handler: async (ctx, { paginationOpts }) => {
    const options = { ...paginationOpts, numItems: Math.min(paginationOpts.numItems, LIMITS.pageSize) };
    const result = await ctx.db
      .query("evaluations")
      .withIndex("by_createdAt")
      .order("desc")
      .paginate(options);
    return { ...result, page: result.page.map(({ _creationTime, ...fields }) => fields) };
  },
});

/** The report with its gates as they stand now: the trial count may have grown since it was made. */
export const get = viewerQuery({
  args: { evaluationId: v.id("evaluations") },
  returns: v.object({
    ...evaluationFields,
    _id: v.id("evaluations"),
    versionName: v.string(),
    gates: v.array(vGateResult),
    trialsNow: v.number(),
  }),
  handler: async (ctx, { evaluationId }) => {
    const evaluation = await requireEvaluation(ctx, evaluationId);
    const { _creationTime, ...fields } = evaluation;
    const { gates, trialCount } = await gatesFor(ctx, evaluation, await activeGatePolicy(ctx));
    const version = await requireVersion(ctx, evaluation.versionId);
    return { ...fields, versionName: version.name, gates, trialsNow: trialCount };
  },
});

/** Equity and position for a chart, at most 2,000 points by stride (the first and last are kept). */
export const equity = viewerQuery({
  args: { evaluationId: v.id("evaluations") },
  returns: v.object({
    openTimesMs: v.array(v.number()),
    equityUsd: v.array(v.number()),
    positionQty: v.array(v.number()),
  }),
  handler: (ctx, { evaluationId }) => equityForView(ctx, evaluationId, 2_000),
});

/** The trades of one part (up to 500), oldest first. */
export const trades = viewerQuery({
  args: { evaluationId: v.id("evaluations"), part: v.number() },
  returns: v.array(vTrade),
  handler: (ctx, { evaluationId, part }) => tradesOf(ctx, evaluationId, part),
});

export const request = operatorMutation({
  limit: "jobRequests",
  args: {
    versionId: v.id("agentVersions"),
    source: v.string(),
    sourceTimeframe: vTimeframe,
    fromMs: v.number(),
    toMs: v.number(),
  },
  returns: v.id("jobs"),
  handler: async (ctx, args) => {
    if (args.fromMs >= args.toMs) {
      throw new ConvexError(
        appError("INVALID_ARGUMENT", "fromMs must be before toMs; swap or widen the range", "fromMs"),
      );
    }
    const version = await requireVersion(ctx, args.versionId);
    await requireManifest(ctx, version);
    const series = await findSeries(ctx, {
      instrument: version.instrument,
      timeframe: args.sourceTimeframe,
      source: args.source,
    });
    if (series === null || series.lastOpenTimeMs < args.fromMs || series.firstOpenTimeMs >= args.toMs) {
      throw new ConvexError(
        appError(
          "NO_DATA",
          `No ${args.sourceTimeframe} bars of ${version.instrument} from ${args.source} in that range; import some with: assay import`,
          "source",
        ),
      );
    }
    const jobId = await enqueueJob(ctx, { kind: "evaluate", ...args }, ctx.actor.tokenIdentifier);
    await appendAudit(ctx, {
      actor: ctx.actor.tokenIdentifier,
      action: "evaluation.request",
      subjectType: "agentVersion",
      subjectId: args.versionId,
      detail: { fromMs: args.fromMs, toMs: args.toMs, source: args.source },
    });
    return jobId;
  },
});

/** How many trials were counted on the price that an instrument follows; nothing can lower it. Exports state it. */
export const ledger = viewerQuery({
  args: { instrument: v.string() },
  returns: vLedgerElsewhere,
  handler: async (ctx, { instrument }) => ({
    deskId: await deskIdOf(ctx),
    trials: Math.max(1, await trialCountOf(ctx, instrument)),
  }),
});
