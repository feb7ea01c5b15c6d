import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vAlgorithm, vHyperparameters } from "../agents/schema";
import { vGateResult } from "../governance/schema";
import { vShadowPolicy } from "../shadows/schema";
import { vTimeframe } from "../validators";

export const vDriftAction = v.union(
  v.literal("alert"),
  v.literal("sizeCut"),
  v.literal("hold"),
  v.literal("fallback"),
);

const vThreshold = v.object({ enter: v.number(), leave: v.number() });

export const vDriftPolicy = v.object({
  enabled: v.boolean(),
  replays: v.optional(v.boolean()),
  windowBars: v.number(),
  checkEveryBars: v.number(),
  minPsi: v.number(),
  falseDiscoveryRate: v.number(),
  severe: v.object({
    featureShare: v.number(),
    actionPsi: v.number(),
    calibrationGap: v.number(),
    slippageGapBps: v.number(),
  }),
  warning: vThreshold,
  alarm: vThreshold,
  dwellChecks: v.number(),
  onWarning: vDriftAction,
  onSevere: vDriftAction,
  sizeFactor: v.number(),
});

/** What the numbers mean stands in lib/learning/policy.ts and lib/drift/policy.ts. */
export const vLearningPolicy = v.object({
  enabled: v.boolean(),
  cadenceHours: v.number(),
  source: v.string(),
  sourceTimeframe: vTimeframe,
  featureSetId: v.string(),
  trainingDays: v.number(),
  evaluationDays: v.number(),
  algorithm: vAlgorithm,
  steps: v.number(),
  hyperparameters: vHyperparameters,
  seeds: v.array(v.number()),
  folds: v.number(),
  trainFraction: v.number(),
  costMultipliers: v.array(v.number()),
  probes: v.boolean(),
  shadow: vShadowPolicy,
  drift: vDriftPolicy,
});

/** Append only: the newest row of an instrument and timeframe is in force, before any row the default. */
export const policyFields = {
  instrument: v.string(),
  timeframe: vTimeframe,
  version: v.number(),
  values: vLearningPolicy,
  reason: v.string(),
  actor: v.string(),
  atMs: v.number(),
};

export const vCycleStatus = v.union(
  v.literal("queued"),
  v.literal("dataset"),
  v.literal("training"),
  v.literal("walkForward"),
  v.literal("evaluation"),
  v.literal("championEvaluation"),
  v.literal("gates"),
  v.literal("shadow"),
  v.literal("promoted"),
  v.literal("rejected"),
  v.literal("failed"),
  v.literal("cancelled"),
);

export const vDelta = v.object({
  measure: v.union(
    v.literal("netPnlUsd"),
    v.literal("winRate"),
    v.literal("maxDrawdownFraction"),
    v.literal("tradeCount"),
    v.literal("deflatedSharpe"),
  ),
  challenger: v.number(),
  champion: v.number(),
  delta: v.number(),
  sentence: v.string(),
});

export const cycleFields = {
  instrument: v.string(),
  timeframe: vTimeframe,
  /** The numbers it was started with; a later policy changes nothing of it. */
  policyVersion: v.number(),
  policy: vLearningPolicy,
  status: vCycleStatus,
  isActive: v.boolean(),
  startedBy: v.string(),
  trigger: v.union(v.literal("cadence"), v.literal("manual"), v.literal("drift")),
  /** Training on [trainFromMs, trainToMs), evaluation on [trainToMs, evaluateToMs). */
  trainFromMs: v.number(),
  trainToMs: v.number(),
  evaluateToMs: v.number(),
  championVersionId: v.optional(v.id("agentVersions")),
  /** The job it waits for. */
  jobId: v.optional(v.id("jobs")),
  datasetId: v.optional(v.id("datasets")),
  challengerVersionId: v.optional(v.id("agentVersions")),
  walkForwardId: v.optional(v.id("walkForwards")),
  evaluationId: v.optional(v.id("evaluations")),
  championEvaluationId: v.optional(v.id("evaluations")),
  shadowId: v.optional(v.id("shadows")),
  gates: v.array(vGateResult),
  /** On the folds of the walk-forward; empty where both have the same recipe. */
  foldDeltas: v.array(vDelta),
  /** On the evaluation span, both models as they are. */
  evaluationDeltas: v.array(vDelta),
  /** Why it ended as it did, and what each step said on the way. */
  reasons: v.array(v.object({ step: v.string(), sentence: v.string(), atMs: v.number() })),
  startedAtMs: v.number(),
  updatedAtMs: v.number(),
  finishedAtMs: v.optional(v.number()),
};

export const learningTables = {
  learningPolicies: defineTable(policyFields).index("by_market_and_version", [
    "instrument",
    "timeframe",
    "version",
  ]),
  learningCycles: defineTable(cycleFields)
    .index("by_startedAt", ["startedAtMs"])
    .index("by_instrument_and_active", ["instrument", "isActive"])
    .index("by_instrument_and_startedAt", ["instrument", "startedAtMs"])
    .index("by_active", ["isActive"])
    .index("by_job", ["jobId"]),
};
