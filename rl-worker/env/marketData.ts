import type { FeatureMatrix } from "../../lib/features/types";
import type { Candle, CandleColumns } from "../../lib/market/types";

/** Bars, the features and the ATR(14) of the same rows. */
export interface MarketData {
  candles: CandleColumns;
  features: FeatureMatrix;
  /** Price units; row i belongs to candle i. */
  atr: Float64Array;
}

/** Rows [fromRow, toRow): decisions are taken on all but the last, which only fills. */
export interface RowRange {
  fromRow: number;
  toRow: number;
}

/** Reusable bar, so that stepping through columns allocates nothing per bar. */
export function createBarReader(candles: CandleColumns): (row: number) => Candle {
  const bar: Candle = { openTimeMs: 0, open: 0, high: 0, low: 0, close: 0, volume: 0 };
  return (row) => {
    bar.openTimeMs = candles.openTimeMs[row]!;
    bar.open = candles.open[row]!;
    bar.high = candles.high[row]!;
    bar.low = candles.low[row]!;
    bar.close = candles.close[row]!;
    bar.volume = candles.volume[row]!;
    return bar;
  };
}

function isUsableRow({ features, atr }: MarketData, row: number): boolean {
  if (!Number.isFinite(atr[row]!)) return false;
  const { values, width } = features;
  const end = (row + 1) * width;
  for (let i = row * width; i < end; i++) if (!Number.isFinite(values[i]!)) return false;
  return true;
}

/**
 * Checks that bars, features and ATR belong together and that every row of the range can be decided on.
 * Without `fromRow` the range starts at the first usable row; without `toRow` it ends with the data.
 * Throws a RangeError that names the first problem.
 */
export function usableRange(data: MarketData, fromRow?: number, toRow?: number): RowRange {
  const rows = data.candles.openTimeMs.length;
  if (data.features.rows !== rows || data.atr.length !== rows) {
    throw new RangeError(
      `Features have ${data.features.rows} rows and ATR ${data.atr.length} for ${rows} candles; ` +
        "compute both from these candles.",
    );
  }
  const end = toRow ?? rows;
  let start = fromRow ?? 0;
  if (fromRow === undefined) while (start < end && !isUsableRow(data, start)) start += 1;
  if (
    !Number.isSafeInteger(start) ||
    !Number.isSafeInteger(end) ||
    start < 0 ||
    end > rows ||
    end - start < 2
  ) {
    throw new RangeError(
      `Rows [${start}, ${end}) of ${rows} hold no step; at least 2 usable rows are needed.`,
    );
  }
  for (let row = start; row < end; row++) {
    if (!isUsableRow(data, row)) {
      throw new RangeError(`Row ${row} has a feature or ATR that is not finite; start after the warm-up.`);
    }
  }
  return { fromRow: start, toRow: end };
}
