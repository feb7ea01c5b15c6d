import { indexRowKey, type TableDefinition } from "../catalog/catalog";
import { checkDocument } from "../catalog/validators";
import { indexRowKeys } from "../search/indexRows";
import { encodeInt64, isPlainObject, type JsonObject, sortedObject } from "../values/encoded";
import { encodeId } from "../values/ids";
import { measureDocument, measureOwnRow } from "../values/measure";
import { TransactionReader, type WriteContext } from "./transactionReader";

/** What a query of a table that does not exist yet depends on; every insert touches it. */
export function tableExistenceKey(namespace: string, tableName: string): string {
  return `t${namespace}/${tableName}`;
}

const COMMIT_TS = '{"$commitTs":null}';

/** The backend's own tables: what stands in them is limited where it arises, not as documents are. */
function isOwn(table: TableDefinition): boolean {
  return table.name.startsWith("_");
}

/** A transaction: reads, and writes that stay in its own layer until the committer or its parent takes them over. */
export class Transaction extends TransactionReader {
  /** Tail of the queue of nested mutations: they run one at a time. */
  nestedQueue: Promise<unknown> = Promise.resolve();

  /** A sub-transaction, maybe in another namespace, whose writes reach this one only through {@link commitNested}. */
  nested(writable: boolean, namespace = this.namespace, usage = this.usage): Transaction {
    const writes = writable ? this.writes : null;
    const child = new Transaction(
      this.snapshot,
      this.catalog,
      [this.layer, ...this.below],
      writes,
      this.reads,
      usage,
      namespace,
    );
    child.isNested = true;
    child.visibleTs = this.visibleTs;
    return child;
  }

  /** A view of the published state underneath: it sees no pending write and nothing depends on what it reads. */
  stale(namespace = this.namespace, usage = this.usage): Transaction {
    const child = new Transaction(this.snapshot, this.catalog, [], null, null, usage, namespace);
    child.isNested = true;
    return child;
  }

  commitNested(child: Transaction): void {
    this.layer.absorb(child.layer);
  }

  private assertWritable(): WriteContext {
    this.assertOpen();
    if (!this.writes) throw new Error("Queries cannot write to the database.");
    return this.writes;
  }

  insert(tableName: string, value: JsonObject): string {
    this.assertWritable();
    return this.insertInto(this.namespace.ensureTable(tableName), value);
  }

  /** Adds a document to a table of any namespace; returns its id. */
  insertInto(table: TableDefinition, value: JsonObject): string {
    const writes = this.assertWritable();
    if (!isPlainObject(value))
      throw new Error(`Invalid argument \`value\` for \`db.insert\`: a document is an object.`);
    if ("_id" in value || "_creationTime" in value) {
      throw new Error("Cannot insert a document with a system field (`_id` or `_creationTime`).");
    }
    this.layer.touched.add(tableExistenceKey(table.namespace, table.name));
    const internalId = writes.newInternalId();
    const id = encodeId(table.number, internalId);
    this.put(table, internalId, null, { ...value, _id: id, _creationTime: writes.nextCreationTime() });
    return id;
  }

  /** Adds a document that brings its own id and creation time; the caller knows that the id is free. */
  restore(table: TableDefinition, internalId: string, document: JsonObject): void {
    this.assertWritable();
    this.layer.touched.add(tableExistenceKey(table.namespace, table.name));
    this.put(table, internalId, null, document);
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
    if (!isOwn(table)) this.usage.wroteDocument(0);
    for (const index of table.indexes.values())
      for (const key of indexRowKeys(index, before, internalId)) this.dropRow(key);
    this.layer.docs.set(table.docPrefix + internalId, null);
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
    if (isOwn(table)) {
      this.store(table, internalId, before, after, measureOwnRow(after));
      return;
    }
    const size = measureDocument(after);
    if (table.validator) {
      const found = checkDocument(table.validator, after, this.namespace.tableNameOf);
      if (found) {
        throw new Error(
          `Failed to insert or update a document in table "${table.name}" because it does not match the schema: ${found.message}`,
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
      if (index.kind === "text" || index.kind === "vector") {
        if (before) for (const key of indexRowKeys(index, before, internalId)) this.dropRow(key);
        for (const key of indexRowKeys(index, after, internalId)) {
          this.layer.setRow(key, true);
          this.layer.touched.add(key);
        }
        continue;
      }
      const key = indexRowKey(index, after, internalId);
      this.layer.touched.add(key);
      const old = before && indexRowKey(index, before, internalId);
      // A row that stays where it is was written with the document's earlier version.
      if (old === key) continue;
      if (old !== null) this.dropRow(old);
      this.layer.setRow(key, true);
    }
    this.layer.docs.set(docKey, { size, text });
  }

  /** Writes the commit timestamp wherever `ctx.db.vars.commitTs` stands; called once, when the timestamp is known. */
  resolveCommitTs(ts: bigint): void {
    const resolved = JSON.stringify(encodeInt64(ts));
    for (const docKey of [...this.layer.needsCommitTs]) {
      const pending = this.layer.docs.get(docKey);
      if (!pending) continue;
      const table = this.catalog.tables().find((candidate) => docKey.startsWith(candidate.docPrefix))!;
      const before = JSON.parse(pending.text) as JsonObject;
      const after = JSON.parse(pending.text.replaceAll(COMMIT_TS, resolved)) as JsonObject;
      this.store(table, docKey.slice(table.docPrefix.length), before, after, pending.size);
    }
    this.layer.needsCommitTs.clear();
  }
}
