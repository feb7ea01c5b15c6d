/** Walk-forwards for people: list, report with gates, slices, trades, and a request to run one. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { recipeFor, recipeOf, requireTrainingDataset, requireVersion } from "../agents/model";
import { vAlgorithm, vHyperparameters } from "../agents/schema";
import { operatorMutation, viewerQuery } from "../builders";
import { vTrade } from "../evaluations/schema";
import { activeGatePolicy, championOf } from "../governance/model";
import { vGateResult } from "../governance/schema";
import { requireJob, resumeJob } from "../ops/model";
import { kernelSentenceOf, walkForwardGates } from "./gates";
import { requestWalkForward, requeueWalkForward, requireWalkForward, slicesOf } from "./model";
import { planFields, sliceFields, walkForwardFields } from "./schema";

const vWalkForward = v.object({ ...walkForwardFields, _id: v.id("walkForwards") });

/** The newest; those of a search are shown by its page. */
export const list = viewerQuery({
  args: { searchId: v.optional(v.id("searches")) },
  returns: v.array(vWalkForward),
  handler: async (ctx, { searchId }) => {
    const rows = await ctx.db
      .query("walkForwards")
      .withIndex("by_search", (q) => q.eq("searchId", searchId))
      .order("desc")
      .take(LIMITS.pageSize);
    return rows.map(({ _creationTime, ...fields }) => fields);
  },
});

/** The report with its gates as they stand now: the trial count may have grown since it was made. */
export const get = viewerQuery({
  args: { walkForwardId: v.id("walkForwards") },
  returns: v.object({
    ...walkForwardFields,
    _id: v.id("walkForwards"),
    gates: v.array(vGateResult),
    policyVersion: v.number(),
    kernelSentence: v.string(),
    ledger: v.object({
      trialCount: v.number(),
      sharpeVariance: v.number(),
      overfitting: v.object({ configurations: v.number(), pbo: v.union(v.null(), v.number()) }),
    }),
  }),
  handler: async (ctx, { walkForwardId }) => {
    const row = await requireWalkForward(ctx, walkForwardId);
    const { _creationTime, ...fields } = row;
    const policy = await activeGatePolicy(ctx);
    const { gates, ledger } = await walkForwardGates(ctx, row, policy.walkForward);
    const kernelSentence = await kernelSentenceOf(ctx, row);
    return { ...fields, gates, ledger, kernelSentence, policyVersion: policy.version };
  },
});

/** Every recorded test span, without its daily returns. */
export const slices = viewerQuery({
  args: { walkForwardId: v.id("walkForwards") },
  returns: v.array(
    v.object({
      subject: sliceFields.subject,
      fold: sliceFields.fold,
      costMultiplier: sliceFields.costMultiplier,
      lagBars: sliceFields.lagBars,
      performance: sliceFields.performance,
      entropy: sliceFields.entropy,
      calibrationError: sliceFields.calibrationError,
      artifactSha256: sliceFields.artifactSha256,
      _id: v.id("walkForwardSlices"),
    }),
  ),
  handler: async (ctx, { walkForwardId }) => {
    const rows = await slicesOf(ctx, walkForwardId);
    return rows.map(({ _creationTime, walkForwardId: _parent, daily: _daily, ...fields }) => fields);
  },
});

/** Daily returns of each subject in the plain condition, fold after fold: the out-of-sample equity curves. */
export const curves = viewerQuery({
  args: { walkForwardId: v.id("walkForwards") },
  returns: v.array(
    v.object({
      subject: v.string(),
      fold: v.number(),
      dayMs: v.array(v.number()),
      returns: v.array(v.number()),
    }),
  ),
  handler: async (ctx, { walkForwardId }) => {
    const rows = await slicesOf(ctx, walkForwardId);
    return rows
      .filter((row) => row.costMultiplier === 1 && row.lagBars === 0)
      .sort((a, b) => a.fold - b.fold)
      .map(({ subject, fold, daily }) => ({ subject, fold, ...daily }));
  },
});

/** The trades of one slice and part (up to 500), oldest first. */
export const trades = viewerQuery({
  args: { sliceId: v.id("walkForwardSlices"), part: v.number() },
  returns: v.array(vTrade),
  handler: async (ctx, { sliceId, part }) => {
    const row = await ctx.db
      .query("walkForwardTrades")
      .withIndex("by_slice_and_part", (q) => q.eq("sliceId", sliceId).eq("part", part))
      .unique();
    return row?.trades ?? [];
  },
});

const vRequested = v.object({ walkForwardId: v.id("walkForwards"), jobId: v.id("jobs") });

/** Walks a version's recipe forward over its own training dataset, beside the champion's recipe if there is one. */
export const requestForVersion = operatorMutation({
  limit: "jobRequests",
  args: { versionId: v.id("agentVersions"), plan: v.object(planFields) },
  returns: vRequested,
  handler: async (ctx, { versionId, plan }) => {
    const version = await requireVersion(ctx, versionId);
    const champion = await championOf(ctx, version.instrument);
    const rival =
      champion === null || champion.versionId === versionId
        ? undefined
        : await requireVersion(ctx, champion.versionId);
    const request = {
      datasetId: version.datasetId,
      recipe: recipeOf(version),
      plan,
      versionId,
      champion:
        rival === undefined || rival.timeframe !== version.timeframe
          ? undefined
          : { versionId: rival._id, recipe: recipeOf(rival) },
    };
    return requestWalkForward(ctx, request, ctx.actor.tokenIdentifier);
  },
});

/** Walks a recipe forward over a dataset, before there is any version of it. */
export const requestForDataset = operatorMutation({
  limit: "jobRequests",
  args: {
    datasetId: v.id("datasets"),
    algorithm: vAlgorithm,
    steps: v.number(),
    hyperparameters: v.optional(vHyperparameters),
    plan: v.object(planFields),
  },
  returns: vRequested,
  handler: async (ctx, { datasetId, algorithm, steps, hyperparameters = {}, plan }) => {
    const dataset = await requireTrainingDataset(ctx, datasetId);
    const recipe = await recipeFor(ctx, dataset, { algorithm, steps, hyperparameters });
    return requestWalkForward(ctx, { datasetId, recipe, plan }, ctx.actor.tokenIdentifier);
  },
});

/** Goes on with a cancelled or failed one; what it recorded is kept. */
export const resume = operatorMutation({
  limit: "jobRequests",
  args: { walkForwardId: v.id("walkForwards") },
  returns: vRequested,
  handler: async (ctx, { walkForwardId }) => {
    const row = await requireWalkForward(ctx, walkForwardId);
    const jobId = row.jobId!;
    await resumeJob(ctx, await requireJob(ctx, jobId), ctx.actor.tokenIdentifier);
    await requeueWalkForward(ctx, row);
    return { walkForwardId, jobId };
  },
});
