import type { TableDefinition } from "../catalog/catalog";
import type { StoreReader } from "../store/store";
import { afterKey, afterPrefix } from "../values/keys";
import { decodeStoredDocument } from "./layer";
import type { DatabaseSnapshot } from "./snapshot";

/** Rows of a key range in blocks that hold a few megabytes, whatever the size of a row. */
export async function* scanRows(reader: Pick<StoreReader, "entries">, from: string, to: string) {
  let limit = 64;
  for (let next = from; ; ) {
    const entries = await reader.entries({ from: next, to }, { limit });
    let chars = 0;
    for (const [, value] of entries) chars += value.length;
    yield entries;
    if (entries.length < limit) return;
    next = afterKey(entries.at(-1)![0]);
    const fitting = Math.floor((4 << 20) / Math.max(1, chars / entries.length));
    limit = Math.max(8, Math.min(512, fitting));
  }
}

/** Encoded JSON text of every document of a table, in order of creation. */
export async function* scanTable(snapshot: DatabaseSnapshot, { docPrefix }: TableDefinition) {
  for await (const entries of scanRows(snapshot, docPrefix, afterPrefix(docPrefix))) {
    for (const [, value] of entries) yield decodeStoredDocument(value).text;
  }
}
