/** Dataset snapshots as the worker records and reads them. */
import { v } from "convex/values";
import { workerMutation, workerQuery } from "../builders";
import { registerFeatureSet } from "../features/model";
import { requireLease } from "../ops/model";
import { findByHash, recordDataset, requireDataset } from "./model";
import { datasetFields } from "./schema";

const { createdAtMs: _createdAtMs, simulated: _simulated, ...newDatasetFields } = datasetFields;

export const uploadUrl = workerMutation({
  limit: "tokenCalls",
  args: {},
  returns: v.string(),
  handler: (ctx) => ctx.storage.generateUploadUrl(),
});

/** Records a built dataset under the job's lease; the same hash returns the existing row. */
export const record = workerMutation({
  limit: "tokenCalls",
  args: {
    jobId: v.id("jobs"),
    leaseToken: v.number(),
    dataset: v.object({ ...newDatasetFields, manifest: v.string() }),
    featureSet: v.object({ version: v.number(), columnNames: v.array(v.string()), warmupBars: v.number() }),
  },
  returns: v.id("datasets"),
  handler: async (ctx, { jobId, leaseToken, dataset, featureSet }) => {
    await requireLease(ctx, jobId, leaseToken);
    await registerFeatureSet(ctx, {
      ...featureSet,
      setId: dataset.featureSetId,
      fingerprint: dataset.featureFingerprint,
    });
    return recordDataset(ctx, dataset, ctx.actor.tokenIdentifier);
  },
});

const vDatasetWithUrl = v.object({
  ...datasetFields,
  _id: v.id("datasets"),
  url: v.union(v.null(), v.string()),
});

export const get = workerQuery({
  args: { datasetId: v.id("datasets") },
  returns: vDatasetWithUrl,
  handler: async (ctx, { datasetId }) => {
    const { _creationTime, ...fields } = await requireDataset(ctx, datasetId);
    return { ...fields, url: await ctx.storage.getUrl(fields.parquetStorageId) };
  },
});

export const getByHash = workerQuery({
  args: { datasetHash: v.string() },
  returns: v.union(v.null(), vDatasetWithUrl),
  handler: async (ctx, { datasetHash }) => {
    const dataset = await findByHash(ctx, datasetHash);
    if (dataset === null) return null;
    const { _creationTime, ...fields } = dataset;
    return { ...fields, url: await ctx.storage.getUrl(fields.parquetStorageId) };
  },
});
