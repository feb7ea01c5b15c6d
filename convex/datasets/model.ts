/** Owns dataset records. A dataset is immutable: the same hash is the same row, for ever. */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { sha256Hex } from "../../lib/core/sha256";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";

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

export type NewDataset = Omit<Doc<"datasets">, "_id" | "_creationTime" | "createdAtMs"> & {
  manifest: string;
};

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
  const { manifest, ...fields } = dataset;
  const id = await ctx.db.insert("datasets", { ...fields, createdAtMs: Date.now() });
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
