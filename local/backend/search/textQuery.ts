import type { IndexDefinition, TableDefinition } from "../catalog/catalog";
import type { Transaction } from "../transaction/transaction";
import type { JsonValue } from "../values/encoded";
import { afterPrefix, floatKey } from "../values/keys";
import {
  CONTENT_ROWS,
  DIGEST_LENGTH,
  filterDigest,
  filterListPrefix,
  POSITION_LENGTH,
  termKey,
} from "./indexRows";
import { type Hit, Matches, rankMatches } from "./ranking";
import { RowCursor } from "./rowCursor";
import { tokenize } from "./tokens";

/** What `.withSearchIndex(...)` sends. */
export type SearchFilter =
  | { type: "Search"; fieldPath: string; value: string }
  | { type: "Eq"; fieldPath: string; value: JsonValue };

const MAX_TERMS = 16;
/** Lists that one search walks: those of its words, then those of longer words in their order. Convex walks no more either. */
const MAX_LISTS = 64;
/** Documents that one search looks at, newest first. */
const MAX_LOOKED_AT = 65_536;
const MAX_FILTERS = 8;

/** A search against one index, checked: its terms, the last of which also matches as a prefix, and its equalities. */
export interface TextQuery {
  index: IndexDefinition;
  terms: string[];
  /** The last word, unless there are none. */
  prefix: string | null;
  filters: Array<{ field: number; digest: string }>;
}

/** Checks a search as Convex does, in Convex's words. */
export function compileSearch(
  table: TableDefinition,
  index: IndexDefinition,
  filters: SearchFilter[],
): TextQuery {
  const name = `${table.name}.${index.name}`;
  const searchField = JSON.stringify(index.fields[0]);
  let text: string | null = null;
  const equalities: TextQuery["filters"] = [];
  for (const filter of filters) {
    const path = JSON.stringify(filter.fieldPath);
    if (filter.type === "Search") {
      if (path !== searchField) {
        throw new Error(
          `Search query against ${name} contains a search filter against ${path}, which doesn't match the indexed \`searchField\` ${searchField}.`,
        );
      }
      if (text !== null) {
        throw new Error(
          `Search query against ${name} contains multiple search filters against ${path}. Only one is allowed.`,
        );
      }
      text = filter.value;
    } else {
      const field = index.filterFields.indexOf(filter.fieldPath);
      if (field < 0) {
        throw new Error(
          `Search query against ${name} contains an equality filter on ${path} but that field isn't indexed for filtering in \`filterFields\`.`,
        );
      }
      equalities.push({ field, digest: filterDigest(filter.value) });
    }
  }
  if (text === null) {
    throw new Error(
      `Search query against ${name} does not contain any search filters. You must include a search filter like \`q.search("${searchField}", searchText)\`.`,
    );
  }
  if (equalities.length > MAX_FILTERS) {
    throw new Error(
      `Search query against ${name} has too many filter conditions. Max: ${MAX_FILTERS} Actual: ${equalities.length}`,
    );
  }
  // Words after the sixteenth are ignored, as Convex does.
  const words = tokenize(text).slice(0, MAX_TERMS);
  return { index, terms: [...new Set(words)], prefix: words.at(-1) ?? null, filters: equalities };
}

/** Whether a row of a term carries the values that the query's equalities ask for. */
function admits({ index, filters }: TextQuery, row: string): boolean {
  const digestsAt = row.length - index.filterFields.length * DIGEST_LENGTH;
  for (const { field, digest } of filters) {
    if (!row.startsWith(digest, digestsAt + field * DIGEST_LENGTH)) return false;
  }
  return true;
}

/**
 * Records what the answer depends on: every row, of a document before or after a write, that holds one of the terms and passes
 * the equalities. Ranking uses nothing else, so no other write can change the answer.
 */
function recordReads(tx: Transaction, query: TextQuery): void {
  if (!tx.reads) return;
  const test = query.filters.length > 0 ? (key: string) => admits(query, key) : undefined;
  const content = query.index.prefix + CONTENT_ROWS;
  for (const term of query.terms) {
    if (term === query.prefix) continue;
    const list = `${content}${termKey(term)}\x00`;
    tx.reads.range(list, afterPrefix(list), test);
  }
  if (query.prefix === null) return;
  const words = content + termKey(query.prefix);
  tx.reads.range(words, afterPrefix(words), test);
}

/** Rows that are read at once where the words with a common beginning lie. */
const PREFIX_BLOCK = 1024;

interface TermCursor {
  cursor: RowCursor;
  /** Which term of the query it counts for. */
  slot: number;
  /** Where the count of occurrences stands in its rows. */
  countAt: number;
}

