import type { StoreWrite } from "../store/store";

export interface StoredDocument {
  /** Convex size in bytes, for the read limits. */
  size: number;
  /** Encoded JSON text, fields sorted. */
  text: string;
}

/** Rows are kept as `<size>:<json>` so that a read knows its size without parsing. */
export function encodeStoredDocument(document: StoredDocument): string {
  return `${document.size}:${document.text}`;
}

export function decodeStoredDocument(value: string): StoredDocument {
  const colon = value.indexOf(":");
  return { size: Number(value.slice(0, colon)), text: value.slice(colon + 1) };
}

/** Pending rows of one key prefix: present (true) or deleted (false). Sorted only when somebody scans. */
export class PendingRows {
  private readonly rows = new Map<string, boolean>();
  private sorted: string[] = [];
  private unsorted: string[] = [];

  set(key: string, present: boolean): void {
    if (!this.rows.has(key)) this.unsorted.push(key);
    this.rows.set(key, present);
  }

  entries(): IterableIterator<[string, boolean]> {
    return this.rows.entries();
  }

  /** Copies the rows of [from, to) into `into`, overriding what lower layers put there. */
  collect(from: string, to: string, into: Map<string, boolean>): void {
    if (this.unsorted.length > 0) {
      this.sorted = this.sorted.concat(this.unsorted).sort(compareKeys);
      this.unsorted = [];
    }
    for (let i = lowerBound(this.sorted, from); i < this.sorted.length && this.sorted[i]! < to; i++) {
      into.set(this.sorted[i]!, this.rows.get(this.sorted[i]!)!);
    }
  }
}

/** Byte order of two binary-string keys. */
export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function lowerBound(sorted: string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

const PREFIX_LENGTH = 5;

/** The writes of one transaction (or of a batch of them) that are not in the store yet. */
export class Layer {
  /** Document key to new content, null when deleted. */
  readonly docs = new Map<string, StoredDocument | null>();
  /** Rows by their five-byte prefix; document keys are rows of `by_id`. */
  readonly rows = new Map<string, PendingRows>();
  /** Rows outside documents: request records, deployment variables. */
  readonly raw = new Map<string, string | null>();
  /** Every row key a reader may have depended on: old and new rows of each written document. */
  readonly touched = new Set<string>();
  /** Run after the durable commit, for effects outside the store (deleting a file). */
  readonly afterCommit: Array<() => void> = [];
  /** Documents whose text still holds a commit timestamp placeholder. */
  readonly needsCommitTs = new Set<string>();
  /** True when nothing may follow in the same batch: the catalog changed under the snapshot that it reads. */
  closesBatch = false;

  setRow(key: string, present: boolean): void {
    const prefix = key.slice(0, PREFIX_LENGTH);
    let rows = this.rows.get(prefix);
    if (!rows) this.rows.set(prefix, (rows = new PendingRows()));
    rows.set(key, present);
  }

  get isEmpty(): boolean {
    return this.docs.size === 0 && this.raw.size === 0;
  }

  /** Takes over a finished child's writes. */
  absorb(child: Layer): void {
    for (const [key, document] of child.docs) this.docs.set(key, document);
    for (const [key, value] of child.raw) this.raw.set(key, value);
    for (const key of child.touched) this.touched.add(key);
    for (const key of child.needsCommitTs) this.needsCommitTs.add(key);
    this.afterCommit.push(...child.afterCommit);
    this.closesBatch ||= child.closesBatch;
    for (const rows of child.rows.values()) {
      for (const [key, present] of rows.entries()) this.setRow(key, present);
    }
  }

  toWrites(): StoreWrite[] {
    const writes: StoreWrite[] = [];
    for (const [key, document] of this.docs)
      writes.push([key, document ? encodeStoredDocument(document) : null]);
    for (const [prefix, rows] of this.rows) {
      if (prefix.charCodeAt(0) !== 105) continue; // Only "i" rows are stored on their own; "d" rows are the documents.
      for (const [key, present] of rows.entries()) writes.push([key, present ? "" : null]);
    }
    for (const entry of this.raw) writes.push(entry);
    return writes;
  }
}
