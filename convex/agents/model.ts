/** Owns agent versions, their manifests and training curves; the only writer of those tables. */
import { ConvexError, type Infer, v } from "convex/values";
import { costModelHash } from "../../lib/broker/charges";
import type { CostModel } from "../../lib/broker/types";
import { appError } from "../../lib/contract/errors";
import { sha256Hex } from "../../lib/core/sha256";
import { versionName } from "../../lib/policy/versionName";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit, deskIdOf } from "../audit/model";
import { costsInForce } from "../costs/model";
import { findByHash, requireDataset } from "../datasets/model";
import { recordTrial } from "../evaluations/model";
import { vLedgerElsewhere } from "../evaluations/schema";
import { enqueueJob, requireLease } from "../ops/model";
import { assertManifestFits, parseManifest, recipeInManifest, type vTrainingResult } from "./manifest";
import { freeName } from "./names";
import {
  type vAlgorithm,
  vArtifactFile,
  type vKernelChoice,
  type vThreadChoice,
  type vVersionStatus,
} from "./schema";
import { assertTrainable, requireTrainingDataset } from "./trainable";

export { recipeFor, recipeHash, recipeOf } from "./recipe";
export { assertTrainable, requireTrainingDataset } from "./trainable";

export async function requireVersion(ctx: QueryCtx, id: Id<"agentVersions">): Promise<Doc<"agentVersions">> {
  const version = await ctx.db.get(id);
  if (version === null) {
    throw new ConvexError(
      appError("NOT_FOUND", "This agent version is unknown; train one with: assay train", "versionId"),
    );
  }
  return version;
}

/** The manifest text of a trained version; its SHA-256 is the artifact checksum. */
export async function requireManifest(ctx: QueryCtx, version: Doc<"agentVersions">): Promise<string> {
  const row = await ctx.db
    .query("agentManifests")
    .withIndex("by_version", (q) => q.eq("versionId", version._id))
    .unique();
  if (row === null || version.artifactSha256 === undefined) {
    throw new ConvexError(
      appError(
        "NOT_READY",
        `Version ${version.name} has no artifact yet; it is ${version.status}`,
        "versionId",
      ),
    );
  }
  if (sha256Hex(row.manifest) !== version.artifactSha256) {
    throw new ConvexError(
      appError(
        "ARTIFACT_HASH_MISMATCH",
        `The manifest of ${version.name} does not match its checksum; do not use it`,
        "versionId",
      ),
    );
  }
  return row.manifest;
}

export interface TrainingRequest {
  datasetId: Id<"datasets">;
  algorithm: Infer<typeof vAlgorithm>;
  steps: number;
  seed: number;
  hyperparameters?: Record<string, number>;
  kernel?: Infer<typeof vKernelChoice>;
  threads?: Infer<typeof vThreadChoice>;
  name?: string;
}

export async function requestTraining(
  ctx: MutationCtx,
  request: TrainingRequest,
  actor: string,
): Promise<{ versionId: Id<"agentVersions">; jobId: Id<"jobs"> }> {
  const { steps, seed, hyperparameters, kernel, threads } = request;
  assertTrainable(steps, [seed], hyperparameters);
  if (typeof threads === "number" && !(Number.isInteger(threads) && threads >= 1 && threads <= 64)) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", "threads must be a whole number from 1 to 64, or auto", "threads"),
    );
  }
  const dataset = await requireTrainingDataset(ctx, request.datasetId);
  const costs = await costsInForce(ctx, dataset.instrument);
  const { algorithm } = request;
  const { timeframe, datasetHash } = dataset;
  const made = versionName({ algorithm, timeframe, steps, hyperparameters, seed, datasetHash });
  const versionId = await ctx.db.insert("agentVersions", {
    name: await freeName(ctx, request.name, made),
    algorithm: request.algorithm,
    instrument: dataset.instrument,
    timeframe: dataset.timeframe,
    status: "queued",
    datasetId: dataset._id,
    datasetHash: dataset.datasetHash,
    featureSetId: dataset.featureSetId,
    featureFingerprint: dataset.featureFingerprint,
    seed,
    stepsRequested: steps,
    hyperparameters,
    kernel,
    threads,
    costModelId: costs.modelId,
    costModelHash: costs.hash,
    requestedBy: actor,
    files: [],
    environmentSteps: 0,
    stepsPerSecond: 0,
    trainingSeconds: 0,
    finalMetrics: {},
    createdAtMs: Date.now(),
  });
  const jobId = await enqueueJob(ctx, { kind: "train", versionId }, actor);
  await ctx.db.patch(versionId, { jobId });
  await appendAudit(ctx, {
    actor,
    action: "training.request",
    subjectType: "agentVersion",
    subjectId: versionId,
    detail: {
      ...{ steps, seed, datasetHash: dataset.datasetHash, algorithm: request.algorithm },
      costModelHash: costs.hash,
    },
  });
  return { versionId, jobId };
}

