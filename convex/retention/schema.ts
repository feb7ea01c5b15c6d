import { defineTable } from "convex/server";
import { v } from "convex/values";

/** What the numbers mean stands in lib/retention/policy.ts. */
export const vRetentionPolicy = v.object({
  enabled: v.boolean(),
  holdDays: v.number(),
  ghostDays: v.number(),
  driftReportDays: v.number(),
});

/** Append only: the newest row is in force, before any row the default. */
export const retentionPolicyFields = {
  version: v.number(),
  values: vRetentionPolicy,
  reason: v.string(),
  actor: v.string(),
  atMs: v.number(),
};

export const vSweptTable = v.union(
  v.literal("decisions"),
  v.literal("shadowDecisions"),
  v.literal("shadowParts"),
  v.literal("driftReports"),
);

/** How far the sweep of a table has come, and what it did since the desk began. */
export const retentionSweepFields = {
  table: vSweptTable,
  /** Rows that were stored up to here are settled: deleted, or kept for good. */
  settledToMs: v.number(),
  deleted: v.number(),
  kept: v.number(),
  atMs: v.number(),
};

export const retentionTables = {
  retentionPolicies: defineTable(retentionPolicyFields).index("by_version", ["version"]),
  retentionSweeps: defineTable(retentionSweepFields).index("by_table", ["table"]),
};
