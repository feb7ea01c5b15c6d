import { type Catalog, indexRowKey, PUBLIC_SYSTEM_TABLES, type TableDefinition } from "../catalog/catalog";
import { checkDocument } from "../catalog/validators";
import type { KeyRange } from "../store/store";
import { encodeInt64, isPlainObject, type JsonObject, type JsonValue, sortedObject } from "../values/encoded";
import { decodeId, encodeId } from "../values/ids";
import { measureDocument } from "../values/measure";
import { compareKeys, Layer, type StoredDocument } from "./layer";
import { Usage } from "./limits";
import type { ReadSet } from "./readSet";
import type { DatabaseSnapshot } from "./snapshot";

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

/** What a query of a table that does not exist yet depends on; every insert touches it. */
export function tableExistenceKey(tableName: string): string {
  return `t${tableName}`;
}

const COMMIT_TS = '{"$commitTs":null}';

/**
 * One view of the database: a snapshot, the layers of writes above it, and what was read. Single-document operations are
 * synchronous, so parallel awaits inside one function cannot interleave within them.
 */
export class Transaction {
  readonly layer = new Layer();
  private closed = false;
  /** Tail of the queue of nested mutations: they run one at a time. */
  nestedQueue: Promise<unknown> = Promise.resolve();
  paginated = false;

  constructor(
    readonly snapshot: DatabaseSnapshot,
    readonly catalog: Catalog,
    /** Layers under this transaction's own, newest first. */
    private readonly below: Layer[],
    readonly writes: WriteContext | null,
    readonly reads: ReadSet | null,
    readonly usage = new Usage(),
  ) {}

  /** A sub-transaction whose writes reach this one only through {@link commitNested}. */
  nested(writable: boolean): Transaction {
    const writes = writable ? this.writes : null;
    return new Transaction(
      this.snapshot,
      this.catalog,
      [this.layer, ...this.below],
      writes,
      this.reads,
      this.usage,
    );
  }

  commitNested(child: Transaction): void {
    this.layer.absorb(child.layer);
  }

  close(): void {
    this.closed = true;
  }

  private assertOpen(): void {
    if (this.closed) {
      throw new Error("This function has already returned; await every database call before returning.");
    }
  }

  private assertWritable(): WriteContext {
    this.assertOpen();
    if (!this.writes) throw new Error("Queries cannot write to the database.");
    return this.writes;
  }

  // ---- reading ------------------------------------------------------------------------------------------------

