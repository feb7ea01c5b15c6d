import type { Backend } from "../backend";
import type { Transaction } from "../transaction/transaction";
import type { JsonObject } from "../values/encoded";

/**
 * The backend's own rows that administrators watch (exports, imports, variables): read so that a change re-runs the query, and
 * written through the committer so that it does.
 */
export function readState(tx: Transaction, key: string): JsonObject | null {
  tx.reads?.point(key);
  const text = tx.raw(key);
  return text == null ? null : (JSON.parse(text) as JsonObject);
}

/** Sets a row inside a transaction; null deletes it. */
export function setState(tx: Transaction, key: string, value: JsonObject | null): void {
  tx.layer.raw.set(key, value && JSON.stringify(value));
  tx.layer.touched.add(key);
}

export async function commitState(backend: Backend, key: string, value: JsonObject | null): Promise<void> {
  await backend.committer.submit(async (tx) => {
    setState(tx, key, value);
    return { value: null, commit: true };
  });
}
