import { defineTable } from "convex/server";
import { v } from "convex/values";

export const vKillMode = v.union(
  v.literal("armed"),
  v.literal("noNewRisk"),
  v.literal("cancelAll"),
  v.literal("flatten"),
);

/** One row. `epoch` only grows: a decision records the epoch it was taken under. */
export const killSwitchFields = {
  epoch: v.number(),
  mode: vKillMode,
  reason: v.string(),
  changedBy: v.string(),
  changedAtMs: v.number(),
};

export const championFields = {
  instrument: v.string(),
  versionId: v.id("agentVersions"),
  previousVersionId: v.optional(v.id("agentVersions")),
  promotedBy: v.string(),
  promotedAtMs: v.number(),
};

export const vGateResult = v.object({
  gate: v.string(),
  passed: v.boolean(),
  value: v.union(v.null(), v.number()),
  threshold: v.number(),
  convention: v.union(v.null(), v.string()),
  sentence: v.string(),
});

export const promotionFields = {
  versionId: v.id("agentVersions"),
  instrument: v.string(),
  evaluationId: v.optional(v.id("evaluations")),
  outcome: v.union(v.literal("promoted"), v.literal("refused"), v.literal("forced")),
  policyVersion: v.number(),
  gates: v.array(vGateResult),
  reason: v.optional(v.string()),
  actor: v.string(),
  atMs: v.number(),
};

export const governanceTables = {
  killSwitch: defineTable(killSwitchFields),
  champions: defineTable(championFields).index("by_instrument", ["instrument"]),
  promotions: defineTable(promotionFields).index("by_at", ["atMs"]).index("by_version", ["versionId"]),
};