  /** The table an id belongs to; throws Convex's sentence when the text is no id of the expected table. */
  tableOfId(
    id: string,
    expected: string | undefined,
    isSystem: boolean,
    method: string,
  ): [TableDefinition, string] {
    const decoded = decodeId(id);
    const table = decoded && this.catalog.byNumber.get(decoded.tableNumber);
    if (!decoded || !table) {
      throw new Error(
        `Invalid argument \`id\` for \`${method}\`: Unable to decode ID: ${JSON.stringify(id)} is not a document ID of this deployment`,
      );
    }
    if (expected !== undefined && table.name !== expected) {
      throw new Error(
        `Invalid argument \`id\` for \`${method}\`: expected an ID of table '${expected}' but got an ID of table '${table.name}'`,
      );
    }
    if (table.name.startsWith("_") !== isSystem || (isSystem && !PUBLIC_SYSTEM_TABLES.has(table.name))) {
      throw new Error(
        `${isSystem ? "User" : "System"} tables can only be accessed from db.${isSystem ? "" : "system."}${method.replace("db.", "")}().`,
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
    for (const layer of [this.layer, ...this.below]) {
      const pending = layer.docs.get(key);
      if (pending !== undefined) return pending;
    }
    return this.snapshot.document(key);
  }

  raw(key: string): string | null | undefined {
    for (const layer of [this.layer, ...this.below]) {
      const pending = layer.raw.get(key);
      if (pending !== undefined) return pending;
    }
    return this.snapshot.raw(key);
  }

  /**
   * Up to `limit` stored rows of a key range with pending writes laid over them. `covered` is the part of the range the
   * answer speaks for; `exhausted` says that it is all of it.
   */
  async scan(
    table: TableDefinition,
    range: KeyRange,
    reverse: boolean,
    limit: number,
  ): Promise<{ rows: Row[]; exhausted: boolean; covered: KeyRange }> {
    this.assertOpen();
    const stored = await this.snapshot.keys(range, { reverse, limit });
    const last = stored.length === limit ? stored[limit - 1] : undefined;
    const covered =
      last === undefined
        ? range
        : reverse
          ? { from: last, to: range.to }
          : { from: range.from, to: `${last}\x00` };
    const keys = this.overlay(stored, covered, reverse);
    const documents = await this.documentsOf(keys.map((key) => table.docPrefix + key.slice(-16)));
    const rows: Row[] = [];
    for (let i = 0; i < keys.length; i++) {
      const document = documents[i];
      // A missing document means that this same mutation deleted it while the scan waited.
      if (document) rows.push({ key: keys[i]!, document });
    }
    return { rows, exhausted: last === undefined, covered };
  }

  private overlay(stored: string[], covered: KeyRange, reverse: boolean): string[] {
    const prefix = covered.from.slice(0, 5);
    const pending = new Map<string, boolean>();
    for (const layer of [...this.below].reverse().concat(this.layer)) {
      layer.rows.get(prefix)?.collect(covered.from, covered.to, pending);
    }
    if (pending.size === 0) return stored;
    const keys = stored.filter((key) => !pending.has(key));
    for (const [key, present] of pending) if (present) keys.push(key);
    keys.sort(compareKeys);
    return reverse ? keys.reverse() : keys;
  }

  private async documentsOf(keys: string[]): Promise<Array<StoredDocument | null>> {
    const found: Array<StoredDocument | null | undefined> = keys.map((key) => {
      for (const layer of [this.layer, ...this.below]) {
        const pending = layer.docs.get(key);
        if (pending !== undefined) return pending;
      }
      return undefined;
    });
    const missing = keys.filter((_, i) => found[i] === undefined);
    if (missing.length === 0) return found as Array<StoredDocument | null>;
    const loaded = await this.snapshot.documents(missing);
    let next = 0;
    return found.map((document) => (document === undefined ? loaded[next++]! : document));
  }

  // ---- writing ------------------------------------------------------------------------------------------------

  insert(tableName: string, value: JsonObject): string {
    const writes = this.assertWritable();
    if (!isPlainObject(value))
      throw new Error(`Invalid argument \`value\` for \`db.insert\`: a document is an object.`);
    if ("_id" in value || "_creationTime" in value) {
      throw new Error("Cannot insert a document with a system field (`_id` or `_creationTime`).");
    }
    const table = this.catalog.ensureTable(tableName);
    this.layer.touched.add(tableExistenceKey(tableName));
    const internalId = writes.newInternalId();
    const id = encodeId(table.number, internalId);
    this.put(table, internalId, null, { ...value, _id: id, _creationTime: writes.nextCreationTime() });
    return id;
  }

  /** Merges `fields` into the document; `{"$undefined": null}` removes a field. */
  patch(table: TableDefinition, internalId: string, fields: JsonObject): void {
    const before = this.existing(table, internalId, "patch");
    const after = { ...before };
    for (const [field, value] of Object.entries(fields)) {
      if ((field === "_id" || field === "_creationTime") && value !== before[field]) {
        throw new Error(`Cannot change the system field '${field}' of a document.`);
      }
      if (value !== null && typeof value === "object" && "$undefined" in value) delete after[field];
      else after[field] = value;
    }
    this.put(table, internalId, before, after);
  }

  replace(table: TableDefinition, internalId: string, value: JsonObject): void {
    const before = this.existing(table, internalId, "replace");
    for (const field of ["_id", "_creationTime"]) {
      if (field in value && value[field] !== before[field]) {
        throw new Error(`Cannot change the system field '${field}' of a document.`);
      }
    }
    this.put(table, internalId, before, {
      ...value,
      _id: before._id as string,
      _creationTime: before._creationTime as number,
    });
  }

  remove(table: TableDefinition, internalId: string): void {
    const before = this.existing(table, internalId, "delete");
    this.usage.wroteDocument(0);
    for (const index of table.indexes.values()) this.dropRow(indexRowKey(index, before, internalId));
    this.layer.setDocument(table.docPrefix + internalId, null);
  }

  private existing(table: TableDefinition, internalId: string, verb: string): JsonObject {
    this.assertWritable();
    const stored = this.documentAt(table.docPrefix + internalId);
    if (stored) return JSON.parse(stored.text) as JsonObject;
    const id = encodeId(table.number, internalId);
    throw new Error(
      `${verb === "patch" ? "Update" : verb === "replace" ? "Replace" : "Delete"} on nonexistent document ID ${id}`,
    );
  }

  private dropRow(key: string): void {
    this.layer.setRow(key, false);
    this.layer.touched.add(key);
  }

  private put(
    table: TableDefinition,
    internalId: string,
    before: JsonObject | null,
    after: JsonObject,
  ): void {
    const size = measureDocument(after);
    if (table.validator) {
      const found = checkDocument(table.validator, after, this.catalog.tableNumberOf);
      if (found) {
        const what = before ? `Document with ID "${after._id}"` : "Document";
        throw new Error(
          `Failed to insert or update a document in table "${table.name}" because it does not match the schema: ${what}: ${found.message}`,
        );
      }
    }
    this.usage.wroteDocument(size);
    this.store(table, internalId, before, after, size);
  }

  private store(
    table: TableDefinition,
    internalId: string,
    before: JsonObject | null,
    after: JsonObject,
    size: number,
  ) {
    const docKey = table.docPrefix + internalId;
    const text = JSON.stringify(sortedObject(after));
    if (text.includes(COMMIT_TS)) this.layer.needsCommitTs.add(docKey);
    else this.layer.needsCommitTs.delete(docKey);
    for (const index of table.indexes.values()) {
      const key = indexRowKey(index, after, internalId);
      if (before) {
        const old = indexRowKey(index, before, internalId);
        if (old !== key) this.dropRow(old);
      }
      if (index.kind !== "byId") this.layer.setRow(key, true);
      this.layer.touched.add(key);
    }
    this.layer.setDocument(docKey, { size, text });
  }

  /** Writes the commit timestamp wherever `ctx.db.vars.commitTs` stands; called once, when the timestamp is known. */
  resolveCommitTs(ts: bigint): void {
    const resolved = JSON.stringify(encodeInt64(ts));
    for (const docKey of [...this.layer.needsCommitTs]) {
      const pending = this.layer.docs.get(docKey);
      if (!pending) continue;
      const table = [...this.catalog.byName.values()].find((candidate) =>
        docKey.startsWith(candidate.docPrefix),
      )!;
      const before = JSON.parse(pending.text) as JsonObject;
      const after = JSON.parse(pending.text.replaceAll(COMMIT_TS, resolved)) as JsonObject;
      this.store(table, docKey.slice(table.docPrefix.length), before, after, pending.size);
    }
    this.layer.needsCommitTs.clear();
  }
}

/** Parses a value that a syscall carries as a document id. */
export function idArgument(value: JsonValue | undefined, method: string): string {
  if (typeof value === "string") return value;
  throw new Error(`Invalid argument \`id\` for \`${method}\`: expected a string.`);
}
