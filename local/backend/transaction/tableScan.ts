import type { TableDefinition } from "../catalog/catalog";
import type { KeyRange, ScanOptions, StoreReader } from "../store/store";
import { afterKey, afterPrefix } from "../values/keys";
import { decodeStoredDocument } from "./layer";
import type { Soon } from "./soon";

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

/** Internal id and encoded JSON text of every document of a table, in order of creation. */
export async function* scanDocuments(
  reader: Pick<StoreReader, "entries">,
  { docPrefix }: TableDefinition,
): AsyncGenerator<[internalId: string, text: string]> {
  for await (const entries of scanRows(reader, docPrefix, afterPrefix(docPrefix))) {
    for (const [key, value] of entries) yield [key.slice(docPrefix.length), decodeStoredDocument(value).text];
  }
}

/** Encoded JSON text of every document of a table, in order of creation. */
export async function* scanTable(reader: Pick<StoreReader, "entries">, table: TableDefinition) {
  for await (const [, text] of scanDocuments(reader, table)) yield text;
}

const KEYS = 8192;

/** Every key under a prefix, in blocks. */
export async function* scanKeys(
  reader: { keys(range: KeyRange, options: ScanOptions): Soon<string[]> },
  prefix: string,
): AsyncGenerator<string[]> {
  const to = afterPrefix(prefix);
  for (let from = prefix; ; ) {
    const keys = await reader.keys({ from, to }, { reverse: false, limit: KEYS });
    yield keys;
    if (keys.length < KEYS) return;
    from = afterKey(keys.at(-1)!);
  }
}
