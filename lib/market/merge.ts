import { candleAt, createColumns, sliceColumns } from "./columns";
import type { Candle, CandleColumns } from "./types";

export interface ChunkMerge {
  merged: CandleColumns;
  added: number;
  unchanged: number;
  /** Bars whose stored values differ from the incoming ones; the incoming ones win. */
  revised: Array<{ openTimeMs: number; before: Candle; after: Candle }>;
}

/**
 * Joins incoming bars into stored ones by open time. Merging the same bars again changes nothing, so an
 * interrupted import may be repeated. Both sides must ascend strictly; throws RangeError otherwise.
 */
export function mergeChunk(existing: CandleColumns | null, incoming: CandleColumns): ChunkMerge {
  requireAscending(incoming.openTimeMs);
  const incomingRows = incoming.openTimeMs.length;
  if (existing === null) return { merged: incoming, added: incomingRows, unchanged: 0, revised: [] };
  requireAscending(existing.openTimeMs);
  const existingRows = existing.openTimeMs.length;
  const union = createColumns(existingRows + incomingRows);
  const result: ChunkMerge = { merged: union, added: 0, unchanged: 0, revised: [] };
  let i = 0;
  let j = 0;
  let rows = 0;
  while (i < existingRows || j < incomingRows) {
    const stored = i < existingRows ? existing.openTimeMs[i]! : Number.POSITIVE_INFINITY;
    const fresh = j < incomingRows ? incoming.openTimeMs[j]! : Number.POSITIVE_INFINITY;
    if (stored < fresh) copyRow(existing, i++, union, rows++);
    else {
      if (stored > fresh) result.added++;
      else if (sameRow(existing, i, incoming, j)) {
        result.unchanged++;
        i++;
      } else {
        const before = candleAt(existing, i++);
        result.revised.push({ openTimeMs: fresh, before, after: candleAt(incoming, j) });
      }
      copyRow(incoming, j++, union, rows++);
    }
  }
  result.merged = sliceColumns(union, 0, rows);
  return result;
}

function requireAscending(times: Float64Array): void {
  for (let i = 1; i < times.length; i++) {
    if (!(times[i]! > times[i - 1]!)) throw new RangeError(`mergeChunk: openTimeMs[${i}] does not ascend`);
  }
}

function sameRow(a: CandleColumns, i: number, b: CandleColumns, j: number): boolean {
  return (
    a.open[i] === b.open[j] &&
    a.high[i] === b.high[j] &&
    a.low[i] === b.low[j] &&
    a.close[i] === b.close[j] &&
    a.volume[i] === b.volume[j]
  );
}

function copyRow(from: CandleColumns, i: number, to: CandleColumns, j: number): void {
  to.openTimeMs[j] = from.openTimeMs[i]!;
  to.open[j] = from.open[i]!;
  to.high[j] = from.high[i]!;
  to.low[j] = from.low[i]!;
  to.close[j] = from.close[i]!;
  to.volume[j] = from.volume[i]!;
}
