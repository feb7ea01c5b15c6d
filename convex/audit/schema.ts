import { defineTable } from "convex/server";
import { v } from "convex/values";

export const auditFields = {
  sequence: v.number(),
  previousHash: v.string(),
  hash: v.string(),
  actor: v.string(),
  action: v.string(),
  subjectType: v.string(),
  subjectId: v.string(),
  /** Canonical JSON of the details. */
  detail: v.string(),
  atMs: v.number(),
};

export const auditTables = {
  auditEntries: defineTable(auditFields).index("by_sequence", ["sequence"]),
};
