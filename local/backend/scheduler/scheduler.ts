import type { Backend } from "../backend";
import { JobQueue } from "./jobQueue";

const SWEEP_MS = 3600 * 1000;

/** The scheduled functions of the app and of every component instance. */
export class Scheduler {
  /** By the key prefix of the rows that tell what is due. */
  private readonly queues = new Map<string, JobQueue>();
  private cancelSweep: (() => void) | null = null;
  private stopped = false;

  constructor(private readonly backend: Backend) {}

  /** Settles what a crash left and starts running what is due. */
  async start(): Promise<void> {
    const { committer, components } = this.backend;
    for (const { namespace } of components.all()) {
      const queue = new JobQueue(this.backend, namespace);
      this.queues.set(queue.rowPrefix, queue);
    }
    committer.onCommit((_, touched) => {
      const due = new Set<JobQueue>();
      for (const key of touched) {
        const queue = this.queues.get(key.slice(0, 5));
        if (queue) due.add(queue);
      }
      for (const queue of due) queue.wake();
    });
    for (const queue of this.queues.values()) await queue.start();
    this.sweep();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelSweep?.();
    await Promise.all([...this.queues.values()].map((queue) => queue.stop()));
  }

  /** Deletes old jobs in small steps. */
  private sweep(): void {
    if (this.stopped) return;
    this.cancelSweep = this.backend.ports.setTimer(SWEEP_MS, () => {
      void this.deleteOld().finally(() => this.sweep());
    });
  }

  private async deleteOld(): Promise<void> {
    for (const queue of this.queues.values()) await queue.deleteOld();
  }
}
