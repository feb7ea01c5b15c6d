import { join } from "node:path";
import { CATALOG_KEY, Catalog } from "../../local/backend/catalog/catalog";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import { openLevelStore } from "../../local/backend/store/levelStore";
import { decodeStoredDocument } from "../../local/backend/transaction/layer";
import { afterPrefix } from "../../local/backend/values/keys";

/** Texts of a stopped backend's documents by table of the app, as they are stored, and what is wrong with its index rows. */
export async function storedDocuments(
  dataDir: string,
  tables: string[],
): Promise<{ documents: Record<string, string[]>; indexFaults: string[] }> {
  const store = await openLevelStore(join(dataDir, "store"));
  try {
    const catalog = new Catalog(store.get(CATALOG_KEY));
    const documents: Record<string, string[]> = {};
    for (const name of tables) {
      const { docPrefix } = catalog.root.byName.get(name)!;
      const rows = await store.entries({ from: docPrefix, to: afterPrefix(docPrefix) }, { limit: 1_000_000 });
      documents[name] = rows.map(([, value]) => decodeStoredDocument(value).text);
    }
    return { documents, indexFaults: await findIndexFaults(store) };
  } finally {
    await store.close();
  }
}
