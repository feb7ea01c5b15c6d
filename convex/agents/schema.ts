import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vTimeframe } from "../validators";

export const vVersionStatus = v.union(
  v.literal("queued"),
  v.literal("training"),
  v.literal("candidate"),
  v.literal("champion"),
  v.literal("retired"),
  v.literal("failed"),
  v.literal("cancelled"),
);

export const vArtifactFile = v.object({
  name: v.string(),
  storageId: v.id("_storage"),
  sha256: v.string(),
  bytes: v.number(),
});

export const vAlgorithm = v.union(v.literal("ppo"), v.literal("dqn"));

/** Overrides of the algorithm's defaults, by name; the worker refuses unknown names. */
export const vHyperparameters = v.record(v.string(), v.number());

export const vKernelChoice = v.union(v.literal("baseline"), v.literal("relaxed"), v.literal("auto"));
export const vThreadChoice = v.union(v.number(), v.literal("auto"));

/** How a version is made; versions of one recipe differ in seed and data only. */
export const vRecipe = v.object({
  algorithm: vAlgorithm,
  steps: v.number(),
  hyperparameters: vHyperparameters,
  featureSetId: v.string(),
  featureFingerprint: v.string(),
  costModelId: v.string(),
  costModelHash: v.string(),
});

export const versionFields = {
  name: v.string(),
  algorithm: vAlgorithm,
  instrument: v.string(),
  timeframe: vTimeframe,
  status: vVersionStatus,
  datasetId: v.id("datasets"),
  datasetHash: v.string(),
  featureSetId: v.string(),
  featureFingerprint: v.string(),
  seed: v.number(),
  stepsRequested: v.number(),
  hyperparameters: v.optional(vHyperparameters),
  /** What was asked for; the manifest names the kernel that it came to. Threads change no bit. */
  kernel: v.optional(vKernelChoice),
  threads: v.optional(vThreadChoice),
  /** The execution costs it is trained under, fixed when it was requested; absent on versions of older desks. */
  costModelId: v.optional(v.string()),
  costModelHash: v.optional(v.string()),
  jobId: v.optional(v.id("jobs")),
  requestedBy: v.string(),
  artifactSha256: v.optional(v.string()),
  files: v.array(vArtifactFile),
  environmentSteps: v.number(),
  stepsPerSecond: v.number(),
  trainingSeconds: v.number(),
  finalMetrics: v.record(v.string(), v.number()),
  error: v.optional(v.string()),
  createdAtMs: v.number(),
  trainedAtMs: v.optional(v.number()),
};

/** Apart from the version row: manifests with golden vectors are long and lists do not need them. */
export const manifestFields = { versionId: v.id("agentVersions"), manifest: v.string() };

export const trainingPointFields = {
  versionId: v.id("agentVersions"),
  sequence: v.number(),
  environmentSteps: v.number(),
  /** Null until the first episode ends. */
  meanEpisodeReturn: v.union(v.null(), v.number()),
  /** Mean of each reward term over the same episodes; they sum to the return. */
  rewardTerms: v.optional(v.record(v.string(), v.number())),
  // What each algorithm reports beside: PPO first, then DQN.
  policyLoss: v.optional(v.number()),
  valueLoss: v.optional(v.number()),
  entropy: v.optional(v.number()),
  approxKl: v.optional(v.number()),
  clipFraction: v.optional(v.number()),
  explainedVariance: v.optional(v.number()),
  loss: v.optional(v.number()),
  meanQ: v.optional(v.number()),
  tdError: v.optional(v.number()),
  epsilon: v.optional(v.number()),
  updates: v.optional(v.number()),
  learningRate: v.number(),
  stepsPerSecond: v.number(),
  etaSeconds: v.number(),
};

export const agentTables = {
  agentVersions: defineTable(versionFields)
    .index("by_createdAt", ["createdAtMs"])
    .index("by_artifact", ["artifactSha256"])
    .index("by_name", ["name"])
    .index("by_instrument_and_status", ["instrument", "status"]),
  agentManifests: defineTable(manifestFields).index("by_version", ["versionId"]),
  trainingPoints: defineTable(trainingPointFields).index("by_version_and_sequence", [
    "versionId",
    "sequence",
  ]),
};
