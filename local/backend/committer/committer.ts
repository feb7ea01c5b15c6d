import { CATALOG_KEY, type Catalog, type Namespace } from "../catalog/catalog";
import { BATCH_SIZES, Histogram, SECONDS } from "../operation/histogram";
import type { Ports } from "../ports";
import { outsideCalls } from "../runtime/callContext";
import type { Store, StoreWrite } from "../store/store";
import { Layer } from "../transaction/layer";
import { DatabaseSnapshot, ReadCache } from "../transaction/snapshot";
import { Transaction } from "../transaction/transaction";
import type { WriteContext } from "../transaction/transactionReader";
import { newInternalId } from "../values/ids";

const MAX_BATCH = 64;
const MAX_BATCH_WRITES = 4_000;
const LAST_TS_KEY = "m/lastTs";
const READ_CACHE_BYTES = 80 << 20;
/** A float64 of milliseconds this century still resolves this step, so creation times stay strictly increasing. */
const CREATION_STEP_MS = 2 ** -12;

/** What a mutation body returns: its outcome is kept only when `commit` is true. */
export interface TaskOutcome<T> {
  value: T;
  commit: boolean;
}

export interface Committed<T> {
  value: T;
  /** Timestamp at or after which the writes are visible; already durable and published. */
  ts: bigint;
}

/** Called right after a batch is published, with every row key it touched. */
export type CommitListener = (ts: bigint, touched: ReadonlySet<string>) => void;

interface Queued {
  run: (tx: Transaction) => Promise<TaskOutcome<unknown>>;
  namespace: Namespace;
  resolve: (result: Committed<unknown>) => void;
  reject: (error: unknown) => void;
}

/**
 * The only writer. Mutations run one after another over a shared overlay, in batches of up to 64 that share one durable
 * write; then the batch is published to readers, then every mutation in it is answered. A failed durable write ends the
 * process: what the disk holds is then unknown, and only recovery at the next start can tell.
 */
export class Committer {
  private readonly queue: Queued[] = [];
  private running = false;
  private closing = false;
  private idleWaiters: Array<() => void> = [];
  private current: DatabaseSnapshot;
  private cache = new ReadCache(READ_CACHE_BYTES);
  private lastTs: bigint;
  private lastCreationTime: number;
  private readonly listeners: CommitListener[] = [];
  readonly stats = {
    batchSizes: new Histogram(BATCH_SIZES),
    writeSeconds: new Histogram(SECONDS),
    /** On the clock of durations; null before the first commit. */
    lastCommitAtMs: null as number | null,
  };
  /** When the batch in work began, on the clock of durations; null when there is none. */
  private busySinceMs: number | null = null;

  constructor(
    private readonly store: Store,
    readonly catalog: Catalog,
    private readonly ports: Ports,
    private readonly onFatal: (error: unknown) => void,
  ) {
    const now = BigInt(Math.floor(ports.now())) * 1_000_000n;
    const stored = BigInt(store.get(LAST_TS_KEY) ?? "0");
    this.lastTs = stored > now ? stored : now;
    this.lastCreationTime = Number(this.lastTs / 1_000_000n);
    this.current = this.openSnapshot();
  }

  private openSnapshot(): DatabaseSnapshot {
    return new DatabaseSnapshot(
      this.lastTs,
      this.store.snapshot(),
      this.cache,
      (snapshot) => snapshot === this.current,
    );
  }

  get queueLength(): number {
    return this.queue.length;
  }

  /** How long the batch in work has taken, ms; 0 when there is none. */
  get waitMs(): number {
    return this.busySinceMs === null ? 0 : this.ports.elapsedMs() - this.busySinceMs;
  }

  onCommit(listener: CommitListener): void {
    this.listeners.push(listener);
  }

  /** Timestamp of the newest state that readers may see. */
  get publishedTs(): bigint {
    return this.current.ts;
  }

  /** The newest published state, held for the caller; release it when done. */
  snapshot(): DatabaseSnapshot {
    return this.current.hold();
  }

  /** Looks at the store again after writes that did not go through here; only before anything is served. */
  reopen(): void {
    this.current.release();
    this.cache = new ReadCache(READ_CACHE_BYTES);
    this.current = this.openSnapshot();
  }

