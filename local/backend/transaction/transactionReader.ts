import {
  type Catalog,
  definitionAt,
  type Namespace,
  PUBLIC_SYSTEM_TABLES,
  type TableDefinition,
} from "../catalog/catalog";
import type { KeyRange } from "../store/store";
import type { JsonValue } from "../values/encoded";
import { decodeId } from "../values/ids";
import { compareKeys, Layer, type StoredDocument } from "./layer";
import { Usage } from "./limits";
import type { ReadSet } from "./readSet";
import type { DatabaseSnapshot } from "./snapshot";
import { type Soon, whenReady } from "./soon";

/** What the committer hands to a transaction that may write. */
export interface WriteContext {
  newInternalId(): string;
  nextCreationTime(): number;
}

/** A row of an index with the document it points at. */
export interface Row {
  key: string;
  document: StoredDocument;
}

interface KeyScan {
  keys: string[];
  exhausted: boolean;
  covered: KeyRange;
}

interface Scan {
  rows: Row[];
  exhausted: boolean;
  covered: KeyRange;
}

/**
 * One view of the database: a snapshot, the layers of writes above it, and what was read. Single-document operations are
 * synchronous, so parallel awaits inside one function cannot interleave within them.
 */
export class TransactionReader {
  readonly layer = new Layer();
  /** Timestamp of the newest commit that this view includes. */
  visibleTs: bigint;
  private closed = false;
  paginated = false;
  /** True for the transaction of a call nested in another. */
  isNested = false;

  constructor(
    readonly snapshot: DatabaseSnapshot,
    readonly catalog: Catalog,
    /** Layers under this transaction's own, newest first. */
    protected readonly below: Layer[],
    readonly writes: WriteContext | null,
    readonly reads: ReadSet | null,
    readonly usage = new Usage(),
    /** Where table names are looked up and ids must belong. */
    readonly namespace: Namespace = catalog.root,
  ) {
    this.visibleTs = snapshot.ts;
  }

  close(): void {
    this.closed = true;
  }

  protected assertOpen(): void {
    if (this.closed) {
      throw new Error("This function has already returned; await every database call before returning.");
    }
  }

  /** The table of that name, as this transaction's snapshot sees it. */
  tableNamed(name: string): TableDefinition | undefined {
    return definitionAt(this.namespace.byName.get(name), this.snapshot.ts);
  }

  /** The table an id belongs to; throws Convex's sentence when the text is no id of the expected table. */
  tableOfId(
    id: string,
    expected: string | undefined,
    isSystem: boolean,
    method: string,
  ): [TableDefinition, string] {
    const decoded = decodeId(id);
    const table = decoded && definitionAt(this.namespace.byNumber.get(decoded.tableNumber), this.snapshot.ts);
    if (!decoded || !table) {
      throw new Error(
        `Invalid argument \`id\` for \`${method}\`: Unable to decode ID: ${JSON.stringify(id)} is not a document ID of this deployment`,
      );
    }
    if (expected !== undefined && table.name !== expected) {
      throw new Error(
        `Invalid argument \`id\` for \`${method}\`: expected to be an Id<"${expected}">, got Id<"${table.name}"> instead.`,
      );
    }
    if (table.name.startsWith("_") !== isSystem || (isSystem && !PUBLIC_SYSTEM_TABLES.has(table.name))) {
      throw new Error(
        isSystem
          ? "User tables cannot be accessed with db.system."
          : "System tables can only be accessed with db.system.",
      );
    }
    return [table, decoded.internalId];
  }

  /** Stored form of a document, or null. Records the read. */
  read(table: TableDefinition, internalId: string): StoredDocument | null {
    this.assertOpen();
    const key = table.docPrefix + internalId;
    this.usage.readRange();
    this.reads?.point(key);
    const found = this.documentAt(key);
    if (found) this.usage.readDocument(found.size);
    return found;
  }

  /** Document under the pending writes, without recording or counting a read. */
  documentAt(key: string): StoredDocument | null {
    const pending = this.pendingDocument(key);
    return pending !== undefined ? pending : this.snapshot.document(key);
  }

