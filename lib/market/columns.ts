import type { Candle, CandleColumns } from "./types";

export const COLUMN_NAMES = ["openTimeMs", "open", "high", "low", "close", "volume"] as const;

/** Columns for `rows` bars, all zero. */
export function createColumns(rows: number): CandleColumns {
  return mapColumns(() => new Float64Array(rows));
}

/** Builds every column with one function; the result always has all six. */
export function mapColumns(build: (name: (typeof COLUMN_NAMES)[number]) => Float64Array): CandleColumns {
  return {
    openTimeMs: build("openTimeMs"),
    open: build("open"),
    high: build("high"),
    low: build("low"),
    close: build("close"),
    volume: build("volume"),
  };
}

/** Copies bars into columns. */
export function fromCandles(candles: readonly Candle[]): CandleColumns {
  return mapColumns((name) => Float64Array.from(candles, (candle) => candle[name]));
}

/** The bars as objects. */
export function toCandles(columns: CandleColumns): Candle[] {
  return Array.from({ length: columns.openTimeMs.length }, (_, i) => candleAt(columns, i));
}

/** Bar `index` as an object; throws RangeError outside 0 .. rows - 1. */
export function candleAt(columns: CandleColumns, index: number): Candle {
  if (!(index >= 0 && index < columns.openTimeMs.length)) {
    throw new RangeError(`candleAt: index ${index} is outside 0..${columns.openTimeMs.length - 1}`);
  }
  return {
    openTimeMs: columns.openTimeMs[index]!,
    open: columns.open[index]!,
    high: columns.high[index]!,
    low: columns.low[index]!,
    close: columns.close[index]!,
    volume: columns.volume[index]!,
  };
}

/** Copy of rows [from, to). */
export function sliceColumns(columns: CandleColumns, from: number, to?: number): CandleColumns {
  return mapColumns((name) => columns[name].slice(from, to));
}

/** Joins parts in the given order; the caller keeps times ascending. */
export function concatColumns(parts: readonly CandleColumns[]): CandleColumns {
  const rows = parts.reduce((sum, part) => sum + part.openTimeMs.length, 0);
  return mapColumns((name) => {
    const out = new Float64Array(rows);
    let offset = 0;
    for (const part of parts) {
      out.set(part[name], offset);
      offset += part[name].length;
    }
    return out;
  });
}

/** Index of the first value >= `target` in ascending `values` (its length when there is none). */
export function lowerBound(values: Float64Array, target: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < target) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Bars whose open time lies in [fromMs, toMs). */
export function rangeColumns(columns: CandleColumns, fromMs: number, toMs: number): CandleColumns {
  return sliceColumns(columns, lowerBound(columns.openTimeMs, fromMs), lowerBound(columns.openTimeMs, toMs));
}
