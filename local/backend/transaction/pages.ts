import { createHash } from "node:crypto";
import { RANKS, SearchScanner } from "../search/searchScanner";
import type { KeyRange } from "../store/store";
import { afterKey } from "../values/keys";
import { compareKeys } from "./layer";
import { Operators, RowScanner, resolveSource, type SerializedQuery } from "./queryStream";
import type { Transaction } from "./transaction";

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

function decodeCursor(fingerprint: string, cursor: string): Position {
  const [query, position] = cursor.split(".");
  if (query !== fingerprint || position === undefined) {
    throw new Error(
      "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor is from a different query.",
    );
  }
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
  const fingerprint = fingerprintOf(request.query);
  const start = request.cursor === null ? null : decodeCursor(fingerprint, request.cursor);
  const end = request.endCursor === null ? null : decodeCursor(fingerprint, request.endCursor);
  const { scanner, reverse } = openPage(tx, request, start, end);
  const operators = new Operators(request.query.operators);
  const documents: string[] = [];
  const rowKeys: string[] = [];
  const bytesBefore = tx.usage.bytesRead;
  const overBudget = () =>
    (request.maximumRowsRead !== null && rowKeys.length >= request.maximumRowsRead) ||
    (request.maximumBytesRead != null && tx.usage.bytesRead - bytesBefore >= request.maximumBytesRead);
  let position: Position | null = null;
  while (position === null) {
    if (end === null && documents.length >= request.pageSize)
      position = lastPosition(rowKeys, start, reverse);
    else if (overBudget() && rowKeys.length > 0) position = { key: rowKeys.at(-1)! };
    else if (operators.limitReached) position = "end";
    else {
      const row = await scanner.next();
      if (row === null) position = end ?? "end";
      else {
        rowKeys.push(row.key);
        if (operators.accepts(row)) documents.push(row.document.text);
      }
    }
  }
  return {
    documents,
    isDone: position === "end",
    continueCursor: encodeCursor(fingerprint, position),
    ...splitOf(fingerprint, rowKeys, end !== null && position !== end),
  };
}

/** Rows of the query between two positions, and whether they come in descending order of their keys. */
function openPage(
  tx: Transaction,
  { query: { source }, pageSize }: PageRequest,
  start: Position | null,
  end: Position | null,
): { scanner: RowScanner | SearchScanner; reverse: boolean } {
  if (source.type === "Search") {
    const within = between(RANKS, false, start, end);
    return { scanner: new SearchScanner(tx, source.indexName, source.filters, within), reverse: false };
  }
  const { table, range, reverse } = resolveSource(tx, source);
  const block = Math.min(256, Math.max(1, pageSize));
  return { scanner: new RowScanner(tx, table, between(range, reverse, start, end), reverse, block), reverse };
}

function lastPosition(rowKeys: string[], start: Position | null, reverse: boolean): Position {
  const key = rowKeys.at(-1);
  // A page of size zero stays where it started: before the first row in the query's order.
  return key === undefined ? (start ?? { key: reverse ? "\xff" : "" }) : { key };
}

const SPLIT_RECOMMENDED_ROWS = 1_000;

function splitOf(
  fingerprint: string,
  rowKeys: string[],
  cutShort: boolean,
): Pick<Page, "splitCursor" | "pageStatus"> {
  if (rowKeys.length < 2) return { splitCursor: null, pageStatus: null };
  const middle = rowKeys[(rowKeys.length - 1) >>> 1]!;
  const status = cutShort
    ? "SplitRequired"
    : rowKeys.length > SPLIT_RECOMMENDED_ROWS
      ? "SplitRecommended"
      : null;
  return { splitCursor: encodeCursor(fingerprint, { key: middle }), pageStatus: status };
}