/** The version, if the caller holds the lease of the job that trains it (W-05). */
export async function requireTrainingLease(
  ctx: QueryCtx,
  jobId: Id<"jobs">,
  leaseToken: number,
  versionId: Id<"agentVersions">,
): Promise<Doc<"agentVersions">> {
  const job = await requireLease(ctx, jobId, leaseToken);
  if (job.payload.kind !== "train" || job.payload.versionId !== versionId) {
    throw new ConvexError(appError("LEASE_LOST", "This lease is for another training", "versionId"));
  }
  return requireVersion(ctx, versionId);
}

/**
 * How a training stands. A version that has delivered its artifact keeps the status it earned: a worker that
 * died between delivering and finishing its job is followed by one that starts over (W-04).
 */
export async function setTrainingStatus(
  ctx: MutationCtx,
  version: Doc<"agentVersions">,
  status: "queued" | "training" | "failed" | "cancelled",
  error?: string,
): Promise<void> {
  if (version.artifactSha256 === undefined) await setVersionStatus(ctx, version._id, status, error);
}

export async function setVersionStatus(
  ctx: MutationCtx,
  versionId: Id<"agentVersions">,
  status: Infer<typeof vVersionStatus>,
  error?: string,
): Promise<void> {
  await ctx.db.patch(versionId, { status, error });
}

/** Counts a training for good, from the moment that a worker begins it: a cancelled one was tried too. */
export async function recordTraining(
  ctx: MutationCtx,
  { _id, instrument, timeframe, datasetId }: Doc<"agentVersions">,
  elsewhere?: Infer<typeof vLedgerElsewhere>,
): Promise<void> {
  const { fromMs, toMs } = await requireDataset(ctx, datasetId);
  await recordTrial(ctx, {
    kind: "training",
    versionId: _id,
    instrument,
    timeframe,
    fromMs,
    toMs,
    elsewhere,
  });
}

/** Stores a finished training; the server checks the checksum itself. */
export async function completeTraining(
  ctx: MutationCtx,
  version: Doc<"agentVersions">,
  result: Infer<typeof vTrainingResult>,
  actor: string,
): Promise<void> {
  if (sha256Hex(result.manifest) !== result.artifactSha256) {
    throw new ConvexError(
      appError(
        "ARTIFACT_HASH_MISMATCH",
        "The manifest does not hash to artifactSha256; upload the artifact again",
        "manifest",
      ),
    );
  }
  if (version.artifactSha256 === result.artifactSha256) return;
  if (version.artifactSha256 !== undefined) {
    throw new ConvexError(
      appError(
        "CONFLICT",
        `Version ${version.name} has its artifact; train a new version instead`,
        "versionId",
      ),
    );
  }
  assertManifestFits(version, result);
  await ctx.db.insert("agentManifests", { versionId: version._id, manifest: result.manifest });
  await ctx.db.patch(version._id, {
    status: "candidate",
    artifactSha256: result.artifactSha256,
    files: result.files,
    finalMetrics: result.finalMetrics,
    environmentSteps: result.environmentSteps,
    stepsPerSecond: result.stepsPerSecond,
    trainingSeconds: result.seconds,
    trainedAtMs: Date.now(),
    error: undefined,
  });
  await recordTraining(ctx, version);
  await appendAudit(ctx, {
    actor,
    action: "training.complete",
    subjectType: "agentVersion",
    subjectId: version._id,
    detail: { artifactSha256: result.artifactSha256, environmentSteps: result.environmentSteps },
  });
}

