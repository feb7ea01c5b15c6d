import type { KeyRange, Store, StoreReader, StoreSnapshot } from "../../local/backend/store/store";

/** A store in memory, for tests of the rooms above it: sorted on each scan, snapshots by copy, nothing durable. */
export function createMemoryStore(): Store {
  const rows = new Map<string, string>();
  return {
    ...readerOf(rows),
    snapshot: (): StoreSnapshot => ({ ...readerOf(new Map(rows)), release: () => {} }),
    async write(writes) {
      for (const [key, value] of writes) {
        if (value === null) rows.delete(key);
        else rows.set(key, value);
      }
    },
    async close() {},
  };
}

function readerOf(rows: Map<string, string>): StoreReader {
  const keysIn = ({ from, to }: KeyRange) => [...rows.keys()].filter((key) => key >= from && key < to).sort();
  return {
    get: (key) => rows.get(key),
    getMany: async (keys) => keys.map((key) => rows.get(key)),
    keys: async (range, { reverse, limit }) => {
      const keys = keysIn(range);
      return (reverse ? keys.reverse() : keys).slice(0, limit);
    },
    entries: async (range, { limit }) =>
      keysIn(range)
        .slice(0, limit)
        .map((key) => [key, rows.get(key)!]),
  };
}
