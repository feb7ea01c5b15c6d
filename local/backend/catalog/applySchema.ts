import { createHash } from "node:crypto";
import { declaredIndexes, type ExportedIndexes } from "../search/declaredIndexes";
import { indexRowKeys } from "../search/indexRows";
import { OperatorError, type Store, type StoreWrite } from "../store/store";
import { scanDocuments } from "../transaction/tableScan";
import type { JsonObject } from "../values/encoded";
import { afterPrefix } from "../values/keys";
import {
  CATALOG_KEY,
  type Catalog,
  type IndexDefinition,
  type Namespace,
  shapeOf,
  type TableDefinition,
} from "./catalog";
import { checkDocument, type ValidatorJson } from "./validators";

/** What `schema.export()` of convex/server holds, as far as this backend uses it. */
export interface ExportedSchema {
  tables: Array<ExportedIndexes & { documentType: ValidatorJson | null }>;
  schemaValidation: boolean;
}

const BACKFILL_BYTES = 4 << 20;

async function backfill(store: Store, table: TableDefinition, indexes: IndexDefinition[]): Promise<void> {
  // A crash during an earlier attempt may have left rows under the same, never stored, index ids.
  for (const index of indexes) await deleteRows(store, index.prefix);
  let writes: StoreWrite[] = [];
  let bytes = 0;
  for await (const [internalId, text] of scanDocuments(store, table)) {
    const document = JSON.parse(text) as JsonObject;
    for (const index of indexes) {
      for (const key of indexRowKeys(index, document, internalId)) {
        writes.push([key, ""]);
        bytes += key.length;
      }
    }
    if (writes.length >= 5000 || bytes >= BACKFILL_BYTES) {
      await store.write(writes, { durable: true });
      writes = [];
      bytes = 0;
    }
  }
  await store.write(writes, { durable: true });
}

/** Deletes every row under a prefix that nothing refers to any more. */
export async function deleteRows(store: Store, prefix: string): Promise<void> {
  for (;;) {
    const keys = await store.keys({ from: prefix, to: afterPrefix(prefix) }, { reverse: false, limit: 5000 });
    if (keys.length === 0) return;
    await store.write(
      keys.map((key) => [key, null]),
      { durable: true },
    );
  }
}

function hashOf(validator: ValidatorJson): string {
  return createHash("sha256").update(JSON.stringify(validator)).digest("hex");
}

async function validateTable(store: Store, namespace: Namespace, table: TableDefinition): Promise<void> {
  for await (const [, text] of scanDocuments(store, table)) {
    const document = JSON.parse(text) as JsonObject;
    const found = checkDocument(table.validator!, document, namespace.tableNameOf);
    if (found) {
      const owner = namespace.path === "" ? "" : ` of the component ${namespace.path}`;
      throw new OperatorError(
        `Document with ID "${document._id}" in table "${table.name}"${owner} does not match the schema at field "${found.path.slice(1) || "(document)"}": ${found.message}\n` +
          "Change the schema so that it admits the document, or migrate the document with the previous schema first.",
      );
    }
  }
}

/**
 * Makes a namespace agree with the schema of its functions folder: new tables get numbers, new or changed indexes are
 * backfilled, dropped ones deleted, and stored documents are validated when their table's validator changed.
 * Runs before the backend serves; throws OperatorError naming table, id and field of a document that does not fit.
 */
export async function applySchema(
  store: Store,
  catalog: Catalog,
  namespace: Namespace,
  schema: ExportedSchema | null,
): Promise<void> {
  const declared = new Map(schema?.tables.map((table) => [table.tableName, table]) ?? []);
  const indexesOf = new Map([...declared].map(([name, table]) => [name, declaredIndexes(table)]));
  for (const name of declared.keys()) {
    try {
      namespace.ensureTable(name);
    } catch (error) {
      throw new OperatorError(`In schema.ts: ${(error as Error).message}`);
    }
  }
  const obsolete: string[] = [];
  for (const table of namespace.byName.values()) {
    if (table.name.startsWith("_")) continue;
    const definition = declared.get(table.name);
    table.validator = (schema?.schemaValidation && definition?.documentType) || null;
    const wanted = indexesOf.get(table.name) ?? new Map();
    for (const index of [...table.indexes.values()]) {
      if (index.kind === "byId" || index.kind === "byCreationTime") continue;
      const shape = wanted.get(index.name);
      if (shape && JSON.stringify(shape) === JSON.stringify(shapeOf(index))) {
        wanted.delete(index.name);
        continue;
      }
      catalog.removeIndex(table, index.name);
      obsolete.push(index.prefix);
    }
    const added = [...wanted].map(([name, shape]) => catalog.addIndex(table, name, shape));
    if (added.length > 0) await backfill(store, table, added);
    const hash = table.validator ? hashOf(table.validator) : null;
    if (table.validator && table.validatorHash !== hash) await validateTable(store, namespace, table);
    catalog.setValidatorHash(table, hash);
  }
  // The catalog row comes last: a crash before it repeats the work on the same index ids.
  if (catalog.dirty) await store.write([[CATALOG_KEY, catalog.serialise()]], { durable: true });
  catalog.dirty = false;
  for (const prefix of obsolete) await deleteRows(store, prefix);
}
