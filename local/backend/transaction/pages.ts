import { createHash } from "node:crypto";
import { RANKS, SearchScanner } from "../search/searchScanner";
import type { KeyRange } from "../store/store";
import { afterKey } from "../values/keys";
import { compareKeys } from "./layer";
import { ReadLimitError, type Usage } from "./limits";
import { Operators, RowScanner, resolveSource, type SerializedQuery } from "./queryStream";
import type { Transaction } from "./transaction";
import type { Row } from "./transactionReader";

export interface PageRequest {
  query: SerializedQuery;
  cursor: string | null;
  endCursor: string | null;
  pageSize: number;
  maximumRowsRead: number | null;
  maximumBytesRead?: number | null;
}

export interface Page {
  documents: string[];
  isDone: boolean;
  continueCursor: string;
  splitCursor: string | null;
  pageStatus: "SplitRecommended" | "SplitRequired" | null;
}

/** A position in a query's key range: after a row key, or past the end. */
type Position = { key: string } | "end";

function fingerprintOf(query: SerializedQuery): string {
  return createHash("sha256").update(JSON.stringify(query)).digest("base64url").slice(0, 10);
}

function encodeCursor(fingerprint: string, position: Position): string {
  return `${fingerprint}.${position === "end" ? "end" : Buffer.from(position.key, "latin1").toString("base64url")}`;
}

/** Paginating clients start over when they see this data. */
const INVALID_CURSOR = { isConvexSystemError: true, paginationError: "InvalidCursor" };

/** A cursor that does not belong to the query; `data` makes the library throw it as a ConvexError. */
export class InvalidCursorError extends Error {
  readonly data = INVALID_CURSOR;

  constructor() {
    super(
      "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor is from a different query.",
    );
  }
}

function decodeCursor(fingerprint: string, cursor: string): Position {
  const [query, position] = cursor.split(".");
  if (query !== fingerprint || position === undefined) throw new InvalidCursorError();
  return position === "end" ? "end" : { key: Buffer.from(position, "base64url").toString("latin1") };
}

function isKey(position: Position | null): position is { key: string } {
  return position !== null && position !== "end";
}

function later(a: string, b: string): string {
  return [a, b].sort(compareKeys)[1]!;
}

function earlier(a: string, b: string): string {
  return [a, b].sort(compareKeys)[0]!;
}

/** The part of `range` after `start` and up to and including `end`. A forged key cannot leave the range. */
function between(range: KeyRange, reverse: boolean, start: Position | null, end: Position | null): KeyRange {
  let { from, to } = range;
  if (start === "end") return { from: to, to };
  const [first, last] = reverse ? [end, start] : [start, end];
  if (isKey(first)) from = later(from, reverse ? first.key : afterKey(first.key));
  if (isKey(last)) to = earlier(to, reverse ? last.key : afterKey(last.key));
  return from < to ? { from, to } : { from, to: from };
}

/**
 * Reads one page. With an end cursor (given, or remembered in the query's journal) the page size is ignored and the page ends
 * exactly there, which keeps reactive pages free of gaps and overlaps.
 */
export async function readPage(tx: Transaction, request: PageRequest): Promise<Page> {
  if (tx.paginated) {
    throw new Error(
      "This query or mutation function ran multiple paginated queries. Convex only supports a single paginated query in each function.",
    );
  }
  tx.paginated = true;
  if (request.pageSize <= 0) throw new Error("Must request at least 1 document while paginating");
  if (request.maximumRowsRead === 0 || request.maximumBytesRead === 0) {
    throw new Error("maximumRowsRead and maximumBytesRead must be greater than 0");
  }
  const fingerprint = fingerprintOf(request.query);
  const start = request.cursor === null ? null : decodeCursor(fingerprint, request.cursor);
  const end = request.endCursor === null ? null : decodeCursor(fingerprint, request.endCursor);
  const scanner = openPage(tx, request, start, end);
  const operators = new Operators(request.query.operators);
  const documents: string[] = [];
  const rowKeys: string[] = [];
  const budget = new PageBudget(tx.usage, request);
  let reached: Position | null = null;
  while (reached === null) {
    if (end === null && documents.length >= request.pageSize) reached = { key: rowKeys.at(-1)! };
    else if (rowKeys.length > 0 && budget.isSpent(rowKeys.length)) reached = { key: rowKeys.at(-1)! };
    else if (operators.limitReached) reached = "end";
    else {
      const row = await nextRow(scanner, budget, rowKeys.length);
      if (row === "spent") reached = { key: rowKeys.at(-1)! };
      else if (row === null) reached = "end";
      else {
        rowKeys.push(row.key);
        if (operators.accepts(row)) documents.push(row.document.text);
      }
    }
  }
  // A page with a given end is continued from there, even when it had to stop before: its reader splits it.
  const position = end ?? reached;
  return {
    documents,
    isDone: position === "end",
    continueCursor: encodeCursor(fingerprint, position),
    splitCursor: splitOf(fingerprint, rowKeys),
    pageStatus: budget.status(rowKeys.length, documents.length),
  };
}

/** Rows of the query between two positions. */
function openPage(
  tx: Transaction,
  { query: { source }, pageSize }: PageRequest,
  start: Position | null,
  end: Position | null,
): RowScanner | SearchScanner {
  if (source.type === "Search") {
    const within = between(RANKS, false, start, end);
    return new SearchScanner(tx, source.indexName, source.filters, within);
  }
  const { table, range, reverse } = resolveSource(tx, source);
  const block = Math.min(256, pageSize);
  return new RowScanner(tx, table, between(range, reverse, start, end), reverse, block);
}

/** The next row, or that the transaction may read no more. */
async function nextRow(
  scanner: RowScanner | SearchScanner,
  budget: PageBudget,
  rowsRead: number,
): Promise<Row | null | "spent"> {
  try {
    return await scanner.next();
  } catch (error) {
    if (!(error instanceof ReadLimitError) || rowsRead === 0) throw error;
    budget.hitLimit();
    return "spent";
  }
}

/** Results are arrays, whose length is limited; from three quarters of that on, a page should be split. */
const SPLIT_RECOMMENDED_DOCUMENTS = (8_192 * 3) / 4;

/** What one page may read: the caller's own limits, and those of the transaction. */
class PageBudget {
  private readonly bytesBefore: number;
  private spent = false;

  constructor(
    private readonly usage: Usage,
    private readonly request: PageRequest,
  ) {
    this.bytesBefore = usage.bytesRead;
  }

  isSpent(rowsRead: number): boolean {
    const { maximumRowsRead, maximumBytesRead } = this.request;
    const isOver = (limit: number | null | undefined, used: number) => limit != null && used >= limit;
    this.spent ||=
      isOver(maximumRowsRead, rowsRead) || isOver(maximumBytesRead, this.usage.bytesRead - this.bytesBefore);
    return this.spent;
  }

  hitLimit(): void {
    this.spent = true;
  }

  status(rowsRead: number, documents: number): Page["pageStatus"] {
    if (this.spent) return "SplitRequired";
    const { maximumRowsRead } = this.request;
    const isNear = maximumRowsRead !== null && rowsRead > (maximumRowsRead * 3) / 4;
    return isNear || documents > SPLIT_RECOMMENDED_DOCUMENTS ? "SplitRecommended" : null;
  }
}

/** A cursor in the middle of the rows that a page read, or null when there is nothing to split. */
function splitOf(fingerprint: string, rowKeys: string[]): string | null {
  return rowKeys.length < 2 ? null : encodeCursor(fingerprint, { key: rowKeys[(rowKeys.length - 1) >>> 1]! });
}
