import { indexRowKeys } from "../search/indexRows";
import type { Store } from "../store/store";
import { decodeStoredDocument } from "../transaction/layer";
import type { JsonObject } from "../values/encoded";
import { decodeId } from "../values/ids";
import { afterKey, afterPrefix } from "../values/keys";
import { CATALOG_KEY, Catalog, type TableDefinition } from "./catalog";

const BLOCK = 1000;

async function* keysUnder(store: Store, prefix: string): AsyncGenerator<string> {
  const to = afterPrefix(prefix);
  for (let from = prefix; ; ) {
    const keys = await store.keys({ from, to }, { reverse: false, limit: BLOCK });
    yield* keys;
    if (keys.length < BLOCK) return;
    from = afterKey(keys.at(-1)!);
  }
}

async function checkTable(store: Store, table: TableDefinition, faults: string[]): Promise<void> {
  const expected = new Map([...table.indexes.values()].map((index) => [index, new Set<string>()]));
  for await (const key of keysUnder(store, table.docPrefix)) {
    const document = JSON.parse(decodeStoredDocument(store.get(key)!).text) as JsonObject;
    const internalId = key.slice(table.docPrefix.length);
    if (decodeId(document._id as string)?.internalId !== internalId)
      faults.push(`${table.name} ${document._id}: stored under another id`);
    for (const [index, rows] of expected)
      for (const row of indexRowKeys(index, document, internalId)) rows.add(row);
  }
  for (const [index, rows] of expected) {
    for await (const key of keysUnder(store, index.prefix)) {
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
