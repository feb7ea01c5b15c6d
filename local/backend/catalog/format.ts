import type { Disk } from "../store/disk";
import { OperatorError, type Store, type StoreWrite } from "../store/store";
import { encodeStoredDocument } from "../transaction/layer";
import { scanDocuments } from "../transaction/tableScan";
import { type JsonObject, sortedObject } from "../values/encoded";
import { decodeId } from "../values/ids";
import { measureOwnRow } from "../values/measure";
import type { Catalog } from "./catalog";

const FORMAT_KEY = "m/format";
/** Layout of the store's rows; a change of layout raises it. */
const FORMAT = "2";
const CHUNK_ROWS = 1000;

/**
 * In format 1 all instances shared one range of table numbers, so the id of a file said whose it was; since then its row says it.
 * A crash before the format is written repeats this, to the same end.
 */
async function upgradeFrom1(store: Store, catalog: Catalog): Promise<void> {
  const storages = catalog.tables().filter(({ name }) => name === "_storage");
  const owners = new Map(storages.map(({ number, namespace }) => [number, namespace]));
  const blobs = catalog.root.systemTable("_file_blobs");
  let writes: StoreWrite[] = [];
  for await (const [internalId, text] of scanDocuments(store, blobs)) {
    const row = JSON.parse(text) as JsonObject;
    row.component = owners.get(decodeId(row.storageId as string)!.tableNumber) ?? "";
    const document = { size: measureOwnRow(row), text: JSON.stringify(sortedObject(row)) };
    writes.push([blobs.docPrefix + internalId, encodeStoredDocument(document)]);
    if (writes.length < CHUNK_ROWS) continue;
    await store.write(writes, { durable: true });
    writes = [];
  }
  await store.write(writes, { durable: true });
}

/**
 * Marks a new store, brings one of an earlier layout up to date, and refuses one that a later version wrote: an earlier version then
 * refuses what this one wrote. Throws OperatorError.
 */
export async function checkFormat(
  store: Store,
  catalog: Catalog,
  disk: Disk,
  dataDir: string,
): Promise<void> {
  const found = store.get(FORMAT_KEY);
  if (found === FORMAT) return;
  if (found === undefined && (await disk.files.list()).length > 0) {
    throw new OperatorError(
      `The data folder ${dataDir} has uploaded files but no store. Restore it from a backup, or use another --data folder.`,
    );
  }
  if (found === "1") await upgradeFrom1(store, catalog);
  else if (found !== undefined) {
    throw new OperatorError(
      `The data folder ${dataDir} has format ${found}, and this backend reads format ${FORMAT}. Use the version that wrote it, or another --data folder.`,
    );
  }
  await store.write([[FORMAT_KEY, FORMAT]], { durable: true });
}
