/** Owns jobs, leases, workers and the server clock; the only writer of those tables. */
import { ConvexError, type Infer } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import type { vJobPayload } from "./schema";

export type JobPayload = Infer<typeof vJobPayload>;

/** Attempts before a job that keeps losing its worker is given up (W-10). */
const ATTEMPTS_MAX = 5;

/** Jobs that one requester may have waiting at once. */
const QUEUED_MAX = 50;

/** Puts a job in the queue. Refuses a requester who has `QUEUED_MAX` waiting already (S-11). */
export async function enqueueJob(
  ctx: MutationCtx,
  payload: JobPayload,
  requestedBy: string,
): Promise<Id<"jobs">> {
  const waiting = await ctx.db
    .query("jobs")
    .withIndex("by_status_and_createdAt", (q) => q.eq("status", "queued"))
    .take(1_000);
  if (waiting.filter((job) => job.requestedBy === requestedBy).length >= QUEUED_MAX) {
    throw new ConvexError(
      appError("LIMIT_EXCEEDED", `You have ${QUEUED_MAX} jobs waiting; let some finish or cancel them first`),
    );
  }
  return ctx.db.insert("jobs", {
    kind: payload.kind,
    payload,
    status: "queued",
    requestedBy,
    leaseToken: 0,
    attempts: 0,
    cancelRequested: false,
    createdAtMs: Date.now(),
  });
}

export async function requireJob(ctx: QueryCtx, jobId: Id<"jobs">): Promise<Doc<"jobs">> {
  const job = await ctx.db.get(jobId);
  if (job === null) throw new ConvexError(appError("NOT_FOUND", "This job is unknown", "jobId"));
  return job;
}

/** The job if the caller still holds its lease; a stale token is refused (W-05, W-06). */
export async function requireLease(
  ctx: QueryCtx,
  jobId: Id<"jobs">,
  leaseToken: number,
): Promise<Doc<"jobs">> {
  const job = await requireJob(ctx, jobId);
  if (job.status !== "running" || job.leaseToken !== leaseToken) {
    throw new ConvexError(
      appError(
        "LEASE_LOST",
        `Token ${leaseToken} no longer holds job ${jobId}; stop work on it`,
        "leaseToken",
      ),
    );
  }
  return job;
}

/** Hands the oldest queued job to a worker, or null. */
export async function claimJob(ctx: MutationCtx, workerId: string): Promise<Doc<"jobs"> | null> {
  const now = Date.now();
  const job = await ctx.db
    .query("jobs")
    .withIndex("by_status_and_createdAt", (q) => q.eq("status", "queued"))
    .first();
  if (job === null) return null;
  await ctx.db.patch(job._id, {
    status: "running",
    leaseToken: job.leaseToken + 1,
    leaseOwner: workerId,
    leaseExpiresAtMs: now + LIMITS.leaseTtlMs,
    attempts: job.attempts + 1,
    claimedAtMs: now,
    startedAtMs: job.startedAtMs ?? now,
  });
  return ctx.db.get(job._id);
}

/**
 * Puts jobs whose worker went silent back in the queue. Those that lost `ATTEMPTS_MAX` workers end as failed
 * and are returned for the caller to settle.
 */
export async function requeueExpired(ctx: MutationCtx): Promise<{ job: Doc<"jobs">; reason: string }[]> {
  const now = Date.now();
  const givenUp: { job: Doc<"jobs">; reason: string }[] = [];
  const running = await ctx.db
    .query("jobs")
    .withIndex("by_status_and_createdAt", (q) => q.eq("status", "running"))
    .take(200);
  for (const job of running) {
    if ((job.leaseExpiresAtMs ?? 0) >= now) continue;
    if (job.attempts >= ATTEMPTS_MAX) {
      const reason = `The worker vanished ${job.attempts} times; look at its log`;
      await finishJob(ctx, job, { status: "failed", error: { code: "LEASE_LOST", message: reason } });
      givenUp.push({ job, reason });
    } else {
      await ctx.db.patch(job._id, { status: "queued", leaseOwner: undefined, leaseExpiresAtMs: undefined });
    }
  }
  return givenUp;
}

/** A lease held this long proves the job is not what kills its workers: earlier attempts are forgiven. */
const ATTEMPT_PROVEN_MS = 10 * 60_000;

export async function renewLease(ctx: MutationCtx, job: Doc<"jobs">): Promise<void> {
  const now = Date.now();
  const isProven = job.attempts > 1 && now - (job.claimedAtMs ?? now) > ATTEMPT_PROVEN_MS;
  await ctx.db.patch(job._id, {
    leaseExpiresAtMs: now + LIMITS.leaseTtlMs,
    ...(isProven ? { attempts: 1 } : {}),
  });
}

