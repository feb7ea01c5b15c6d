/**
 * Owns runs and their progress; the only writer of both tables. A run is one agent version on one feed with one
 * paper account. What each bar changes has a row of its own, so that whoever watches a run, or the list of them,
 * is not told of every bar.
 */
import { ConvexError } from "convex/values";
import { costModelHash } from "../../lib/broker/charges";
import type { AccountState } from "../../lib/broker/types";
import { appError } from "../../lib/contract/errors";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireVersion } from "../agents/model";
import { appendAudit } from "../audit/model";
import { flattenAtMark, openAccount } from "../execution/model";
import { enqueueJob, releaseJob, requireJob, requireLease } from "../ops/model";
import { environmentOf, isActive, progressOf, progressRow, type RunProgress, writeProgress } from "./ledger";

export {
  ACTIVE,
  activeRuns,
  canFollow,
  dropDesired,
  environmentOf,
  isActive,
  liveRun,
  modelOf,
  pauseStranded,
  pointRuns,
  progressOf,
  restrain,
  switchModel,
  vRunProgress,
} from "./ledger";

type RunDoc = Doc<"runs">;

export async function requireRun(ctx: QueryCtx, runId: Id<"runs">): Promise<RunDoc> {
  const run = await ctx.db.get(runId);
  if (run === null) throw new ConvexError(appError("NOT_FOUND", "This run is unknown", "runId"));
  return run;
}

/** The run, if the caller holds the lease of the job that drives it. */
export async function requireRunLease(
  ctx: QueryCtx,
  jobId: Id<"jobs">,
  leaseToken: number,
  runId: Id<"runs">,
): Promise<RunDoc> {
  const job = await requireLease(ctx, jobId, leaseToken);
  if (job.payload.kind !== "run" || job.payload.runId !== runId) {
    throw new ConvexError(appError("LEASE_LOST", "This lease is for another run", "runId"));
  }
  return requireRun(ctx, runId);
}

/** Stores a run and queues the job that drives it. */
export async function insertRun(
  ctx: MutationCtx,
  fields: Omit<RunDoc, "_id" | "_creationTime" | "jobId">,
  actor: string,
): Promise<{ runId: Id<"runs">; jobId: Id<"jobs"> }> {
  const runId = await ctx.db.insert("runs", fields);
  const jobId = await enqueueJob(ctx, { kind: "run", runId }, actor);
  await ctx.db.patch(runId, { jobId });
  return { runId, jobId };
}

/**
 * The worker took the run: open its account under exactly the costs, rules and sizing the version was trained
 * with (they come from the checked manifest, not from the worker), and mark it running.
 */
export async function beginRun(
  ctx: MutationCtx,
  run: RunDoc,
  begin: {
    feedDatasetId?: Id<"datasets">;
    featuresFromMs: number;
    accountFromMs: number;
    totalBars?: number;
  },
): Promise<void> {
  // Stopped while it waited in the queue: beginning it now would revive it beside its successor.
  if (!isActive(run)) {
    throw new ConvexError(appError("CONFLICT", `This run is already ${run.status}`, "runId"));
  }
  const version = await requireVersion(ctx, run.versionId);
  const { costs, rules, sizing } = await environmentOf(ctx, version);
  await openAccount(
    ctx,
    run._id,
    { costs, rules, sizing, initialBalanceUsd: run.initialBalanceUsd },
    begin.accountFromMs,
  );
  await ctx.db.patch(run._id, {
    status: run.desired === "paused" ? "paused" : "running",
    feedDatasetId: begin.feedDatasetId ?? run.feedDatasetId,
    featuresFromMs: run.featuresFromMs ?? begin.featuresFromMs,
    totalBars: begin.totalBars,
    costModelId: costs.id,
    costModelHash: costModelHash(costs),
    startedAtMs: run.startedAtMs ?? Date.now(),
  });
}

