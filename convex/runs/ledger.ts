/**
 * How far a run is; which model it has, and how it goes over to another: between two bars, verified, in the audit
 * log.
 */
import { ConvexError, type Infer, v } from "convex/values";
import { costModelHash } from "../../lib/broker/charges";
import type { CostModel, InstrumentRules, SizingSpec } from "../../lib/broker/types";
import { appError } from "../../lib/contract/errors";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireManifest, requireVersion } from "../agents/model";
import { appendAudit } from "../audit/model";
import { adoptSettings } from "../execution/model";
import { runProgressFields, type vDesiredModel, type vDriftRestraint } from "./schema";

type RunDoc = Doc<"runs">;

export const ACTIVE: RunDoc["status"][] = ["queued", "running", "paused"];

/** Every run that could still trade; at most 100 of a status. */
export async function activeRuns(ctx: QueryCtx): Promise<RunDoc[]> {
  const runs: RunDoc[] = [];
  for (const status of ACTIVE) {
    const rows = await ctx.db
      .query("runs")
      .withIndex("by_status", (q) => q.eq("status", status))
      .take(100);
    runs.push(...rows);
  }
  return runs;
}

export function isActive(run: RunDoc): boolean {
  return ACTIVE.includes(run.status);
}

export const vRunProgress = v.object(runProgressFields);
export type RunProgress = Infer<typeof vRunProgress>;

export async function progressRow(ctx: QueryCtx, runId: Id<"runs">): Promise<Doc<"runProgress"> | null> {
  return ctx.db
    .query("runProgress")
    .withIndex("by_run", (q) => q.eq("runId", runId))
    .unique();
}

function progressIn(fields: RunProgress): RunProgress {
  const { bars, decisions, holds, fills, equityUsd, lastDecisionId, lastBarOpenTimeMs } = fields;
  return { bars, decisions, holds, fills, equityUsd, lastDecisionId, lastBarOpenTimeMs };
}

/** How far a run is: from its own row while it is active, from the run itself once it has ended. */
export async function progressOf(ctx: QueryCtx, run: RunDoc): Promise<RunProgress> {
  return progressIn((await progressRow(ctx, run._id)) ?? run);
}

/** The run with its progress as of now. */
export async function liveRun(ctx: QueryCtx, run: RunDoc): Promise<RunDoc> {
  return { ...run, ...(await progressOf(ctx, run)) };
}

export async function writeProgress(
  ctx: MutationCtx,
  run: RunDoc,
  change: (before: RunProgress) => Partial<RunProgress>,
): Promise<void> {
  const row = await progressRow(ctx, run._id);
  if (row !== null) await ctx.db.patch(row._id, change(row));
  else if (!isActive(run)) await ctx.db.patch(run._id, change(run));
  else await ctx.db.insert("runProgress", { runId: run._id, ...progressIn(run), ...change(run) });
}

interface TrainedEnvironment {
  costs: CostModel;
  rules: InstrumentRules;
  sizing: SizingSpec;
}

/** The costs, rules and sizing that a version was trained with, from its checked manifest. */
export async function environmentOf(
  ctx: QueryCtx,
  version: Doc<"agentVersions">,
): Promise<TrainedEnvironment> {
  const manifest = JSON.parse(await requireManifest(ctx, version)) as { environment: TrainedEnvironment };
  const { costs, rules, sizing } = manifest.environment;
  return { costs, rules, sizing };
}

/** The model that a run has, or is about to have. */
export function modelOf(run: RunDoc): Id<"agentVersions"> {
  return run.desiredModel?.versionId ?? run.versionId;
}

/** A run keeps its bars and features: a version of another instrument, timeframe or feature set cannot take over. */
export function canFollow(run: RunDoc, version: Doc<"agentVersions">): boolean {
  return (
    version.instrument === run.instrument &&
    version.timeframe === run.timeframe &&
    version.featureFingerprint === run.featureFingerprint
  );
}

