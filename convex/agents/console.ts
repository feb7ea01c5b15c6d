/** Agent versions for people: list, detail, live training curve, and a request to train. */
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { operatorMutation, viewerQuery } from "../builders";
import { requireJob, resumeJob } from "../ops/model";
import {
  importVersion,
  requestTraining as request,
  requireVersion,
  setTrainingStatus,
  vImportedModel,
} from "./model";
import {
  trainingPointFields,
  vAlgorithm,
  versionFields,
  vHyperparameters,
  vKernelChoice,
  vThreadChoice,
} from "./schema";

const vVersion = v.object({ ...versionFields, _id: v.id("agentVersions") });

export const list = viewerQuery({
  args: {},
  returns: v.array(vVersion),
  handler: async (ctx) => {
    const rows = await ctx.db
      .query("agentVersions")
      .withIndex("by_createdAt")
      .order("desc")
      .take(LIMITS.pageSize);
    return rows.map(({ _creationTime, ...fields }) => fields);
  },
});

export const get = viewerQuery({
  args: { versionId: v.id("agentVersions") },
  returns: v.object({
    ...versionFields,
    _id: v.id("agentVersions"),
    manifest: v.union(v.null(), v.string()),
  }),
  handler: async (ctx, { versionId }) => {
    const { _creationTime, ...fields } = await requireVersion(ctx, versionId);
    const row = await ctx.db
      .query("agentManifests")
      .withIndex("by_version", (q) => q.eq("versionId", versionId))
      .unique();
    return { ...fields, manifest: row?.manifest ?? null };
  },
});

/** The newest points of the curve, oldest first. */
export const trainingCurve = viewerQuery({
  args: { versionId: v.id("agentVersions") },
  returns: v.array(v.object(trainingPointFields)),
  handler: async (ctx, { versionId }) => {
    const rows = await ctx.db
      .query("trainingPoints")
      .withIndex("by_version_and_sequence", (q) => q.eq("versionId", versionId))
      .order("desc")
      .take(LIMITS.trainingPointsPerView);
    return rows.reverse().map(({ _id, _creationTime, ...fields }) => fields);
  },
});

export const requestTraining = operatorMutation({
  limit: "jobRequests",
  args: {
    datasetId: v.id("datasets"),
    algorithm: vAlgorithm,
    steps: v.number(),
    seed: v.number(),
    hyperparameters: v.optional(vHyperparameters),
    kernel: v.optional(vKernelChoice),
    threads: v.optional(vThreadChoice),
    name: v.optional(v.string()),
  },
  returns: v.object({ versionId: v.id("agentVersions"), jobId: v.id("jobs") }),
  handler: (ctx, args) => request(ctx, args, ctx.actor.tokenIdentifier),
});

/** Continues a cancelled or failed training from its checkpoint. */
export const resumeTraining = operatorMutation({
  limit: "jobRequests",
  args: { versionId: v.id("agentVersions") },
  returns: v.object({ versionId: v.id("agentVersions"), jobId: v.id("jobs") }),
  handler: async (ctx, { versionId }) => {
    const version = await requireVersion(ctx, versionId);
    if (version.jobId === undefined) {
      throw new ConvexError(appError("NOT_READY", "This version has no training job to resume", "versionId"));
    }
    await resumeJob(ctx, await requireJob(ctx, version.jobId), ctx.actor.tokenIdentifier);
    await setTrainingStatus(ctx, version, "queued");
    return { versionId, jobId: version.jobId };
  },
});

/** Registers an exported model as a candidate; its files must be in storage already. */
export const importModel = operatorMutation({
  args: { model: vImportedModel },
  returns: v.object({ versionId: v.id("agentVersions"), isNew: v.boolean() }),
  handler: (ctx, { model }) => importVersion(ctx, model, ctx.actor.tokenIdentifier),
});
