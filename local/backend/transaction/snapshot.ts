import type { KeyRange, ScanOptions, StoreSnapshot } from "../store/store";
import { decodeStoredDocument, type Layer, type StoredDocument } from "./layer";
import type { Soon } from "./soon";

/** Recently used entries, in two generations: cheap to fill, cheap to evict, bounded by the sum of their weights. */
class RecentlyUsed<V> {
  private young = new Map<string, V>();
  private old = new Map<string, V>();
  private youngWeight = 0;

  constructor(
    private readonly maxWeight: number,
    private readonly weigh: (value: V) => number,
  ) {}

  get(key: string): V | undefined {
    const hit = this.young.get(key);
    if (hit) return hit;
    const aged = this.old.get(key);
    if (aged) this.put(key, aged);
    return aged;
  }

  put(key: string, value: V): void {
    this.young.set(key, value);
    this.youngWeight += this.weigh(value);
    if (this.youngWeight > this.maxWeight / 2) {
      this.old = this.young;
      this.young = new Map();
      this.youngWeight = 0;
    }
  }
}

interface CachedDocument {
  document: StoredDocument | null;
  /** The content holds from this timestamp until it is replaced. */
  validFrom: bigint;
}

interface CachedScan {
  keys: string[];
  limit: number;
  validFrom: bigint;
}

const PREFIX_LENGTH = 5;

/**
 * What recent reads of the newest state found, kept across commits: documents until they are rewritten, scans until a row of
 * their index appears or disappears. A scan of the store is a trip through its thread pool, which a mutation would wait for.
 */
export class ReadCache {
  private readonly documents: RecentlyUsed<CachedDocument>;
  private readonly scans: RecentlyUsed<CachedScan>;
  /** Timestamp of the last commit that added or removed rows under a key prefix. */
  private readonly changedAt = new Map<string, bigint>();

  constructor(maxBytes: number) {
    this.documents = new RecentlyUsed(maxBytes * 0.75, ({ document }) => 100 + (document?.text.length ?? 0));
    this.scans = new RecentlyUsed(maxBytes * 0.25, ({ keys }) => 200 + keys.length * 160);
  }

  /** The document under a key as it was at `ts`; undefined when that is not known. */
  document(key: string, ts: bigint): StoredDocument | null | undefined {
    const found = this.documents.get(key);
    return found && found.validFrom <= ts ? found.document : undefined;
  }

  /** Takes a document that is current at `ts`. */
  rememberDocument(key: string, document: StoredDocument | null, ts: bigint): void {
    this.documents.put(key, { document, validFrom: ts });
  }

  scan(range: KeyRange, { reverse, limit }: ScanOptions, ts: bigint): string[] | undefined {
    const found = this.scans.get(scanKey(range, reverse));
    if (!found || found.validFrom > ts || found.validFrom < this.lastChange(range)) return undefined;
    if (limit === found.keys.length) return found.keys;
    if (limit < found.keys.length) return found.keys.slice(0, limit);
    return found.keys.length < found.limit ? found.keys : undefined;
  }

  rememberScan(range: KeyRange, { reverse, limit }: ScanOptions, keys: string[], ts: bigint): void {
    this.scans.put(scanKey(range, reverse), { keys, limit, validFrom: ts });
  }

  /** Takes over the writes of a commit. */
  commit(batch: Layer, ts: bigint): void {
    for (const [key, document] of batch.docs) this.rememberDocument(key, document, ts);
    for (const prefix of batch.rows.keys()) this.changedAt.set(prefix, ts);
  }

  private lastChange(range: KeyRange): bigint {
    return this.changedAt.get(range.from.slice(0, PREFIX_LENGTH)) ?? 0n;
  }
}

function scanKey({ from, to }: KeyRange, reverse: boolean): string {
  return `${reverse ? "-" : "+"}${from.length} ${from}${to}`;
}

/** A published state of the database: what every query that starts between two commits reads. */
export class DatabaseSnapshot {
  private holders = 1;

  constructor(
    readonly ts: bigint,
    private readonly store: StoreSnapshot,
    private readonly cache: ReadCache,
    private readonly isCurrent: (snapshot: DatabaseSnapshot) => boolean,
  ) {}

  /** Up to `limit` row keys of a range; at once when they are known. */
  keys(range: KeyRange, options: ScanOptions): Soon<string[]> {
    return this.cache.scan(range, options, this.ts) ?? this.storedKeys(range, options);
  }

  private async storedKeys(range: KeyRange, options: ScanOptions): Promise<string[]> {
    const keys = await this.store.keys(range, options);
    if (this.isCurrent(this)) this.cache.rememberScan(range, options, keys, this.ts);
    return keys;
  }

  /** Rows as they are stored; past the cache, for copies of everything. */
  get entries(): StoreSnapshot["entries"] {
    return this.store.entries;
  }

  /** A row outside the documents (request record, deployment variable). */
  raw(key: string): string | undefined {
    return this.store.get(key);
  }

  document(key: string): StoredDocument | null {
    const known = this.cache.document(key, this.ts);
    return known !== undefined ? known : this.remember(key, this.store.get(key));
  }

  /** Documents in the order of the keys; at once when all of them are known. */
  documents(keys: string[]): Soon<Array<StoredDocument | null>> {
    const missing: string[] = [];
    const known = keys.map((key) => {
      const document = this.cache.document(key, this.ts);
      if (document === undefined) missing.push(key);
      return document;
    });
    if (missing.length === 0) return known as Array<StoredDocument | null>;
    return this.store.getMany(missing).then((values) => {
      let next = 0;
      return known.map((document, i) =>
        document !== undefined ? document : this.remember(keys[i]!, values[next++]),
      );
    });
  }

  private remember(key: string, value: string | undefined): StoredDocument | null {
    const document = value === undefined ? null : decodeStoredDocument(value);
    if (this.isCurrent(this)) this.cache.rememberDocument(key, document, this.ts);
    return document;
  }

  hold(): this {
    this.holders++;
    return this;
  }

  release(): void {
    if (--this.holders === 0) this.store.release();
  }
}
