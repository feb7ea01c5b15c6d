/** Datasets for people: list, detail, and a request to build one. */
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { appendAudit } from "../audit/model";
import { operatorMutation, viewerQuery } from "../builders";
import { findSeries } from "../market/model";
import { enqueueJob } from "../ops/model";
import { vTimeframe } from "../validators";
import { requireDataset } from "./model";
import { datasetFields } from "./schema";

const vDataset = v.object({ ...datasetFields, _id: v.id("datasets") });

export const list = viewerQuery({
  args: {},
  returns: v.array(vDataset),
  handler: async (ctx) => {
    const rows = await ctx.db.query("datasets").withIndex("by_createdAt").order("desc").take(100);
    return rows.map(({ _creationTime, ...fields }) => fields);
  },
});

export const get = viewerQuery({
  args: { datasetId: v.id("datasets") },
  returns: v.object({
    ...datasetFields,
    _id: v.id("datasets"),
    manifest: v.string(),
    url: v.union(v.null(), v.string()),
  }),
  handler: async (ctx, { datasetId }) => {
    const { _creationTime, ...fields } = await requireDataset(ctx, datasetId);
    const stored = await ctx.db
      .query("datasetManifests")
      .withIndex("by_dataset", (q) => q.eq("datasetId", datasetId))
      .unique();
    return {
      ...fields,
      manifest: stored?.manifest ?? "",
      url: await ctx.storage.getUrl(fields.parquetStorageId),
    };
  },
});

/** Queues a build; refuses an empty range or a series with no bars before any work starts. */
export const requestBuild = operatorMutation({
  limit: "jobRequests",
  args: {
    instrument: v.string(),
    timeframe: vTimeframe,
    source: v.string(),
    sourceTimeframe: vTimeframe,
    fromMs: v.number(),
    toMs: v.number(),
    featureSetId: v.string(),
  },
  returns: v.id("jobs"),
  handler: async (ctx, args) => {
    if (args.fromMs >= args.toMs) {
      throw new ConvexError(
        appError("INVALID_ARGUMENT", "fromMs must be before toMs; swap or widen the range", "fromMs"),
      );
    }
    const key = { instrument: args.instrument, timeframe: args.sourceTimeframe, source: args.source };
    const series = await findSeries(ctx, key);
    if (series === null || series.lastOpenTimeMs < args.fromMs || series.firstOpenTimeMs >= args.toMs) {
      throw new ConvexError(
        appError(
          "NO_DATA",
          `No ${args.sourceTimeframe} bars of ${args.instrument} from ${args.source} in that range; import some with: assay import`,
          "source",
        ),
      );
    }
    const actor = ctx.actor.tokenIdentifier;
    const jobId = await enqueueJob(ctx, { kind: "datasetBuild", purpose: "training", ...args }, actor);
    await appendAudit(ctx, {
      actor,
      action: "dataset.requestBuild",
      subjectType: "job",
      subjectId: jobId,
      detail: args,
    });
    return jobId;
  },
});
