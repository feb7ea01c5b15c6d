/** Waiting for a job: progress on stderr, Ctrl-C asks it to stop, the outcome comes back. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { systemClock } from "../runtime/clock";
import { messageOf } from "../runtime/log";
import type { Desk } from "../transport/desk";
import { createProgress, progressText } from "./output";

export interface JobEnd {
  status: "succeeded" | "failed" | "cancelled";
  resultId?: string;
  error?: { code: string; message: string };
}

/** Calls `onInterrupt` at the first Ctrl-C; the second one ends the process at once. */
export function onInterrupt(act: () => void): () => void {
  let isAsked = false;
  const handler = () => {
    if (isAsked) process.exit(1);
    isAsked = true;
    act();
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return () => {
    process.off("SIGINT", handler);
    process.off("SIGTERM", handler);
  };
}

export async function waitForJob(person: Desk, jobId: Id<"jobs">): Promise<JobEnd> {
  const progress = createProgress(systemClock.monotonicMs);
  const release = onInterrupt(() => {
    process.stderr.write("\nStopping; press Ctrl-C again to leave at once ...\n");
    person.mutation(api.ops.console.cancelJob, { jobId }).catch((error) => {
      process.stderr.write(`${messageOf(error)}\n`);
    });
  });
  try {
    return await new Promise<JobEnd>((resolve, reject) => {
      const unsubscribe = person.onUpdate(
        api.ops.console.job,
        { jobId },
        (job) => {
          if (job.progress !== undefined) progress.show(progressText(job.progress));
          if (job.status === "queued" || job.status === "running") return;
          queueMicrotask(() => unsubscribe());
          resolve({ status: job.status, resultId: job.resultId, error: job.error });
        },
        reject,
      );
    });
  } finally {
    release();
    progress.end();
  }
}