/** A heap of term cursors, least position first. */
class CursorHeap {
  private readonly heap: Array<TermCursor & { position: string }> = [];

  get least(): (TermCursor & { position: string }) | undefined {
    return this.heap[0];
  }

  push(entry: TermCursor): void {
    const { position } = entry.cursor;
    if (position === null) return;
    this.heap.push({ ...entry, position });
    let at = this.heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.heap[parent]!.position <= this.heap[at]!.position) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  /** Puts the least cursor, which has moved, where it belongs now. */
  settle(): void {
    const least = this.heap[0]!;
    const { position } = least.cursor;
    if (position !== null) least.position = position;
    else {
      const last = this.heap.pop()!;
      if (this.heap.length === 0) return;
      this.heap[0] = last;
    }
    this.sink();
  }

  private sink(): void {
    for (let at = 0; ; ) {
      let next = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.heap.length && this.heap[child]!.position < this.heap[next]!.position) next = child;
      }
      if (next === at) return;
      this.swap(at, next);
      at = next;
    }
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b]!, this.heap[a]!];
  }
}

/** Opens a cursor for each term, and one for each of the first longer words of the index that start with the last. */
async function openTerms(tx: Transaction, query: TextQuery): Promise<CursorHeap> {
  const heap = new CursorHeap();
  const content = query.index.prefix + CONTENT_ROWS;
  const open = async (list: string, slot: number) => {
    const cursor = new RowCursor(tx, list, POSITION_LENGTH);
    await cursor.load();
    heap.push({ cursor, slot, countAt: list.length + POSITION_LENGTH });
  };
  for (const [slot, term] of query.terms.entries()) await open(`${content}${termKey(term)}\x00`, slot);
  if (query.prefix === null) return heap;
  const stem = content + termKey(query.prefix);
  const to = afterPrefix(stem);
  let room = MAX_LISTS - query.terms.length;
  // The lists of neighbouring words lie side by side: one trip to the store brings the beginnings of many.
  for (let from = `${stem}\x01`; ; ) {
    const { keys, exhausted, covered } = await tx.scanKeys({ from, to }, false, PREFIX_BLOCK);
    from = covered.to;
    for (let at = 0; at < keys.length; ) {
      if (room-- === 0) return heap;
      const list = keys[at]!.slice(0, keys[at]!.indexOf("\x00", content.length) + 1);
      let next = at + 1;
      while (next < keys.length && keys[next]!.startsWith(list)) next++;
      const complete = next < keys.length || exhausted;
      const cursor = new RowCursor(tx, list, POSITION_LENGTH);
      cursor.startWith(keys.slice(at, next), complete);
      heap.push({ cursor, slot: query.terms.length, countAt: list.length + POSITION_LENGTH });
      // What this list has beyond the block is read when the search gets there.
      if (!complete) from = afterPrefix(list);
      at = next;
    }
    if (exhausted) return heap;
  }
}

/**
 * Ranks what matches: at least one term and every equality, among the newest `lookedAt` documents of the lists. At most
 * {@link Matches.MOST} hits, best first.
 */
export async function runSearch(tx: Transaction, query: TextQuery, lookedAt = MAX_LOOKED_AT): Promise<Hit[]> {
  recordReads(tx, query);
  const lead = query.filters[0];
  const filter =
    lead && new RowCursor(tx, filterListPrefix(query.index, lead.field, lead.digest), POSITION_LENGTH);
  await filter?.load();
  const heap = await openTerms(tx, query);
  const matches = new Matches(query.terms.length + 1);
  let left = lookedAt;
  for (let least = heap.least; least && left > 0; least = heap.least, left--) {
    const { position } = least;
    if (filter) {
      if (filter.position !== null && filter.position < position) await filter.seek(position);
      const wanted = filter.position;
      if (wanted === null) break;
      if (wanted > position) {
        await least.cursor.seek(wanted);
        heap.settle();
        continue;
      }
    }
    const { row } = least.cursor;
    const counted = admits(query, row);
    if (counted) matches.begin(position, row.charCodeAt(least.countAt + 1));
    for (let same = heap.least; same && same.position === position; same = heap.least) {
      if (counted) matches.count(same.slot, same.cursor.row.charCodeAt(same.countAt));
      if (!same.cursor.step()) await same.cursor.load();
      heap.settle();
    }
    if (counted) matches.end();
  }
  return rankMatches(matches, query.terms.length, query.terms.indexOf(query.prefix ?? ""));
}

/** Where a hit stands among the results; cursors are made of it. */
export function rankKey(hit: Hit): string {
  return floatKey(-hit.score) + hit.position;
}
