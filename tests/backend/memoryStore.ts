import type {
  KeyRange,
  Store,
  StoreReader,
  StoreSnapshot,
  StoreWrite,
} from "../../local/backend/store/store";
import { compareKeys } from "../../local/backend/transaction/layer";

/** Sorted rows that never change: a snapshot keeps them, a write makes new ones. */
export class Rows {
  constructor(
    readonly keys: readonly string[] = [],
    readonly values: readonly string[] = [],
  ) {}

  /** Index of the first key at or after `key`. */
  at(key: string): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  with(writes: readonly StoreWrite[]): Rows {
    const changes = [...new Map(writes)].sort(([a], [b]) => compareKeys(a, b));
    const keys: string[] = [];
    const values: string[] = [];
    let from = 0;
    for (const [key, value] of changes) {
      const at = this.at(key);
      for (; from < at; from++) {
        keys.push(this.keys[from]!);
        values.push(this.values[from]!);
      }
      if (this.keys[from] === key) from++;
      if (value === null) continue;
      keys.push(key);
      values.push(value);
    }
    for (; from < this.keys.length; from++) {
      keys.push(this.keys[from]!);
      values.push(this.values[from]!);
    }
    return new Rows(keys, values);
  }
}

/** Reads whatever rows `now` gives at the time of each call. */
export function readerOf(now: () => Rows): StoreReader {
  const within = ({ from, to }: KeyRange): [number, number] => [now().at(from), now().at(to)];
  const get = (key: string) => {
    const rows = now();
    const at = rows.at(key);
    return rows.keys[at] === key ? rows.values[at] : undefined;
  };
  return {
    get,
    getMany: async (keys) => keys.map(get),
    keys: async (range, { reverse, limit }) => {
      const [from, to] = within(range);
      if (!reverse) return now().keys.slice(from, Math.min(to, from + limit));
      return now()
        .keys.slice(Math.max(from, to - limit), to)
        .reverse();
    },
    entries: async (range, { limit }) => {
      const [from, to] = within(range);
      const rows = now();
      return rows.keys
        .slice(from, Math.min(to, from + limit))
        .map((key, i): [string, string] => [key, rows.values[from + i]!]);
    },
  };
}

export function snapshotOf(rows: Rows): StoreSnapshot {
  return { ...readerOf(() => rows), release: () => {} };
}

/** A store in memory, for tests of the rooms above it; nothing is durable. */
export function createMemoryStore(): Store {
  let rows = new Rows();
  return {
    ...readerOf(() => rows),
    snapshot: () => snapshotOf(rows),
    async write(writes) {
      rows = rows.with(writes);
    },
    async close() {},
  };
}
