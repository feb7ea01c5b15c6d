import type { StoreSnapshot } from "../store/store";
import { decodeStoredDocument, type StoredDocument } from "./layer";

/** Recently read documents, in two generations: cheap to fill, cheap to evict, bounded in bytes. */
export class DocumentCache {
  private young = new Map<string, CachedDocument>();
  private old = new Map<string, CachedDocument>();
  private youngBytes = 0;

  constructor(private readonly maxBytes: number) {}

  get(key: string): CachedDocument | undefined {
    const hit = this.young.get(key);
    if (hit) return hit;
    const aged = this.old.get(key);
    if (aged) this.put(key, aged);
    return aged;
  }

  put(key: string, entry: CachedDocument): void {
    this.young.set(key, entry);
    this.youngBytes += entry.document ? entry.document.text.length + 100 : 100;
    if (this.youngBytes > this.maxBytes / 2) {
      this.old = this.young;
      this.young = new Map();
      this.youngBytes = 0;
    }
  }

  delete(key: string): void {
    this.young.delete(key);
    this.old.delete(key);
  }
}

interface CachedDocument {
  document: StoredDocument | null;
  /** The content holds from this timestamp until it is replaced. */
  validFrom: bigint;
}

/** A published state of the database: what every query that starts between two commits reads. */
export class DatabaseSnapshot {
  private holders = 1;

  constructor(
    readonly ts: bigint,
    private readonly store: StoreSnapshot,
    private readonly cache: DocumentCache,
    private readonly isCurrent: (snapshot: DatabaseSnapshot) => boolean,
  ) {}

  get keys(): StoreSnapshot["keys"] {
    return this.store.keys;
  }

  /** A row outside the documents (request record, deployment variable). */
  raw(key: string): string | undefined {
    return this.store.get(key);
  }

  document(key: string): StoredDocument | null {
    const cached = this.cache.get(key);
    if (cached && cached.validFrom <= this.ts) return cached.document;
    return this.remember(key, this.store.get(key), cached !== undefined);
  }

  async documents(keys: string[]): Promise<Array<StoredDocument | null>> {
    const found = keys.map((key) => {
      const cached = this.cache.get(key);
      return cached && cached.validFrom <= this.ts ? cached.document : undefined;
    });
    const missing = keys.filter((_, i) => found[i] === undefined);
    if (missing.length > 0) {
      const values = await this.store.getMany(missing);
      let next = 0;
      for (let i = 0; i < found.length; i++) {
        if (found[i] !== undefined) continue;
        found[i] = this.remember(keys[i]!, values[next++], this.cache.get(keys[i]!) !== undefined);
      }
    }
    return found as Array<StoredDocument | null>;
  }

  private remember(key: string, value: string | undefined, newerKnown: boolean): StoredDocument | null {
    const document = value === undefined ? null : decodeStoredDocument(value);
    if (!newerKnown && this.isCurrent(this)) this.cache.put(key, { document, validFrom: this.ts });
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