export const vImportedModel = v.object({
  manifest: v.string(),
  artifactSha256: v.string(),
  files: v.array(vArtifactFile),
  name: v.optional(v.string()),
  ledger: vLedgerElsewhere,
});

/**
 * Registers a model that was exported elsewhere as a candidate: the dataset it was trained on must be here by
 * hash. It brings the trials that the other desk had counted. The same artifact is registered once.
 */
export async function importVersion(
  ctx: MutationCtx,
  imported: Infer<typeof vImportedModel>,
  actor: string,
): Promise<{ versionId: Id<"agentVersions">; isNew: boolean }> {
  for (const { name, storageId } of imported.files) {
    if ((await ctx.db.system.get(storageId)) === null) {
      throw new ConvexError(
        appError("NOT_FOUND", `File ${name} is not in storage; upload it first`, "storageId"),
      );
    }
  }
  const existing = await ctx.db
    .query("agentVersions")
    .withIndex("by_artifact", (q) => q.eq("artifactSha256", imported.artifactSha256))
    .first();
  if (existing !== null) return { versionId: existing._id, isNew: false };
  const manifest = parseManifest(imported.manifest);
  const { algorithm, datasetHash = "", seed, environmentSteps } = manifest;
  if ((algorithm !== "ppo" && algorithm !== "dqn") || seed === undefined || environmentSteps === undefined) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", "The manifest is not that of a model this desk can run", "manifest"),
    );
  }
  const dataset = await findByHash(ctx, datasetHash);
  if (dataset === null) {
    throw new ConvexError(
      appError(
        "NOT_FOUND",
        `Dataset ${datasetHash.slice(0, 12)}… that this model was trained on is not on this desk; build it first: ` +
          "the same bars and request give the same hash",
        "manifest",
      ),
    );
  }
  const { costs } = (manifest.environment ?? {}) as { costs?: CostModel };
  const { steps, hyperparameters } = recipeInManifest(manifest);
  const { ledger, ...artifact } = imported;
  if (!Number.isSafeInteger(ledger.trials) || ledger.trials < 1 || ledger.deskId === "") {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", "The ledger must name a desk and at least one trial", "ledger"),
    );
  }
  const made = `imported-${algorithm}-${dataset.timeframe}-${imported.artifactSha256.slice(0, 8)}`;
  const versionId = await ctx.db.insert("agentVersions", {
    name: await freeName(ctx, imported.name, made),
    algorithm,
    instrument: dataset.instrument,
    timeframe: dataset.timeframe,
    status: "training",
    datasetId: dataset._id,
    datasetHash,
    featureSetId: dataset.featureSetId,
    featureFingerprint: dataset.featureFingerprint,
    seed,
    stepsRequested: steps,
    hyperparameters,
    costModelId: costs?.id,
    costModelHash: costs && costModelHash(costs),
    requestedBy: actor,
    files: [],
    environmentSteps,
    stepsPerSecond: 0,
    trainingSeconds: 0,
    finalMetrics: {},
    createdAtMs: Date.now(),
  });
  const isFromHere = ledger.deskId === (await deskIdOf(ctx));
  await recordTraining(ctx, await requireVersion(ctx, versionId), isFromHere ? undefined : ledger);
  const result = { ...artifact, finalMetrics: {}, environmentSteps, stepsPerSecond: 0, seconds: 0 };
  await completeTraining(ctx, await requireVersion(ctx, versionId), result, actor);
  return { versionId, isNew: true };
}
