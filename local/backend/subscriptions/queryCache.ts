import type { Committer } from "../committer/committer";
import type { ReadSet } from "../transaction/readSet";
import type { DatabaseSnapshot } from "../transaction/snapshot";

/** What running a query gives, in wire form. */
export interface QueryResult {
  ok: boolean;
  /** Encoded JSON text of the value; of the error data when failed (undefined when there is none). */
  valueText: string | undefined;
  errorMessage: string | undefined;
  logLines: string[];
  journal: string | null;
  /** Digest of everything a client sees, to suppress unchanged results. */
  fingerprint: string;
}

export interface QueryExecution {
  result: QueryResult;
  reads: ReadSet;
  readIdentity: boolean;
}

export interface QueryRequest {
  path: string;
  argsText: string;
  journal: string | null;
  /** Callers with different rights never share: an administrator's result of an internal function stays there. */
  admin: boolean;
  /** Canonical text of the caller's identity; results are shared across callers only when it was not read. */
  identityKey: string;
  run(snapshot: DatabaseSnapshot): Promise<QueryExecution>;
}

/** One result that is valid from the snapshot it was computed at until something it read is written. */
export class CachedQuery {
  holders = 0;
  invalidatedAt: bigint | null = null;
  finished = false;
  reads: ReadSet | null = null;
  readonly onInvalid = new Set<() => void>();
  result!: Promise<QueryResult>;

  constructor(
    readonly snapshotTs: bigint,
    public keys: string[],
  ) {}
}

/**
 * Results that live clients watch. Invariant: an entry that is finished and not invalidated is the query's value at the
 * published timestamp.
 */
export class QueryCache {
  readonly stats = { runs: 0, hits: 0, invalidations: 0 };
  private readonly entries = new Map<string, CachedQuery>();
  /** Finished and watched: checked against each commit. */
  private readonly live = new Set<CachedQuery>();
  private readonly running = new Set<CachedQuery>();
  /** Commits that a running query's snapshot does not include. */
  private recent: Array<{ ts: bigint; touched: ReadonlySet<string> }> = [];

  constructor(private readonly committer: Committer) {
    committer.onCommit((ts, touched) => this.afterCommit(ts, touched));
  }

  /**
   * The query's value at the published timestamp: a shared entry when there is one, else a new run on that snapshot. The
   * caller holds it until {@link release}.
   */
  acquire(request: QueryRequest): CachedQuery {
    const shared = `${request.admin ? "admin" : "public"}\n${request.path}\n${request.argsText}\n${request.journal ?? ""}`;
    const own = `${shared}\n${request.identityKey}`;
    const now = this.committer.publishedTs;
    const known = this.entries.get(shared) ?? this.entries.get(own);
    if (known && known.invalidatedAt === null && (known.finished || known.snapshotTs === now)) {
      known.holders++;
      this.stats.hits++;
      return known;
    }
    const entry = new CachedQuery(now, [own]);
    entry.holders = 1;
    this.stats.runs++;
    this.entries.set(own, entry);
    this.running.add(entry);
    entry.result = this.execute(entry, shared, request);
    return entry;
  }

  private async execute(entry: CachedQuery, shared: string, request: QueryRequest): Promise<QueryResult> {
    const snapshot = this.committer.snapshot();
    try {
      const { result, reads, readIdentity } = await request.run(snapshot);
      entry.reads = reads;
      entry.finished = true;
      if (!readIdentity) {
        entry.keys.push(shared);
        const present = this.entries.get(shared);
        if (!present || present.snapshotTs <= entry.snapshotTs) this.entries.set(shared, entry);
      }
      const missed = this.recent.find(({ ts, touched }) => ts > entry.snapshotTs && reads.overlaps(touched));
      if (missed) this.invalidate(entry, missed.ts);
      else if (entry.holders > 0) this.live.add(entry);
      return result;
    } finally {
      snapshot.release();
      this.running.delete(entry);
      this.trimRecent();
      if (entry.holders === 0) this.forget(entry);
    }
  }

  release(entry: CachedQuery): void {
    if (--entry.holders === 0 && !this.running.has(entry)) this.forget(entry);
  }

  private forget(entry: CachedQuery): void {
    this.live.delete(entry);
    for (const key of entry.keys) if (this.entries.get(key) === entry) this.entries.delete(key);
  }

  private invalidate(entry: CachedQuery, ts: bigint): void {
    entry.invalidatedAt = ts;
    this.stats.invalidations++;
    this.forget(entry);
    for (const listener of entry.onInvalid) listener();
  }

  private afterCommit(ts: bigint, touched: ReadonlySet<string>): void {
    if (this.running.size > 0) this.recent.push({ ts, touched });
    for (const entry of this.live) if (entry.reads!.overlaps(touched)) this.invalidate(entry, ts);
  }

  private trimRecent(): void {
    if (this.running.size === 0) this.recent = [];
    else if (this.recent.length > 0) {
      let oldest = this.recent.at(-1)!.ts;
      for (const entry of this.running) if (entry.snapshotTs < oldest) oldest = entry.snapshotTs;
      if (this.recent[0]!.ts <= oldest) this.recent = this.recent.filter(({ ts }) => ts > oldest);
    }
  }
}
