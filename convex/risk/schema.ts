import { defineTable } from "convex/server";
import { v } from "convex/values";

export const vRiskLimits = v.object({
  maxPositionNotionalUsd: v.number(),
  maxLeverage: v.number(),
  maxDailyLossUsd: v.number(),
  maxDrawdownFraction: v.number(),
  maxOrdersPerHour: v.number(),
  maxBarAgeMs: v.number(),
});

const vMaybeNumber = v.union(v.null(), v.number());

export const vRiskVerdict = v.object({
  rule: v.string(),
  passed: v.boolean(),
  limit: vMaybeNumber,
  value: vMaybeNumber,
  headroom: vMaybeNumber,
  unit: v.string(),
  sentence: v.string(),
});

export const riskLimitFields = {
  version: v.number(),
  limits: vRiskLimits,
  createdBy: v.string(),
  reason: v.string(),
  createdAtMs: v.number(),
};

export const riskTables = {
  riskLimits: defineTable(riskLimitFields).index("by_version", ["version"]),
};
