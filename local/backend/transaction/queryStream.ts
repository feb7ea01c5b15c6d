import { type IndexDefinition, PUBLIC_SYSTEM_TABLES, type TableDefinition } from "../catalog/catalog";
import { SearchScanner } from "../search/searchScanner";
import type { KeyRange } from "../store/store";
import type { JsonObject, JsonValue } from "../values/encoded";
import { passesFilter } from "./filters";
import { type IndexSource, keyRangeOf, type QuerySource } from "./ranges";
import type { ReadRange } from "./readSet";
import { type Soon, whenReady } from "./soon";
import { type Transaction, tableExistenceKey } from "./transaction";
import type { Row } from "./transactionReader";

export interface SerializedQuery {
  source: QuerySource;
  operators: Array<{ filter: JsonValue } | { limit: number }>;
}

const FIRST_BLOCK = 32;
const MAX_BLOCK = 1024;
/** Each block is two trips through the store's thread pool when it is not in memory, so blocks grow fast. */
const BLOCK_GROWTH = 8;

/** Documents read ahead of what the function asked for are bounded in bytes. */
const BLOCK_BYTES = 4 << 20;

/** Grows the number of rows fetched at once, as far as the size of the last ones allows. */
function nextBlock(block: number, rows: Row[]): number {
  const bytes = rows.reduce((sum, row) => sum + row.document.size, 0);
  const fitting = Math.floor(BLOCK_BYTES / Math.max(1, bytes / Math.max(1, rows.length)));
  return Math.max(4, Math.min(MAX_BLOCK, fitting, Math.max(FIRST_BLOCK, block * BLOCK_GROWTH)));
}

interface ResolvedSource {
  table: TableDefinition | null;
  index: IndexDefinition | null;
  range: KeyRange;
  reverse: boolean;
}

/** Finds table, index and key range of a query; a table that does not exist yet is an empty range. */
export function resolveSource(tx: Transaction, source: IndexSource, isBackend = false): ResolvedSource {
  const reverse = source.order === "desc";
  const [tableName, indexName] =
    source.type === "FullTableScan"
      ? [source.tableName, "by_creation_time"]
      : (source.indexName.split(".") as [string, string]);
  if (!isBackend && tableName.startsWith("_") && !PUBLIC_SYSTEM_TABLES.has(tableName)) {
    throw new Error(`Unknown system table ${tableName}.`);
  }
  const table = tx.tableNamed(tableName);
  const index = table?.indexes.get(indexName);
  if (!table || !index) {
    if (!table && (indexName === "by_creation_time" || indexName === "by_id")) {
      tx.reads?.point(tableExistenceKey(tx.namespace.path, tableName));
      return { table: null, index: null, range: { from: "", to: "" }, reverse };
    }
    throw new Error(`Index ${tableName}.${indexName} not found.`);
  }
  if (index.kind === "text" || index.kind === "vector") {
    throw new Error(`Index ${tableName}.${indexName} is not a database index`);
  }
  const range = keyRangeOf(table, index, source.type === "IndexRange" ? source.range : []);
  return { table, index, range, reverse };
}

/**
 * Reads rows of one key range in blocks and records exactly what was consumed: `next` widens the recorded range row by row,
 * and to the whole range once it is exhausted.
 */
export class RowScanner {
  private buffer: Row[] = [];
  private at = 0;
  private rest: KeyRange;
  private finished: boolean;
  private recorded: ReadRange | null = null;

  constructor(
    private readonly tx: Transaction,
    private readonly table: TableDefinition | null,
    private readonly range: KeyRange,
    private readonly reverse: boolean,
    private block = FIRST_BLOCK,
  ) {
    this.rest = { ...range };
    this.finished = table === null || range.from >= range.to;
    tx.usage.readRange();
  }

  /** Next row in order, or null at the end of the range. */
  next(): Soon<Row | null> {
    while (this.at >= this.buffer.length) {
      if (this.finished) {
        this.record(null);
        return null;
      }
      const filling = this.fill();
      if (filling) return filling.then(() => this.next());
    }
    const row = this.buffer[this.at++]!;
    this.tx.usage.readDocument(row.document.size);
    this.record(row.key);
    return row;
  }

  private fill(): Soon<void> {
    return whenReady(this.tx.scan(this.table!, this.rest, this.reverse, this.block), (page) => {
      this.buffer = page.rows;
      this.at = 0;
      this.finished = page.exhausted;
      if (this.reverse) this.rest.to = page.covered.from;
      else this.rest.from = page.covered.to;
      this.block = nextBlock(this.block, page.rows);
    });
  }

  /** Everything up to a key has been consumed, or all of the range (null). */
  private record(last: string | null): void {
    if (!this.tx.reads || this.table === null) return;
    this.recorded ??= this.tx.reads.range(this.range.from, this.range.to);
    if (!this.reverse) this.recorded.through = last;
    else this.recorded.from = last ?? this.range.from;
  }
}

/** The operators of a query applied to a row: false drops it. Limits count what reaches them. */
export class Operators {
  private readonly counts: number[];

  constructor(private readonly operators: SerializedQuery["operators"]) {
    this.counts = operators.map(() => 0);
  }

  get limitReached(): boolean {
    return this.operators.some((operator, i) => "limit" in operator && this.counts[i]! >= operator.limit);
  }

  accepts(row: Row): boolean {
    let document: JsonObject | undefined;
    for (let i = 0; i < this.operators.length; i++) {
      const operator = this.operators[i]!;
      if ("limit" in operator) {
        this.counts[i]!++;
        continue;
      }
      document ??= JSON.parse(row.document.text) as JsonObject;
      if (!passesFilter(operator.filter, document)) return false;
    }
    return true;
  }
}

/** A running `for await (const doc of query)`. */
export class QueryStream {
  private readonly scanner: RowScanner | SearchScanner;
  private readonly operators: Operators;

  /** `isBackend` opens the backend's own tables; functions never pass it. */
  constructor(tx: Transaction, query: SerializedQuery, isBackend = false) {
    this.operators = new Operators(query.operators);
    const { source } = query;
    if (source.type === "Search") {
      this.scanner = new SearchScanner(tx, source.indexName, source.filters);
      return;
    }
    const { table, range, reverse } = resolveSource(tx, source, isBackend);
    const first = query.operators[0];
    const block = first && "limit" in first ? Math.min(MAX_BLOCK, Math.max(1, first.limit)) : FIRST_BLOCK;
    this.scanner = new RowScanner(tx, table, range, reverse, block);
  }

  /** Text of the next document, or null when the query is done. */
  next(): Soon<string | null> {
    while (!this.operators.limitReached) {
      const row = this.scanner.next();
      if (row instanceof Promise) {
        return row.then((arrived) => (this.isAnswer(arrived) ? textOf(arrived) : this.next()));
      }
      if (this.isAnswer(row)) return textOf(row);
    }
    return null;
  }

  private isAnswer(row: Row | null): boolean {
    return row === null || this.operators.accepts(row);
  }
}

function textOf(row: Row | null): string | null {
  return row === null ? null : row.document.text;
}