interface Pointing {
  from: Id<"agentVersions">;
  to: Doc<"agentVersions">;
  cause: Infer<typeof vDesiredModel>["cause"];
}

/** Asks the active runs of one version to go over to another. Those that cannot are named and left as they are. */
export async function pointRuns(
  ctx: MutationCtx,
  { from, to, cause }: Pointing,
  actor: string,
): Promise<{ following: RunDoc[]; stranded: RunDoc[] }> {
  const runs = (await activeRuns(ctx)).filter((run) => modelOf(run) === from && run.desired !== "stopped");
  const following = runs.filter((run) => canFollow(run, to));
  const stranded = runs.filter((run) => !canFollow(run, to));
  for (const run of following) {
    const isThere = run.versionId === to._id;
    await ctx.db.patch(run._id, { desiredModel: isThere ? undefined : { versionId: to._id, cause } });
  }
  for (const [run, action] of [
    ...following.map((row) => [row, "run.pointModel"] as const),
    ...stranded.map((row) => [row, "run.cannotFollow"] as const),
  ]) {
    await appendAudit(ctx, {
      actor,
      action,
      subjectType: "run",
      subjectId: run._id,
      detail: { from, to: to._id, cause },
    });
  }
  return { following, stranded };
}

/** Stops new decisions of a run whose model may not go on; position and stop stay. */
export async function pauseStranded(
  ctx: MutationCtx,
  run: RunDoc,
  reason: string,
  actor: string,
): Promise<void> {
  const status = run.status === "queued" ? "queued" : "paused";
  await ctx.db.patch(run._id, { desired: "paused", status, desiredModel: undefined });
  await appendAudit(ctx, {
    actor,
    action: "run.pause",
    subjectType: "run",
    subjectId: run._id,
    detail: { reason },
  });
}

/**
 * The worker has loaded and verified the desired model: from the next decision on it is the run's. The account
 * goes on with its position and stop; costs, rules and sizing become those of the new model. Repeating it changes
 * nothing.
 */
export async function switchModel(
  ctx: MutationCtx,
  run: RunDoc,
  versionId: Id<"agentVersions">,
  actor: string,
): Promise<void> {
  if (run.versionId === versionId) return;
  if (run.desiredModel?.versionId !== versionId) {
    throw new ConvexError(
      appError("CONFLICT", "This run is not to go over to this version any more", "versionId"),
    );
  }
  const version = await requireVersion(ctx, versionId);
  const environment = await environmentOf(ctx, version);
  await adoptSettings(ctx, run._id, environment);
  await ctx.db.patch(run._id, {
    versionId,
    artifactSha256: version.artifactSha256!,
    datasetHash: version.datasetHash,
    featureFingerprint: version.featureFingerprint,
    costModelId: environment.costs.id,
    costModelHash: costModelHash(environment.costs),
    desiredModel: undefined,
    // Another model has another reference: it starts calm.
    drift: undefined,
  });
  await appendAudit(ctx, {
    actor,
    action: "run.switchModel",
    subjectType: "run",
    subjectId: run._id,
    detail: {
      ...{ from: run.versionId, to: versionId, cause: run.desiredModel.cause },
      afterBarMs: (await progressOf(ctx, run)).lastBarOpenTimeMs,
    },
  });
}

/** The desired model was refused on load: the run keeps the one it has. */
export async function dropDesired(
  ctx: MutationCtx,
  run: RunDoc,
  reason: string,
  actor: string,
): Promise<void> {
  await ctx.db.patch(run._id, { desiredModel: undefined });
  await appendAudit(ctx, {
    actor,
    action: "run.refuseModel",
    subjectType: "run",
    subjectId: run._id,
    detail: { versionId: run.desiredModel?.versionId, reason: reason.slice(0, 500) },
  });
}

/** What drift makes of the run's decisions from now on; null lifts it. */
export async function restrain(
  ctx: MutationCtx,
  run: RunDoc,
  restraint: Infer<typeof vDriftRestraint> | null,
): Promise<void> {
  await ctx.db.patch(run._id, { drift: restraint ?? undefined });
}
