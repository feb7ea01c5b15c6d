import { indexRowKeys } from "../search/indexRows";
import type { Store } from "../store/store";
import { scanDocuments, scanKeys } from "../transaction/tableScan";
import type { JsonObject } from "../values/encoded";
import { decodeId } from "../values/ids";
import { CATALOG_KEY, Catalog, type TableDefinition } from "./catalog";

async function checkTable(store: Store, table: TableDefinition, faults: string[]): Promise<void> {
  const expected = new Map([...table.indexes.values()].map((index) => [index, new Set<string>()]));
  for await (const [internalId, text] of scanDocuments(store, table)) {
    const document = JSON.parse(text) as JsonObject;
    if (decodeId(document._id as string)?.internalId !== internalId)
      faults.push(`${table.name} ${document._id}: stored under another id`);
    for (const [index, rows] of expected)
      for (const row of indexRowKeys(index, document, internalId)) rows.add(row);
  }
  for (const [index, rows] of expected) {
    for await (const keys of scanKeys(store, index.prefix)) {
      for (const key of keys)
        if (!rows.delete(key)) faults.push(`${table.name}.${index.name}: a row without its document`);
    }
    for (const _ of rows) faults.push(`${table.name}.${index.name}: a document without its row`);
  }
}

/**
 * Compares every index row with what the stored documents imply; an empty list means that rows are exactly a function of
 * documents. Holds one table's keys in memory: for tests and repair, not for serving.
 */
export async function findIndexFaults(store: Store): Promise<string[]> {
  const faults: string[] = [];
  const catalog = new Catalog(store.get(CATALOG_KEY));
  for (const table of catalog.tables()) await checkTable(store, table, faults);
  return faults;
}
