import type { Backend } from "../backend";
import type { Namespace } from "../catalog/catalog";
import { outsideCalls } from "../runtime/callContext";
import type { Outcome } from "../runtime/outcome";
import { SYSTEM_CALL } from "../runtime/runner";
import { QueryStream } from "../transaction/queryStream";
import { Transaction } from "../transaction/transaction";
import { JOBS_TABLE, type JobRow, type JobState, jobAddress, jobOf, removeJob, setJobState } from "./jobs";

/** Jobs that one namespace runs at a time. */
const MAX_RUNNING = 64;
const STEP = 200;
/** Arguments may have 4 MiB: jobs are read in parts of about this size. */
const READ_BYTES = 8 << 20;
const KEEP_FINISHED_MS = 7 * 24 * 3600 * 1000;

/** A job with the address of its function. */
type AddressedJob = JobRow & { address: string };

/**
 * Runs the due jobs of one namespace. A mutation and the change of its job to `success` are one commit, so it takes effect exactly once. An action
 * is marked `inProgress` before it starts and is never started again, so it runs at most once; one that a crash interrupted
 * is marked failed at the next start.
 */
export class JobQueue {
  private readonly running = new Map<string, Promise<void>>();
  private cancelTimer: (() => void) | null = null;
  private polling: Promise<void> | null = null;
  private again = false;
  private stopped = false;

  constructor(
    private readonly backend: Backend,
    private readonly namespace: Namespace,
  ) {}

  /** Key prefix of the rows that a commit touches when it changes what is due. */
  get rowPrefix(): string {
    return this.namespace.systemTable(JOBS_TABLE).indexes.get("by_due")!.prefix;
  }

  /** Settles what a crash left and starts polling. */
  async start(): Promise<void> {
    const error = "Transient error while executing action: the backend stopped while it ran";
    for (;;) {
      const interrupted = await this.jobs("inProgress", Number.POSITIVE_INFINITY, STEP);
      if (interrupted.length === 0) break;
      for (const job of interrupted) await this.settle(job._id, "inProgress", { kind: "failed", error });
    }
    this.wake();
  }

  /** Starts no more jobs; resolves when nothing reads the store any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer?.();
    await this.polling;
  }

  /** Looks again for due jobs, soon. */
  wake(): void {
    if (this.stopped) return;
    this.again = true;
    if (this.polling) return;
    this.polling = outsideCalls(() => this.poll());
  }

  private async poll(): Promise<void> {
    try {
      while (this.again && !this.stopped) {
        this.again = false;
        await this.startDue();
      }
    } finally {
      this.polling = null;
    }
  }

  private async startDue(): Promise<void> {
    this.cancelTimer?.();
    const now = this.backend.ports.now();
    const pending = await this.jobs("pending", Number.POSITIVE_INFINITY, MAX_RUNNING * 2);
    if (this.stopped) return;
    for (const job of pending) {
      if (this.running.has(job._id)) continue;
      if (job.scheduledTime > now) {
        this.cancelTimer = this.backend.ports.setTimer(job.scheduledTime - now, () => this.wake());
        return;
      }
      if (this.running.size >= MAX_RUNNING) return;
      const run = this.runJob(job).finally(() => {
        this.running.delete(job._id);
        this.wake();
      });
      this.running.set(job._id, run);
    }
  }

  /** The first jobs of one state in order of their time: at most `limit`, fewer when they are large, none only when there is none. */
  private async jobs(kind: JobState["kind"], untilMs: number, limit: number): Promise<AddressedJob[]> {
    const { committer, catalog } = this.backend;
    const snapshot = committer.snapshot();
    try {
      const tx = new Transaction(snapshot, catalog, [], null, null, undefined, this.namespace);
      const until = Number.isFinite(untilMs)
        ? [{ type: "Lt" as const, fieldPath: "scheduledTime", value: untilMs }]
        : [];
      const stream = new QueryStream(tx, {
        source: {
          type: "IndexRange",
          indexName: `${JOBS_TABLE}.by_due`,
          range: [{ type: "Eq", fieldPath: "state.kind", value: kind }, ...until],
          order: "asc",
        },
        operators: [],
      });
      const rows: AddressedJob[] = [];
      while (rows.length < limit && tx.usage.bytesRead < READ_BYTES) {
        const text = await stream.next();
        if (text === null) break;
        const job = JSON.parse(text) as JobRow;
        rows.push({ ...job, address: jobAddress(tx, job) });
      }
      return rows;
    } finally {
      snapshot.release();
    }
  }

  private async runJob(job: AddressedJob): Promise<void> {
    try {
      const fn = this.backend.components.find(job.address);
      if (fn?.kind === "action") await this.runAction(job);
      else await this.runMutation(job);
    } catch (error) {
      this.backend.log("error", "scheduler.failed", {
        job: job._id,
        name: job.address,
        error: String(error),
      });
    }
  }

  private async runMutation(job: AddressedJob): Promise<void> {
    const options = { ...SYSTEM_CALL, scheduledFunctionId: job._id };
    await this.backend.committer.submit(async (tx) => {
      if (jobOf(tx, job._id)?.state.kind !== "pending") return { value: null, commit: false };
      const body = tx.nested(true);
      const outcome = await this.backend.runner.mutationIn(body, job.address, job.args[0] ?? {}, options);
      body.close();
      if (outcome.ok) tx.commitNested(body);
      setJobState(tx, job._id, stateOf(outcome), this.backend.ports.now());
      return { value: null, commit: true };
    }, this.namespace);
  }

  private async runAction(job: AddressedJob): Promise<void> {
    if (!(await this.settle(job._id, "pending", { kind: "inProgress" }))) return;
    const options = { ...SYSTEM_CALL, scheduledFunctionId: job._id };
    const outcome = await this.backend.runner.action(job.address, job.args[0] ?? {}, options);
    await this.settle(job._id, "inProgress", stateOf(outcome));
  }

  /** Moves a job from one state to another; false when it was not in the first. */
  private async settle(id: string, from: JobState["kind"], to: JobState): Promise<boolean> {
    const { value } = await this.backend.committer.submit(async (tx) => {
      const moved = jobOf(tx, id)?.state.kind === from;
      if (moved) setJobState(tx, id, to, this.backend.ports.now());
      return { value: moved, commit: moved };
    }, this.namespace);
    return value;
  }

  /** Deletes finished jobs a week after their time, in steps that hold up no mutation for more than some milliseconds. */
  async deleteOld(): Promise<void> {
    const before = this.backend.ports.now() - KEEP_FINISHED_MS;
    for (const kind of ["success", "failed", "canceled"] as const) {
      for (;;) {
        const old = this.stopped ? [] : await this.jobs(kind, before, STEP);
        if (old.length === 0) break;
        await this.backend.committer.submit(async (tx) => {
          for (const job of old) removeJob(tx, job._id);
          return { value: null, commit: true };
        }, this.namespace);
      }
    }
  }
}

function stateOf(outcome: Outcome): JobState {
  return outcome.ok ? { kind: "success" } : { kind: "failed", error: outcome.errorMessage };
}
