import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vTimeframe } from "../validators";

/** What a job is asked to do; one member per kind. */
export const vJobPayload = v.union(
  v.object({
    kind: v.literal("datasetBuild"),
    purpose: v.union(v.literal("training"), v.literal("evaluation"), v.literal("feed")),
    instrument: v.string(),
    timeframe: vTimeframe,
    source: v.string(),
    sourceTimeframe: vTimeframe,
    fromMs: v.number(),
    toMs: v.number(),
    featureSetId: v.string(),
  }),
  v.object({ kind: v.literal("train"), versionId: v.id("agentVersions") }),
  v.object({
    kind: v.literal("evaluate"),
    versionId: v.id("agentVersions"),
    source: v.string(),
    sourceTimeframe: vTimeframe,
    fromMs: v.number(),
    toMs: v.number(),
  }),
  v.object({ kind: v.literal("run"), runId: v.id("runs") }),
  v.object({
    kind: v.literal("replay"),
    /** A run's decision, or a ghost's. */
    decisionId: v.union(v.id("decisions"), v.id("shadowDecisions")),
  }),
  v.object({ kind: v.literal("walkForward"), walkForwardId: v.id("walkForwards") }),
);

export const vJobKind = v.union(
  v.literal("datasetBuild"),
  v.literal("train"),
  v.literal("evaluate"),
  v.literal("run"),
  v.literal("replay"),
  v.literal("walkForward"),
);

export const vJobStatus = v.union(
  v.literal("queued"),
  v.literal("running"),
  v.literal("succeeded"),
  v.literal("failed"),
  v.literal("cancelled"),
);

export const vProgress = v.object({
  stage: v.string(),
  done: v.number(),
  total: v.number(),
  unit: v.string(),
  ratePerSecond: v.number(),
  etaSeconds: v.number(),
});

export const jobFields = {
  kind: vJobKind,
  payload: vJobPayload,
  status: vJobStatus,
  requestedBy: v.string(),
  /** Fencing token: grows at every claim; a write with an older one is refused. */
  leaseToken: v.number(),
  leaseOwner: v.optional(v.string()),
  leaseExpiresAtMs: v.optional(v.number()),
  attempts: v.number(),
  claimedAtMs: v.optional(v.number()),
  cancelRequested: v.boolean(),
  progress: v.optional(vProgress),
  /** Id of what the job made: dataset, evaluation, replay ... */
  resultId: v.optional(v.string()),
  checkpointStorageId: v.optional(v.id("_storage")),
  error: v.optional(v.object({ code: v.string(), message: v.string() })),
  createdAtMs: v.number(),
  startedAtMs: v.optional(v.number()),
  finishedAtMs: v.optional(v.number()),
};

export const workerFields = {
  workerId: v.string(),
  version: v.string(),
  startedAtMs: v.number(),
  lastHeartbeatMs: v.number(),
  activeJobs: v.number(),
};

export const opsTables = {
  jobs: defineTable(jobFields)
    .index("by_status_and_createdAt", ["status", "createdAtMs"])
    .index("by_createdAt", ["createdAtMs"]),
  workers: defineTable(workerFields)
    .index("by_workerId", ["workerId"])
    .index("by_lastHeartbeat", ["lastHeartbeatMs"]),
  serverClock: defineTable({ nowMs: v.number() }),
};
