import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vTimeframe } from "../validators";

export const vRunStatus = v.union(
  v.literal("queued"),
  v.literal("running"),
  v.literal("paused"),
  v.literal("finished"),
  v.literal("stopped"),
  v.literal("failed"),
);

export const vDesiredModel = v.object({
  versionId: v.id("agentVersions"),
  cause: v.union(v.literal("promotion"), v.literal("rollback")),
});

/** `sizeFactor` scales new positions; with `hold` only closing orders pass. */
export const vDriftRestraint = v.object({
  sizeFactor: v.optional(v.number()),
  hold: v.optional(v.string()),
});

/** What every closed bar of a run changes. */
export const runProgressFields = {
  bars: v.number(),
  decisions: v.number(),
  holds: v.number(),
  fills: v.number(),
  equityUsd: v.number(),
  lastDecisionId: v.optional(v.id("decisions")),
  lastBarOpenTimeMs: v.optional(v.number()),
};

/** What a run is and what is wanted of it: it changes a few times in a run's life, not with its bars. */
export const runStateFields = {
  name: v.string(),
  instrument: v.string(),
  timeframe: vTimeframe,
  mode: v.literal("paper"),
  feed: v.union(v.literal("replay"), v.literal("live")),
  source: v.string(),
  sourceTimeframe: vTimeframe,
  /** Replay feeds only: the bars [fromMs, toMs). */
  fromMs: v.optional(v.number()),
  toMs: v.optional(v.number()),
  /** Simulated seconds per second; 0 = as fast as possible. */
  speed: v.number(),
  simulated: v.boolean(),
  status: vRunStatus,
  /** What the operator wants; the worker follows it between bars. */
  desired: v.union(v.literal("running"), v.literal("paused"), v.literal("stopped")),
  versionId: v.id("agentVersions"),
  artifactSha256: v.string(),
  datasetHash: v.string(),
  featureFingerprint: v.string(),
  /** The model it goes over to before its next decision; the worker loads and verifies it first. */
  desiredModel: v.optional(vDesiredModel),
  /** What drift makes of its next decisions; absent while calm. */
  drift: v.optional(vDriftRestraint),
  /** The execution costs of its account, set when it begins. */
  costModelId: v.optional(v.string()),
  costModelHash: v.optional(v.string()),
  initialBalanceUsd: v.number(),
  /** Immutable snapshot of the replayed bars; decisions replay against it. */
  feedDatasetId: v.optional(v.id("datasets")),
  featuresFromMs: v.optional(v.number()),
  jobId: v.optional(v.id("jobs")),
  requestedBy: v.string(),
  totalBars: v.optional(v.number()),
  /** Open circuit breaker: no new risk until a person resumes the run. */
  breaker: v.optional(v.object({ sentence: v.string(), atMs: v.number() })),
  error: v.optional(v.string()),
  createdAtMs: v.number(),
  startedAtMs: v.optional(v.number()),
  finishedAtMs: v.optional(v.number()),
};

/** An ended run carries its final progress; that of an active one is its row of `runProgress`. */
export const runFields = { ...runStateFields, ...runProgressFields };

export const runTables = {
  runProgress: defineTable({ runId: v.id("runs"), ...runProgressFields }).index("by_run", ["runId"]),
  runs: defineTable(runFields)
    .index("by_createdAt", ["createdAtMs"])
    .index("by_status", ["status"])
    .index("by_instrument_and_feed_and_status", ["instrument", "feed", "status"]),
};