/** Hands a job back in good order (a worker that is shutting down); the next worker need not wait for the expiry. */
export async function handBackJob(ctx: MutationCtx, job: Doc<"jobs">): Promise<void> {
  await ctx.db.patch(job._id, {
    status: "queued",
    attempts: job.attempts - 1,
    leaseOwner: undefined,
    leaseExpiresAtMs: undefined,
  });
}

export async function setProgress(
  ctx: MutationCtx,
  job: Doc<"jobs">,
  progress: NonNullable<Doc<"jobs">["progress"]>,
): Promise<void> {
  await ctx.db.patch(job._id, { progress, leaseExpiresAtMs: Date.now() + LIMITS.leaseTtlMs });
}

export async function setCheckpoint(
  ctx: MutationCtx,
  job: Doc<"jobs">,
  storageId: Id<"_storage">,
): Promise<void> {
  // The answer to the first call may have been lost: repeating it must not delete what it stored (D-02).
  if (job.checkpointStorageId === storageId) return;
  if (job.checkpointStorageId !== undefined) await ctx.storage.delete(job.checkpointStorageId);
  await ctx.db.patch(job._id, { checkpointStorageId: storageId });
}

export type JobOutcome =
  | { status: "succeeded"; resultId?: string }
  | { status: "failed"; error: { code: string; message: string } }
  | { status: "cancelled" };

export async function finishJob(ctx: MutationCtx, job: Doc<"jobs">, outcome: JobOutcome): Promise<void> {
  await ctx.db.patch(job._id, {
    ...outcome,
    leaseOwner: undefined,
    leaseExpiresAtMs: undefined,
    finishedAtMs: Date.now(),
  });
}

/** Ends a job that nobody has claimed and asks the worker of a running one to leave; an ended one is left alone. */
export async function releaseJob(ctx: MutationCtx, job: Doc<"jobs">): Promise<void> {
  if (job.status !== "queued" && job.status !== "running") return;
  await ctx.db.patch(job._id, { cancelRequested: true });
  if (job.status === "queued") await finishJob(ctx, job, { status: "cancelled" });
}

/** An operator's wish to stop a job; a job that nobody has claimed yet ends at once. */
export async function requestCancel(ctx: MutationCtx, job: Doc<"jobs">, actor: string): Promise<void> {
  if (job.status !== "queued" && job.status !== "running") {
    throw new ConvexError(appError("CONFLICT", `This job is already ${job.status}`, "jobId"));
  }
  if (job.kind === "run") {
    throw new ConvexError(
      appError("CONFLICT", "A run is stopped, not cancelled: stopping also closes its position", "jobId"),
    );
  }
  await releaseJob(ctx, job);
  await appendAudit(ctx, {
    actor,
    action: "job.cancel",
    subjectType: "job",
    subjectId: job._id,
    detail: { kind: job.kind },
  });
}

/** Puts a cancelled or failed job back in the queue; it goes on from its checkpoint. */
export async function resumeJob(ctx: MutationCtx, job: Doc<"jobs">, actor: string): Promise<void> {
  if (job.status !== "cancelled" && job.status !== "failed") {
    throw new ConvexError(
      appError("CONFLICT", `Only a cancelled or failed job resumes; this one is ${job.status}`, "jobId"),
    );
  }
  await ctx.db.patch(job._id, {
    status: "queued",
    cancelRequested: false,
    attempts: 0,
    error: undefined,
    finishedAtMs: undefined,
  });
  await appendAudit(ctx, {
    actor,
    action: "job.resume",
    subjectType: "job",
    subjectId: job._id,
    detail: { kind: job.kind },
  });
}

export async function beat(
  ctx: MutationCtx,
  worker: { workerId: string; version: string; startedAtMs: number; activeJobs: number },
): Promise<void> {
  const existing = await ctx.db
    .query("workers")
    .withIndex("by_workerId", (q) => q.eq("workerId", worker.workerId))
    .unique();
  const fields = { ...worker, lastHeartbeatMs: Date.now() };
  if (existing === null) await ctx.db.insert("workers", fields);
  else await ctx.db.patch(existing._id, fields);
}

/** A worker leaves in good order: it is not lost, it is gone. */
export async function signOff(ctx: MutationCtx, workerId: string): Promise<void> {
  const existing = await ctx.db
    .query("workers")
    .withIndex("by_workerId", (q) => q.eq("workerId", workerId))
    .unique();
  if (existing !== null) await ctx.db.delete(existing._id);
}

/** One row with the server's time, so that subscribed pages can show ages by the server's clock (D-06). */
export async function tickClock(ctx: MutationCtx): Promise<void> {
  const nowMs = Date.now();
  const row = await ctx.db.query("serverClock").first();
  if (row === null) await ctx.db.insert("serverClock", { nowMs });
  else await ctx.db.patch(row._id, { nowMs });
}
