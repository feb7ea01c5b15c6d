/** The worker's main loop: waits for queued jobs, claims them by lease, runs them side by side. */
import { api } from "../../convex/_generated/api";
import type { FeatureCache } from "../datasets/featureCache";
import type { Clock } from "../runtime/clock";
import { codeOf, type Logger, messageOf } from "../runtime/log";
import { WORKER_VERSION } from "../runtime/version";
import type { Desk } from "../transport/desk";
import { type Job, type JobContext, withLease } from "./context";
import { runJob } from "./handlers";

const HEARTBEAT_MS = 5_000;

export interface LoopOptions {
  desk: Desk;
  clock: Clock;
  log: Logger;
  workerId: string;
  concurrentJobs: number;
  featureCache?: FeatureCache;
  /** Fires at shutdown: no new claims; running jobs keep their checkpoint and leave. */
  signal: AbortSignal;
}

/** Runs until the signal fires and every claimed job has ended. */
export async function runWorkerLoop(options: LoopOptions): Promise<void> {
  const { desk, clock, log, workerId, signal } = options;
  const active = new Set<Promise<void>>();
  const startedAtMs = clock.nowMs();
  let wake: () => void = () => {};
  let queued = 0;
  const unsubscribe = desk.onUpdate(
    api.ops.worker.queuedCount,
    {},
    (count) => {
      queued = count;
      wake();
    },
    (error) => log.error("queue.subscription", { message: messageOf(error) }),
  );
  const beat = async () => {
    const worker = { workerId, version: WORKER_VERSION, startedAtMs, activeJobs: active.size };
    try {
      await desk.mutation(api.ops.worker.heartbeat, worker);
    } catch (error) {
      log.error("heartbeat", { message: messageOf(error) });
    }
  };
  const heartbeats = (async () => {
    while (!signal.aborted) {
      await beat();
      await clock.sleep(HEARTBEAT_MS, signal);
    }
  })();

  while (!signal.aborted) {
    if (queued === 0 || active.size >= options.concurrentJobs) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
        if (queued > 0 && active.size < options.concurrentJobs) resolve();
      });
      continue;
    }
    const job = await claim(desk, workerId, log);
    if (job === null) {
      // Someone else was faster; the subscription will tell when there is more.
      queued = 0;
      continue;
    }
    const work = execute(options, job).finally(() => {
      active.delete(work);
      wake();
    });
    active.add(work);
  }
  await Promise.allSettled(active);
  await heartbeats;
  unsubscribe();
  await desk.mutation(api.ops.worker.leave, { workerId });
}

async function claim(desk: Desk, workerId: string, log: Logger): Promise<Job | null> {
  try {
    return await desk.mutation(api.ops.worker.claim, { workerId });
  } catch (error) {
    log.error("claim", { message: messageOf(error) });
    return null;
  }
}

type Outcome = Parameters<typeof runJob> extends [JobContext] ? Awaited<ReturnType<typeof runJob>> : never;

async function execute({ desk, clock, log, featureCache, signal }: LoopOptions, job: Job): Promise<void> {
  log.info("job.start", { jobId: job._id, kind: job.kind, attempt: job.attempts });
  await withLease({ job, desk, clock, log, featureCache }, async (context) => {
    const stopping = AbortSignal.any([context.cancel, signal]);
    let outcome: Outcome;
    try {
      outcome = await runJob({ ...context, cancel: stopping });
    } catch (error) {
      log.error("job.failed", {
        jobId: job._id,
        message: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
      outcome = {
        status: "failed",
        error: { code: codeOf(error) ?? "UNEXPECTED", message: messageOf(error) },
      };
    }
    if (context.lost.aborted) return;
    await context.flush();
    // Shutdown is not cancellation: the job goes back, and the next worker goes on from the checkpoint.
    const isHandedBack = outcome.status === "cancelled" && signal.aborted && !context.cancel.aborted;
    try {
      if (isHandedBack) await desk.mutation(api.ops.worker.handBack, context.lease);
      else await desk.mutation(api.ops.worker.finish, { ...context.lease, outcome });
    } catch (error) {
      log.error("job.finish", { jobId: job._id, message: messageOf(error) });
    }
    log.info("job.end", { jobId: job._id, kind: job.kind, status: outcome.status });
  });
}
