import type { Backend } from "../backend";
import { deleteRows } from "../catalog/applySchema";
import type { TableDefinition } from "../catalog/catalog";
import type { Transaction } from "../transaction/transaction";
import { commitState, setState } from "./state";

const GARBAGE_KEY = "m/garbage";

/** Notes, in the same commit, whose rows nobody refers to: of tables not yet or no longer in use. */
export function setGarbage(tx: Transaction, tables: TableDefinition[]): void {
  const prefixes = tables.flatMap((table) => [
    table.docPrefix,
    ...[...table.indexes.values()].map(({ prefix }) => prefix),
  ]);
  setState(tx, GARBAGE_KEY, { prefixes: [...new Set(prefixes)] });
}

/** Deletes what was noted; true when there was something. A crash in between repeats it at the next start. */
export async function collectGarbage(backend: Backend): Promise<boolean> {
  const text = backend.store.get(GARBAGE_KEY);
  if (text === undefined) return false;
  for (const prefix of (JSON.parse(text) as { prefixes: string[] }).prefixes) {
    await deleteRows(backend.store, prefix);
  }
  await commitState(backend, GARBAGE_KEY, null);
  return true;
}
