import { defineTable } from "convex/server";
import { v } from "convex/values";

export const featureSetFields = {
  setId: v.string(),
  version: v.number(),
  fingerprint: v.string(),
  columnNames: v.array(v.string()),
  warmupBars: v.number(),
  createdAtMs: v.number(),
};

export const featureTables = {
  featureSets: defineTable(featureSetFields).index("by_fingerprint", ["fingerprint"]),
};
