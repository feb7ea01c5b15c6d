import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vQuality, vTimeframe } from "../validators";

export const datasetFields = {
  datasetHash: v.string(),
  instrument: v.string(),
  timeframe: vTimeframe,
  source: v.string(),
  simulated: v.boolean(),
  fromMs: v.number(),
  toMs: v.number(),
  rows: v.number(),
  featureSetId: v.string(),
  featureFingerprint: v.string(),
  featureCount: v.number(),
  quality: vQuality,
  bytes: v.number(),
  /** SHA-256 of the rows alone: equal for equal bars, wherever they came from. */
  contentSha256: v.string(),
  parquetSha256: v.string(),
  parquetStorageId: v.id("_storage"),
  purpose: v.union(v.literal("training"), v.literal("evaluation"), v.literal("feed")),
  seconds: v.number(),
  createdAtMs: v.number(),
};

/** Apart from the record, because a long range has a long list of source chunks. */
export const manifestFields = {
  datasetId: v.id("datasets"),
  /** Canonical JSON of the manifest whose SHA-256 is `datasetHash`. */
  manifest: v.string(),
};

export const datasetTables = {
  datasets: defineTable(datasetFields)
    .index("by_datasetHash", ["datasetHash"])
    .index("by_createdAt", ["createdAtMs"]),
  datasetManifests: defineTable(manifestFields).index("by_dataset", ["datasetId"]),
};
