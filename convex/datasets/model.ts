/** Owns dataset records. A dataset is immutable: the same hash is the same row, for ever. */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { sha256Hex } from "../../lib/core/sha256";
import type { Timeframe } from "../../lib/market/types";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import { findSeries } from "../market/model";

export async function findByHash(ctx: QueryCtx, datasetHash: string): Promise<Doc<"datasets"> | null> {
  return ctx.db
    .query("datasets")
    .withIndex("by_datasetHash", (q) => q.eq("datasetHash", datasetHash))
    .unique();
}

export async function requireDataset(ctx: QueryCtx, id: Id<"datasets">): Promise<Doc<"datasets">> {
  const dataset = await ctx.db.get(id);
  if (dataset === null) {
    throw new ConvexError(
      appError("NOT_FOUND", "This dataset is unknown; build one with: assay dataset build", "datasetId"),
    );
  }
  return dataset;
}

export type NewDataset = Omit<Doc<"datasets">, "_id" | "_creationTime" | "createdAtMs" | "simulated"> & {
  manifest: string;
};

/** Columns of the record that the hashed manifest states too; they are copies, never opinions. */
const STATED = [
  "instrument",
  "timeframe",
  "source",
  "fromMs",
  "toMs",
  "rows",
  "featureSetId",
  "featureFingerprint",
  "contentSha256",
] as const;

/** Refuses a record that says something else than the manifest whose hash it carries. */
function assertStated(dataset: NewDataset): Record<string, unknown> {
  const stated = JSON.parse(dataset.manifest) as Record<string, unknown>;
  for (const field of STATED) {
    if (stated[field] === dataset[field]) continue;
    throw new ConvexError(
      appError(
        "INVALID_ARGUMENT",
        `${field} is ${dataset[field]}; the manifest says ${stated[field]}`,
        field,
      ),
    );
  }
  return stated;
}

/** Records a built snapshot; refuses a manifest that does not hash to `datasetHash` or an upload that differs. */
export async function recordDataset(
  ctx: MutationCtx,
  dataset: NewDataset,
  actor: string,
): Promise<Id<"datasets">> {
  if (sha256Hex(dataset.manifest) !== dataset.datasetHash) {
    throw new ConvexError(
      appError(
        "DATASET_HASH_MISMATCH",
        "The manifest does not hash to datasetHash; build the dataset again",
        "manifest",
      ),
    );
  }
  const existing = await findByHash(ctx, dataset.datasetHash);
  if (existing !== null) {
    if (existing.parquetStorageId !== dataset.parquetStorageId)
      await ctx.storage.delete(dataset.parquetStorageId);
    return existing._id;
  }
  const stated = assertStated(dataset);
  const series = await findSeries(ctx, {
    instrument: dataset.instrument,
    timeframe: stated.sourceTimeframe as Timeframe,
    source: dataset.source,
  });
  if (series === null) {
    throw new ConvexError(
      appError("NO_DATA", "The bars that this dataset was built from are not stored", "source"),
    );
  }
  const { manifest, ...fields } = dataset;
  const id = await ctx.db.insert("datasets", {
    ...fields,
    simulated: series.simulated,
    createdAtMs: Date.now(),
  });
  await ctx.db.insert("datasetManifests", { datasetId: id, manifest });
  await appendAudit(ctx, {
    actor,
    action: "dataset.record",
    subjectType: "dataset",
    subjectId: id,
    detail: { datasetHash: dataset.datasetHash, rows: dataset.rows, instrument: dataset.instrument },
  });
  return id;
}
