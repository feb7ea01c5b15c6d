import { createColumns, sliceColumns } from "./columns";
import { decodeText, scanFields } from "./csvFields";
import { timeframeMs } from "./timeframe";
import type { CandleColumns, Timeframe } from "./types";
import { type RejectReason, validateOpenTime, validatePrices } from "./validate";

export const CANDLE_CSV_HEADER = "timestamp_ms,open,high,low,close,volume";

const MAX_LINE_BYTES = 4096;
const TEXT_LIMIT = 200;
const LF = 10;
const CR = 13;

/** The file is not a candle file at all; `message` says what was expected. */
export class CandleCsvFormatError extends Error {
  override name = "CandleCsvFormatError";
}

export interface CsvReject {
  /** 1-based line number in the file; the header is line 1. */
  line: number;
  reason: RejectReason;
  /** The line, cut at 200 characters. */
  text: string;
}

export interface CsvBatch {
  candles: CandleColumns;
  /** Details of refused rows, at most `rejectLimit` over the whole file; `summary` counts all. */
  rejects: CsvReject[];
}

export interface CsvSummary {
  rowsRead: number;
  rowsAccepted: number;
  rowsRejected: number;
  rejectsByReason: Partial<Record<RejectReason, number>>;
  firstOpenTimeMs: number | null;
  lastOpenTimeMs: number | null;
}

export interface CandleCsvParser {
  /** Parses every line completed by these bytes. Throws CandleCsvFormatError when line 1 is not the header. */
  push(bytes: Uint8Array): CsvBatch;
  /** Parses a last line without a line end. Throws CandleCsvFormatError when there was no header. */
  end(): CsvBatch;
  summary(): CsvSummary;
}

/**
 * Incremental parser of `timestamp_ms,open,high,low,close,volume` in UTF-8, with LF or CRLF, an optional
 * byte order mark and blank lines. Every number equals `Number(text)`. An accepted row is aligned to the
 * timeframe, later than the accepted row before it and sound by `validatePrices`; the others are refused
 * with a reason. How the file is cut into pushes does not change the result.
 */
