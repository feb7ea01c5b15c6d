import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vActionMix } from "../evaluations/schema";
import { vDriftAction } from "../learning/schema";
import { vTimeframe } from "../validators";

export const vDriftLevel = v.union(v.literal("calm"), v.literal("warning"), v.literal("severe"));

/** What a version saw and did on its training bars; written once. */
export const referenceFields = {
  versionId: v.id("agentVersions"),
  features: v.array(
    v.object({
      name: v.string(),
      edges: v.array(v.number()),
      shares: v.array(v.number()),
      quantiles: v.array(v.number()),
    }),
  ),
  actionMix: vActionMix,
  /** Scale from stated confidence to frequency, and the error that is left; null where it took no direction. */
  calibration: v.union(v.null(), v.object({ slope: v.number(), intercept: v.number(), error: v.number() })),
  /** Slippage per traded notional; null where nothing was traded. */
  slippageBps: v.union(v.null(), v.number()),
  rows: v.number(),
  atMs: v.number(),
};

/** Where a run stands, with its hysteresis. */
export const stateFields = {
  runId: v.id("runs"),
  versionId: v.id("agentVersions"),
  level: vDriftLevel,
  quietChecks: v.number(),
  score: v.number(),
  atMs: v.number(),
};

const vNullable = v.union(v.null(), v.number());

/** One check of one run. */
export const reportFields = {
  runId: v.id("runs"),
  instrument: v.string(),
  versionId: v.id("agentVersions"),
  barOpenTimeMs: v.number(),
  windowBars: v.number(),
  features: v.array(
    v.object({
      name: v.string(),
      psi: v.number(),
      statistic: v.number(),
      pValue: v.number(),
      drifted: v.boolean(),
    }),
  ),
  actionPsi: vNullable,
  calibrationGap: vNullable,
  slippageGapBps: vNullable,
  score: v.number(),
  level: vDriftLevel,
  sentence: v.string(),
  atMs: v.number(),
};

/** A change of level, with what was done about it in the same transaction. */
export const alertFields = {
  runId: v.id("runs"),
  instrument: v.string(),
  timeframe: vTimeframe,
  versionId: v.id("agentVersions"),
  fromLevel: vDriftLevel,
  level: vDriftLevel,
  score: v.number(),
  signal: v.string(),
  sentence: v.string(),
  action: v.union(v.literal("none"), vDriftAction),
  actionSentence: v.string(),
  barOpenTimeMs: v.number(),
  detectedAtMs: v.number(),
  actedAtMs: v.number(),
  isOpen: v.boolean(),
  acknowledgedBy: v.optional(v.string()),
  acknowledgedAtMs: v.optional(v.number()),
  note: v.optional(v.string()),
};

export const driftTables = {
  driftReferences: defineTable(referenceFields).index("by_version", ["versionId"]),
  driftStates: defineTable(stateFields).index("by_run", ["runId"]),
  driftReports: defineTable(reportFields)
    .index("by_run_and_bar", ["runId", "barOpenTimeMs"])
    .index("by_instrument_and_bar", ["instrument", "barOpenTimeMs"]),
  driftAlerts: defineTable(alertFields)
    .index("by_detectedAt", ["detectedAtMs"])
    .index("by_run_and_bar", ["runId", "barOpenTimeMs"])
    .index("by_open", ["isOpen", "detectedAtMs"]),
};
