import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vBaselineName } from "../evaluations/schema";

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
  walkForwardId: v.optional(v.id("walkForwards")),
  outcome: v.union(v.literal("promoted"), v.literal("refused"), v.literal("forced"), v.literal("rolledBack")),
  policyVersion: v.number(),
  gates: v.array(vGateResult),
  reason: v.optional(v.string()),
  actor: v.string(),
  atMs: v.number(),
};

/** The promotion policy's thresholds. */
export const vGatePolicyValues = v.object({
  minTrades: v.number(),
  minWinRate: v.number(),
  minNetPnlUsd: v.number(),
  maxDrawdownFraction: v.number(),
  minDsr: v.number(),
  maxLiquidations: v.number(),
  beatsBaselines: v.array(vBaselineName),
  walkForward: v.object({
    minFolds: v.number(),
    minSeeds: v.number(),
    minNetPnlUsd: v.number(),
    stressMultiplier: v.number(),
    minDsr: v.number(),
    maxPbo: v.number(),
    maxSpaP: v.number(),
    trackRecordConfidence: v.number(),
    maxWorstSeedDrawdownFraction: v.number(),
    lagKeepsAtLeast: v.number(),
    entropyBand: v.object({ min: v.number(), max: v.number() }),
    maxCalibrationError: v.number(),
    minChampionDeltaUsd: v.number(),
  }),
});

/** Append only: the newest row is in force, before any row the default that ships with the desk. */
export const gatePolicyFields = {
  policyId: v.string(),
  version: v.number(),
  values: vGatePolicyValues,
  reason: v.string(),
  actor: v.string(),
  atMs: v.number(),
};

export const governanceTables = {
  gatePolicies: defineTable(gatePolicyFields).index("by_version", ["version"]),
  killSwitch: defineTable(killSwitchFields),
  champions: defineTable(championFields).index("by_instrument", ["instrument"]),
  promotions: defineTable(promotionFields).index("by_at", ["atMs"]).index("by_version", ["versionId"]),
};