export async function noteBar(
  ctx: MutationCtx,
  run: RunDoc,
  barOpenTimeMs: number,
  advanced: { account: AccountState; fills: number },
): Promise<void> {
  await writeProgress(ctx, run, (before) => ({
    bars: before.bars + 1,
    fills: before.fills + advanced.fills,
    equityUsd: advanced.account.equityUsd,
    lastBarOpenTimeMs: barOpenTimeMs,
  }));
}

export async function noteDecision(
  ctx: MutationCtx,
  run: RunDoc,
  decisionId: Id<"decisions">,
  isHold: boolean,
): Promise<void> {
  await writeProgress(ctx, run, (before) => ({
    decisions: before.decisions + 1,
    holds: before.holds + (isHold ? 1 : 0),
    lastDecisionId: decisionId,
  }));
}

/** A loss limit tripped: from now on only closing orders pass, until a person resumes the run (K-07). */
export async function openBreaker(ctx: MutationCtx, run: RunDoc, sentence: string): Promise<void> {
  await ctx.db.patch(run._id, { breaker: { sentence, atMs: Date.now() } });
  await appendAudit(ctx, {
    actor: "system",
    action: "risk.breakerOpened",
    subjectType: "run",
    subjectId: run._id,
    detail: { sentence },
  });
}

/** Pause stops new decisions after the current bar; position and stop stay. Resuming also closes an open breaker. */
export async function setDesired(
  ctx: MutationCtx,
  run: RunDoc,
  desired: "running" | "paused",
  actor: string,
): Promise<void> {
  if (!isActive(run) || run.desired === "stopped") {
    throw new ConvexError(
      appError("CONFLICT", `This run is ${run.status}; only an active run pauses or resumes`, "runId"),
    );
  }
  const status = run.status === "queued" ? "queued" : desired;
  const rearmed = desired === "running" ? { breaker: undefined } : {};
  await ctx.db.patch(run._id, { desired, status, ...rearmed });
  await appendAudit(ctx, {
    actor,
    action: desired === "paused" ? "run.pause" : "run.resume",
    subjectType: "run",
    subjectId: run._id,
    detail: { breaker: run.breaker?.sentence ?? null },
  });
}

/** Ends the run now: open order cancelled, position closed at its mark, worker told to leave. */
export async function stopRun(ctx: MutationCtx, run: RunDoc, actor: string): Promise<void> {
  if (!isActive(run)) {
    throw new ConvexError(appError("CONFLICT", `This run is already ${run.status}`, "runId"));
  }
  const { bars, decisions } = await closeOut(ctx, run, "stopped");
  if (run.jobId !== undefined) await releaseJob(ctx, await requireJob(ctx, run.jobId));
  await appendAudit(ctx, {
    actor,
    action: "run.stop",
    subjectType: "run",
    subjectId: run._id,
    detail: { bars, decisions },
  });
}

/**
 * Flattens and marks the run as ended, with its final progress, which it returns. Used by stop, by the end of a
 * replay and by failures.
 */
export async function closeOut(
  ctx: MutationCtx,
  run: RunDoc,
  status: "finished" | "stopped" | "failed",
  error?: string,
): Promise<RunProgress> {
  const before = await progressOf(ctx, run);
  const flat = await flattenAtMark(ctx, run._id, "stopRun");
  const progress = {
    ...before,
    fills: before.fills + (flat?.fills ?? 0),
    equityUsd: flat?.account.equityUsd ?? before.equityUsd,
  };
  await ctx.db.patch(run._id, {
    status,
    desired: "stopped",
    error,
    ...progress,
    finishedAtMs: Date.now(),
  });
  const row = await progressRow(ctx, run._id);
  if (row !== null) await ctx.db.delete(row._id);
  return progress;
}

/** After a flatten by the kill switch: the run's counters follow its account. */
export async function noteFlatten(
  ctx: MutationCtx,
  run: RunDoc,
  flat: { account: AccountState; fills: number },
): Promise<void> {
  await writeProgress(ctx, run, (before) => ({
    fills: before.fills + flat.fills,
    equityUsd: flat.account.equityUsd,
  }));
}