export function createCandleCsvParser(options: {
  timeframe: Timeframe;
  rejectLimit: number;
}): CandleCsvParser {
  const step = timeframeMs(options.timeframe);
  let tail: Uint8Array = new Uint8Array(0);
  let line = 0;
  let headerSeen = false;
  let skippingLongLine = false;
  let rowsRead = 0;
  let rowsAccepted = 0;
  let rowsRejected = 0;
  let reported = 0;
  let firstOpenTimeMs: number | null = null;
  let previousMs = Number.NEGATIVE_INFINITY;
  const rejectsByReason: Partial<Record<RejectReason, number>> = {};
  const fields = new Float64Array(6);

  /** Parses complete lines of data[0 .. length); `length` is just past the last line end. */
  function parseLines(data: Uint8Array, length: number): CsvBatch {
    let columns = createColumns(Math.ceil(length / 24) + 1);
    let rows = 0;
    const rejects: CsvReject[] = [];

    function refuse(reason: RejectReason, start: number, end: number): void {
      rowsRejected++;
      rejectsByReason[reason] = (rejectsByReason[reason] ?? 0) + 1;
      if (reported >= options.rejectLimit) return;
      reported++;
      rejects.push({ line, reason, text: decodeText(data, start, Math.min(end, start + TEXT_LIMIT)) });
    }

    let start = 0;
    while (start < length) {
      let lineEnd = data.indexOf(LF, start);
      const next = lineEnd < 0 ? length : lineEnd + 1;
      if (lineEnd < 0) lineEnd = length;
      if (lineEnd > start && data[lineEnd - 1] === CR) lineEnd--;
      const lineStart = start;
      start = next;
      line++;
      if (skippingLongLine) {
        skippingLongLine = false;
        continue;
      }
      if (lineEnd === lineStart) continue;
      if (!headerSeen) {
        checkHeader(decodeText(data, lineStart, lineEnd));
        headerSeen = true;
        continue;
      }
      rowsRead++;
      if (lineEnd - lineStart > MAX_LINE_BYTES) {
        refuse("lineTooLong", lineStart, lineEnd);
        continue;
      }
      const broken = scanFields(data, lineStart, lineEnd, fields);
      if (broken !== null) {
        refuse(broken, lineStart, lineEnd);
        continue;
      }
      const time = fields[0]!;
      let reason = validateOpenTime(time, step);
      if (reason === null && time <= previousMs) reason = time === previousMs ? "duplicate" : "unordered";
      reason ??= validatePrices(fields[1]!, fields[2]!, fields[3]!, fields[4]!, fields[5]!);
      if (reason !== null) {
        refuse(reason, lineStart, lineEnd);
        continue;
      }
      if (rows === columns.openTimeMs.length) columns = grow(columns);
      columns.openTimeMs[rows] = previousMs = time;
      columns.open[rows] = fields[1]!;
      columns.high[rows] = fields[2]!;
      columns.low[rows] = fields[3]!;
      columns.close[rows] = fields[4]!;
      columns.volume[rows] = fields[5]!;
      rows++;
      rowsAccepted++;
      firstOpenTimeMs ??= time;
    }
    return { candles: sliceColumns(columns, 0, rows), rejects };
  }

  return {
    push(bytes) {
      const lastEnd = bytes.lastIndexOf(LF) + 1;
      let batch: CsvBatch = { candles: createColumns(0), rejects: [] };
      if (lastEnd > 0) {
        const data = tail.length === 0 ? bytes : join(tail, bytes.subarray(0, lastEnd));
        batch = parseLines(data, tail.length + lastEnd);
        tail = bytes.slice(lastEnd);
      } else tail = join(tail, bytes);
      if (tail.length > MAX_LINE_BYTES + 1) {
        // The rest of this line is dropped as it comes, so a file without line ends cannot fill memory.
        if (!headerSeen) checkHeader(decodeText(tail, 0, TEXT_LIMIT));
        if (!skippingLongLine) {
          const { rejects } = countLongLine(tail);
          batch.rejects.push(...rejects);
        }
        skippingLongLine = true;
        tail = new Uint8Array(0);
      }
      return batch;
    },
    end() {
      const data = tail;
      tail = new Uint8Array(0);
      const batch = parseLines(data, data.length);
      if (!headerSeen)
        throw new CandleCsvFormatError(`the file is empty; expected the header ${CANDLE_CSV_HEADER}`);
      return batch;
    },
    summary: () => ({
      rowsRead,
      rowsAccepted,
      rowsRejected,
      rejectsByReason: { ...rejectsByReason },
      firstOpenTimeMs,
      lastOpenTimeMs: rowsAccepted === 0 ? null : previousMs,
    }),
  };

  function countLongLine(data: Uint8Array): { rejects: CsvReject[] } {
    rowsRead++;
    rowsRejected++;
    rejectsByReason.lineTooLong = (rejectsByReason.lineTooLong ?? 0) + 1;
    if (reported >= options.rejectLimit) return { rejects: [] };
    reported++;
    return { rejects: [{ line: line + 1, reason: "lineTooLong", text: decodeText(data, 0, TEXT_LIMIT) }] };
  }
}

function checkHeader(text: string): void {
  const header = text.replace(/^\uFEFF/, "").trim();
  if (header === CANDLE_CSV_HEADER) return;
  throw new CandleCsvFormatError(
    `line 1 is "${header.slice(0, 80)}"; a candle file starts with the header ${CANDLE_CSV_HEADER}`,
  );
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function grow(columns: CandleColumns): CandleColumns {
  const larger = createColumns(columns.openTimeMs.length * 2);
  for (const name of ["openTimeMs", "open", "high", "low", "close", "volume"] as const) {
    larger[name].set(columns[name]);
  }
  return larger;
}