  private get hasPendingDocuments(): boolean {
    return this.layer.docs.size > 0 || this.below.some(({ docs }) => docs.size > 0);
  }

  private pendingDocument(key: string): StoredDocument | null | undefined {
    let found = this.layer.docs.get(key);
    for (let i = 0; found === undefined && i < this.below.length; i++) found = this.below[i]!.docs.get(key);
    return found;
  }

  raw(key: string): string | null | undefined {
    let found = this.layer.raw.get(key);
    for (let i = 0; found === undefined && i < this.below.length; i++) found = this.below[i]!.raw.get(key);
    return found !== undefined ? found : this.snapshot.raw(key);
  }

  /**
   * Up to `limit` stored rows of a key range with pending writes laid over them. `covered` is the part of the range the
   * answer speaks for; `exhausted` says that it is all of it. Answers at once when everything is in memory.
   */
  scan(table: TableDefinition, range: KeyRange, reverse: boolean, limit: number): Soon<Scan> {
    return whenReady(this.scanKeys(range, reverse, limit), ({ keys, exhausted, covered }) =>
      whenReady(this.documentsOf(documentKeysOf(table, keys)), (documents) => {
        const rows: Row[] = [];
        for (let i = 0; i < keys.length; i++) {
          const document = documents[i];
          // A missing document means that this same mutation deleted it while the scan waited.
          if (document) rows.push({ key: keys[i]!, document });
        }
        return { rows, exhausted, covered };
      }),
    );
  }

  /** As {@link scan}, without the documents. The range lies within one index. */
  scanKeys(range: KeyRange, reverse: boolean, limit: number): Soon<KeyScan> {
    this.assertOpen();
    return whenReady(this.snapshot.keys(range, { reverse, limit }), (stored) => {
      const last = stored.length === limit ? stored[limit - 1] : undefined;
      const covered =
        last === undefined
          ? range
          : reverse
            ? { from: last, to: range.to }
            : { from: range.from, to: `${last}\x00` };
      return { keys: this.overlay(stored, covered, reverse), exhausted: last === undefined, covered };
    });
  }

  private overlay(stored: string[], covered: KeyRange, reverse: boolean): string[] {
    const prefix = covered.from.slice(0, 5);
    const pending = new Map<string, boolean>();
    for (let i = this.below.length - 1; i >= 0; i--) {
      this.below[i]!.rows.get(prefix)?.collect(covered.from, covered.to, pending);
    }
    this.layer.rows.get(prefix)?.collect(covered.from, covered.to, pending);
    if (pending.size === 0) return stored;
    const keys = stored.filter((key) => !pending.has(key));
    for (const [key, present] of pending) if (present) keys.push(key);
    keys.sort(compareKeys);
    return reverse ? keys.reverse() : keys;
  }

  /** Documents by their keys, null where there is none; not recorded as reads. */
  documentsOf(keys: string[]): Soon<Array<StoredDocument | null>> {
    if (!this.hasPendingDocuments) return this.snapshot.documents(keys);
    const pending = keys.map((key) => this.pendingDocument(key));
    const missing = keys.filter((_, i) => pending[i] === undefined);
    if (missing.length === 0) return pending as Array<StoredDocument | null>;
    return whenReady(this.snapshot.documents(missing), (loaded) => {
      let next = 0;
      return pending.map((document) => (document === undefined ? loaded[next++]! : document));
    });
  }
}

/** Document keys of lists of row keys that the read cache keeps, so that they are made and hashed once. */
const documentKeys = new WeakMap<string[], string[]>();

function documentKeysOf({ docPrefix }: TableDefinition, rowKeys: string[]): string[] {
  let keys = documentKeys.get(rowKeys);
  if (!keys) {
    keys = rowKeys.map((key) => docPrefix + key.slice(-16));
    documentKeys.set(rowKeys, keys);
  }
  return keys;
}

/** Parses a value that a syscall carries as a document id. */
export function idArgument(value: JsonValue | undefined, method: string): string {
  if (typeof value === "string") return value;
  throw new Error(`Invalid argument \`id\` for \`${method}\`: expected a string.`);
}
