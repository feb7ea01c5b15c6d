/** Training from the worker's side: what to train, how it goes, what came out. */
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { workerMutation, workerQuery } from "../builders";
import { appendPoints, vTrainingPoint } from "./ledger";
import { vTrainingResult } from "./manifest";
import {
  completeTraining,
  recordTraining,
  requireManifest,
  requireTrainingLease,
  requireVersion,
  setTrainingStatus,
} from "./model";
import { versionFields } from "./schema";

const leaseArgs = { jobId: v.id("jobs"), leaseToken: v.number(), versionId: v.id("agentVersions") };

export const get = workerQuery({
  args: { versionId: v.id("agentVersions") },
  returns: v.object({ ...versionFields, _id: v.id("agentVersions"), _creationTime: v.number() }),
  handler: (ctx, { versionId }) => requireVersion(ctx, versionId),
});

/** The artifact with download addresses; refuses when the stored manifest does not match its checksum. */
export const artifact = workerQuery({
  args: { versionId: v.id("agentVersions") },
  returns: v.object({
    artifactSha256: v.string(),
    manifest: v.string(),
    files: v.array(v.object({ name: v.string(), sha256: v.string(), bytes: v.number(), url: v.string() })),
  }),
  handler: async (ctx, { versionId }) => {
    const version = await requireVersion(ctx, versionId);
    const manifest = await requireManifest(ctx, version);
    const files = [];
    for (const { name, sha256, bytes, storageId } of version.files) {
      const url = await ctx.storage.getUrl(storageId);
      if (url === null) {
        throw new ConvexError(
          appError(
            "ARTIFACT_HASH_MISMATCH",
            `File ${name} of ${version.name} is gone from storage`,
            "versionId",
          ),
        );
      }
      files.push({ name, sha256, bytes, url });
    }
    return { artifactSha256: version.artifactSha256!, manifest, files };
  },
});

export const markTraining = workerMutation({
  args: leaseArgs,
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, versionId }) => {
    const version = await requireTrainingLease(ctx, jobId, leaseToken, versionId);
    await recordTraining(ctx, version);
    await setTrainingStatus(ctx, version, "training");
    return null;
  },
});

export const appendTrainingPoints = workerMutation({
  args: { ...leaseArgs, points: v.array(vTrainingPoint) },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, versionId, points }) => {
    await requireTrainingLease(ctx, jobId, leaseToken, versionId);
    await appendPoints(ctx, versionId, points);
    return null;
  },
});

export const complete = workerMutation({
  args: { ...leaseArgs, result: vTrainingResult },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, versionId, result }) => {
    const version = await requireTrainingLease(ctx, jobId, leaseToken, versionId);
    await completeTraining(ctx, version, result, ctx.actor.tokenIdentifier);
    return null;
  },
});

/** Marks the end without an artifact; the version keeps its curve and the reason. */
export const abandon = workerMutation({
  args: { ...leaseArgs, status: v.union(v.literal("failed"), v.literal("cancelled")), reason: v.string() },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, versionId, status, reason }) => {
    const version = await requireTrainingLease(ctx, jobId, leaseToken, versionId);
    await setTrainingStatus(ctx, version, status, reason);
    return null;
  },
});
