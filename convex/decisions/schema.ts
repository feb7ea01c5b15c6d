import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vKillMode } from "../governance/schema";
import { vRiskVerdict } from "../risk/schema";
import { vAccountState } from "../validators";

export const vPortfolio = v.object({
  position: v.number(),
  unrealisedFraction: v.number(),
  barsHeldFraction: v.number(),
  drawdownFraction: v.number(),
  stopDistanceFraction: v.number(),
});

/** Everything needed to make the same decision again, bit for bit (invariant 4). */
export const vProvenance = v.object({
  versionId: v.id("agentVersions"),
  artifactSha256: v.string(),
  policyKernelVersion: v.string(),
  trainingDatasetHash: v.string(),
  featureSetId: v.string(),
  featureFingerprint: v.string(),
  environmentHash: v.string(),
  feed: v.object({
    kind: v.union(v.literal("replay"), v.literal("live")),
    source: v.string(),
    sourceTimeframe: v.string(),
    timeframe: v.string(),
    datasetId: v.optional(v.id("datasets")),
    datasetHash: v.optional(v.string()),
    /** First source bar that the feature stream saw. */
    featuresFromMs: v.number(),
    /** Chained SHA-256 over every bar of the run's timeframe up to this one. */
    barsHash: v.string(),
  }),
  /** SHA-256 of the raw feature row's float64 bytes. */
  featuresSha256: v.string(),
  /** How far the row lay from the training data; not there without features or without a training reference. */
  outOfDistribution: v.optional(
    v.object({ shareOutside: v.number(), distance: v.number(), worst: v.string() }),
  ),
  portfolio: vPortfolio,
  workerVersion: v.string(),
});

export const vLatency = v.object({
  /** Bar known to the worker until features were ready. */
  featuresMs: v.number(),
  inferenceMs: v.number(),
  /** Bar known to the worker until this decision was sent. */
  totalMs: v.number(),
});

/** What the worker submits for one closed bar. */
export const submissionFields = {
  barOpenTimeMs: v.number(),
  barCloseTimeMs: v.number(),
  /** 0 short, 1 flat, 2 long; null when no policy output could be had. */
  action: v.union(v.null(), v.number()),
  probabilities: v.array(v.number()),
  logits: v.array(v.number()),
  value: v.number(),
  observation: v.bytes(),
  atr: v.number(),
  referencePrice: v.number(),
  /** The worker's own reason not to act (out of distribution, missing feature, policy error). */
  forcedHold: v.optional(v.string()),
  provenance: vProvenance,
  latency: vLatency,
};

/** The state of the desk that risk judged under; a replay judges under it again. */
export const vCircumstances = v.object({
  runStatus: v.union(v.literal("running"), v.literal("paused"), v.literal("stopped")),
  killMode: vKillMode,
  nowBarAgeMs: v.number(),
  dayStartEquityUsd: v.number(),
  ordersLastHour: v.number(),
  breaker: v.optional(v.string()),
  sizeFactor: v.optional(v.number()),
  driftHold: v.optional(v.string()),
});

export const decisionFields = {
  runId: v.id("runs"),
  sequence: v.number(),
  instrument: v.string(),
  ...submissionFields,
  targetPosition: v.number(),
  confidence: v.number(),
  outcome: v.union(v.literal("order"), v.literal("hold")),
  holdReason: v.optional(v.string()),
  verdicts: v.array(vRiskVerdict),
  /** The account and the state of the desk that the verdicts judged; a replay judges them again. */
  account: vAccountState,
  circumstances: vCircumstances,
  riskLimitsVersion: v.number(),
  killEpoch: v.number(),
  orderId: v.optional(v.id("orders")),
  plannedQty: v.number(),
  plannedStopPrice: v.number(),
  decidedAtMs: v.number(),
};

/** A run's decision, or that of a challenger's ghost: both are made again from their provenance. */
export const vReplayable = v.union(v.id("decisions"), v.id("shadowDecisions"));

/** What a replay needs of either. */
export const replayInputFields = {
  runId: v.id("runs"),
  instrument: v.string(),
  ...submissionFields,
  confidence: decisionFields.confidence,
  outcome: decisionFields.outcome,
  holdReason: decisionFields.holdReason,
  verdicts: decisionFields.verdicts,
  account: decisionFields.account,
  circumstances: decisionFields.circumstances,
  riskLimitsVersion: decisionFields.riskLimitsVersion,
  plannedQty: decisionFields.plannedQty,
  plannedStopPrice: decisionFields.plannedStopPrice,
};

export const replayFields = {
  decisionId: vReplayable,
  jobId: v.id("jobs"),
  identical: v.boolean(),
  differences: v.array(v.object({ field: v.string(), expected: v.string(), actual: v.string() })),
  /** Why the replay was refused before anything was compared. */
  refused: v.optional(v.string()),
  checks: v.array(v.string()),
  atMs: v.number(),
};

export const decisionTables = {
  decisions: defineTable(decisionFields)
    .index("by_run_and_bar", ["runId", "barOpenTimeMs"])
    .index("by_run_and_outcome_and_bar", ["runId", "outcome", "barOpenTimeMs"])
    .index("by_outcome", ["outcome"]),
  replays: defineTable(replayFields).index("by_decision", ["decisionId"]).index("by_job", ["jobId"]),
};