  /**
   * Queues a transaction in a namespace, the app's own by default. Resolves after its batch is durable and published; a task that throws or answers
   * `commit: false` leaves nothing behind.
   */
  submit<T>(
    run: (tx: Transaction) => Promise<TaskOutcome<T>>,
    namespace: Namespace = this.catalog.root,
  ): Promise<Committed<T>> {
    if (this.closing) return Promise.reject(new Error("The backend is shutting down."));
    return new Promise<Committed<T>>((resolve, reject) => {
      this.queue.push({ run, namespace, resolve: resolve as Queued["resolve"], reject });
      if (this.running) return;
      this.running = true;
      // The loop outlives the call that woke it, so it must not inherit that call's context. It starts after what the network has
      // already delivered, so that the first of many mutations does not pay for a durable write of its own.
      outsideCalls(() => this.ports.defer(() => void this.loop()));
    });
  }

  private async loop(): Promise<void> {
    try {
      while (this.queue.length > 0) await this.runBatch();
    } catch (error) {
      this.onFatal(error);
      return;
    }
    this.running = false;
    for (const wake of this.idleWaiters.splice(0)) wake();
  }

  /** Refuses new work, finishes what is queued and lets go of the store. */
  async close(): Promise<void> {
    this.closing = true;
    if (this.running) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    this.current.release();
  }

  private async runBatch(): Promise<void> {
    const batch = new Layer();
    const answers: Array<() => void> = [];
    let writes = 0;
    this.busySinceMs = this.ports.elapsedMs();
    for (let i = 0; i < MAX_BATCH && writes < MAX_BATCH_WRITES && this.queue.length > 0; i++) {
      if (batch.closesBatch) break;
      const task = this.queue.shift()!;
      answers.push(await this.runTask(task, batch));
      writes = batch.docs.size;
    }
    if (!batch.isEmpty || this.catalog.dirty) await this.publish(batch, answers.length);
    this.busySinceMs = null;
    for (const answer of answers) answer();
    for (const effect of batch.afterCommit) effect();
  }

  private async runTask(task: Queued, batch: Layer): Promise<() => void> {
    const tx = new Transaction(
      this.current,
      this.catalog,
      [batch],
      this.writeContext(),
      null,
      undefined,
      task.namespace,
    );
    if (!batch.isEmpty) tx.visibleTs = this.lastTs;
    try {
      const { value, commit } = await task.run(tx);
      tx.close();
      if (!commit || tx.layer.isEmpty) return () => task.resolve({ value, ts: this.current.ts });
      const ts = this.nextTs();
      tx.resolveCommitTs(ts);
      batch.absorb(tx.layer);
      return () => task.resolve({ value, ts });
    } catch (error) {
      tx.close();
      return () => task.reject(error);
    }
  }

  private writeContext(): WriteContext {
    const now = this.ports.now();
    return {
      newInternalId: () => newInternalId(now, this.ports.randomBytes),
      nextCreationTime: () => {
        this.lastCreationTime = Math.max(now, this.lastCreationTime + CREATION_STEP_MS);
        return this.lastCreationTime;
      },
    };
  }

  private nextTs(): bigint {
    const now = BigInt(Math.ceil(Math.max(this.ports.now(), this.lastCreationTime))) * 1_000_000n;
    this.lastTs = now > this.lastTs ? now : this.lastTs + 1n;
    return this.lastTs;
  }

  private async publish(batch: Layer, mutations: number): Promise<void> {
    if (batch.isEmpty) this.nextTs();
    const writes: StoreWrite[] = batch.toWrites();
    writes.push([LAST_TS_KEY, this.lastTs.toString()]);
    if (this.catalog.dirty) {
      this.catalog.dirty = false;
      writes.push([CATALOG_KEY, this.catalog.serialise()]);
    }
    const startMs = this.ports.elapsedMs();
    await this.store.write(writes, { durable: true });
    const endMs = this.ports.elapsedMs();
    this.stats.writeSeconds.observe((endMs - startMs) / 1000);
    this.stats.batchSizes.observe(mutations);
    this.stats.lastCommitAtMs = endMs;
    this.cache.commit(batch, this.lastTs);
    const previous = this.current;
    this.current = this.openSnapshot();
    previous.release();
    for (const listener of this.listeners) listener(this.lastTs, batch.touched);
  }
}
