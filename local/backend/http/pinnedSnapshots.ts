import type { Committer } from "../committer/committer";
import type { Ports } from "../ports";
import type { DatabaseSnapshot } from "../transaction/snapshot";

/** How long the state behind a given-out timestamp stays readable, ms. */
const KEPT_MS = 30_000;
const MAX_PINNED = 256;

/** States whose timestamps were given out by `/api/query_ts`, so that `/api/query_at_ts` reads exactly them. */
export class PinnedSnapshots {
  private readonly pinned = new Map<bigint, { snapshot: DatabaseSnapshot; cancel: () => void }>();

  constructor(
    private readonly committer: Committer,
    private readonly ports: Ports,
  ) {}

  /** Timestamp of the newest published state, which stays readable for 30 s after it was last asked for. */
  pin(): bigint {
    const ts = this.committer.publishedTs;
    const known = this.pinned.get(ts);
    const snapshot = known ? known.snapshot : this.committer.snapshot();
    known?.cancel();
    this.pinned.set(ts, { snapshot, cancel: this.ports.setTimer(KEPT_MS, () => this.unpin(ts)) });
    if (this.pinned.size > MAX_PINNED) this.unpin(this.pinned.keys().next().value!);
    return ts;
  }

  /** The state at a timestamp, held for the caller; null when it is no longer, or never was, readable. */
  at(ts: bigint): DatabaseSnapshot | null {
    if (ts === this.committer.publishedTs) return this.committer.snapshot();
    return this.pinned.get(ts)?.snapshot.hold() ?? null;
  }

  private unpin(ts: bigint): void {
    const entry = this.pinned.get(ts);
    if (!entry) return;
    this.pinned.delete(ts);
    entry.cancel();
    entry.snapshot.release();
  }

  close(): void {
    for (const ts of [...this.pinned.keys()]) this.unpin(ts);
  }
}
