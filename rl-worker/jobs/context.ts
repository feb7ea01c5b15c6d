/** What a job handler is given: its lease, the line to the desk, progress, and the reasons to stop. */
import { api } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { LIMITS } from "../../lib/contract/limits";
import type { FeatureCache } from "../datasets/featureCache";
import type { Clock } from "../runtime/clock";
import { codeOf, type Logger } from "../runtime/log";
import type { Desk } from "../transport/desk";

export type Job = Doc<"jobs">;
export type Progress = NonNullable<Job["progress"]>;

export interface JobContext {
  job: Job;
  desk: Desk;
  clock: Clock;
  log: Logger;
  /** Features that were computed before; absent when the worker keeps none. */
  featureCache?: FeatureCache;
  lease: { jobId: Id<"jobs">; leaseToken: number };
  /** Fires when someone asked the job to stop; finish what must be kept and return. */
  cancel: AbortSignal;
  /** Fires when the lease is gone: write nothing more, just return. */
  lost: AbortSignal;
  /** Reports progress at most twice a second; the last one always goes out through `flush`. */
  progress(stage: string, done: number, total: number, unit: string): void;
  flush(): Promise<void>;
}

const REPORT_EVERY_MS = 500;

/** Holds a lease while `work` runs: renews it, listens for cancellation, and stops when it is lost (W-06). */
export async function withLease<T>(
  base: Omit<JobContext, "lease" | "cancel" | "lost" | "progress" | "flush">,
  work: (context: JobContext) => Promise<T>,
): Promise<T> {
  const { job, desk, clock } = base;
  const lease = { jobId: job._id, leaseToken: job.leaseToken };
  const cancel = new AbortController();
  const lost = new AbortController();
  const done = new AbortController();
  const lose = () => {
    lost.abort();
    cancel.abort();
  };
  const onFailure = (error: unknown) => {
    if (codeOf(error) === "LEASE_LOST") lose();
    else base.log.error("lease.renew", { jobId: job._id, message: String(error) });
  };
  const unsubscribe = desk.onUpdate(api.ops.worker.watch, { jobId: job._id }, (state) => {
    if (state === null || state.leaseToken !== job.leaseToken) lose();
    else if (state.cancelRequested) cancel.abort();
  });
  const renewing = renewUntil(done.signal);

  async function renewUntil(signal: AbortSignal): Promise<void> {
    let deadlineMs = clock.monotonicMs() + LIMITS.leaseTtlMs;
    while (!signal.aborted) {
      await clock.sleep(LIMITS.leaseRenewMs, signal);
      if (signal.aborted) return;
      try {
        const sentAtMs = clock.monotonicMs();
        const answer = await desk.mutation(api.ops.worker.renew, lease);
        deadlineMs = sentAtMs + LIMITS.leaseTtlMs;
        if (answer.cancelRequested) cancel.abort();
      } catch (error) {
        onFailure(error);
      }
      if (clock.monotonicMs() > deadlineMs) lose();
    }
  }

  const reporter = createReporter(base, lease, cancel, onFailure);
  try {
    return await work({ ...base, lease, cancel: cancel.signal, lost: lost.signal, ...reporter });
  } finally {
    done.abort();
    unsubscribe();
    await renewing;
  }
}

function createReporter(
  { desk, clock }: Pick<JobContext, "desk" | "clock">,
  lease: JobContext["lease"],
  cancel: AbortController,
  onFailure: (error: unknown) => void,
) {
  let startedAtMs = clock.monotonicMs();
  let startedDone = 0;
  let stage = "";
  let lastSentMs = Number.NEGATIVE_INFINITY;
  let pending: Progress | null = null;
  let sending: Promise<void> = Promise.resolve();

  async function send(progress: Progress): Promise<void> {
    try {
      const answer = await desk.mutation(api.ops.worker.progress, { ...lease, progress });
      if (answer.cancelRequested) cancel.abort();
    } catch (error) {
      onFailure(error);
    }
  }

  return {
    progress(nextStage: string, done: number, total: number, unit: string): void {
      const now = clock.monotonicMs();
      if (nextStage !== stage) {
        stage = nextStage;
        startedAtMs = now;
        startedDone = done;
        lastSentMs = Number.NEGATIVE_INFINITY;
      }
      const seconds = Math.max((now - startedAtMs) / 1000, 1e-3);
      const ratePerSecond = (done - startedDone) / seconds;
      const etaSeconds = ratePerSecond > 0 ? Math.max(0, total - done) / ratePerSecond : 0;
      pending = { stage, done, total, unit, ratePerSecond, etaSeconds };
      if (now - lastSentMs < REPORT_EVERY_MS) return;
      lastSentMs = now;
      const report = pending;
      pending = null;
      sending = sending.then(() => send(report));
    },
    async flush(): Promise<void> {
      await sending;
      if (pending !== null) await send(pending);
      pending = null;
    },
  };
}
