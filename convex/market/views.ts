/** Read-side shaping of candles: chunk decoding and aggregation for charts and live feeds. */
import { LIMITS } from "../../lib/contract/limits";
import { aggregateCandles } from "../../lib/market/aggregate";
import { decodeChunk } from "../../lib/market/chunk";
import { candleAt, concatColumns } from "../../lib/market/columns";
import { timeframeMs } from "../../lib/market/timeframe";
import type { Candle, CandleColumns, Timeframe } from "../../lib/market/types";
import type { QueryCtx } from "../_generated/server";
import { findSeries, newestChunks, readChunks, type SeriesKey } from "./model";

function decodeAll(docs: { payload: ArrayBuffer }[]): CandleColumns {
  return concatColumns(docs.map((doc) => decodeChunk(new Uint8Array(doc.payload))));
}

function within(columns: CandleColumns, fromMs: number, toMs: number, limit: number): Candle[] {
  const bars: Candle[] = [];
  for (let i = 0; i < columns.openTimeMs.length; i++) {
    const time = columns.openTimeMs[i]!;
    if (time < fromMs || time >= toMs) continue;
    bars.push(candleAt(columns, i));
  }
  return bars.length > limit ? bars.slice(bars.length - limit) : bars;
}

export async function candlesAfter(
  ctx: QueryCtx,
  key: SeriesKey,
  afterMs: number,
  limit: number,
): Promise<Candle[]> {
  const docs = await readChunks(ctx, key, afterMs + 1, Number.MAX_SAFE_INTEGER, 8);
  const columns = decodeAll(docs);
  const bars: Candle[] = [];
  for (let i = 0; i < columns.openTimeMs.length && bars.length < limit; i++) {
    if (columns.openTimeMs[i]! > afterMs) bars.push(candleAt(columns, i));
  }
  return bars;
}

const BASES: Timeframe[] = ["1m", "5m", "15m", "1h"];

/**
 * Closed bars for a chart, at most `LIMITS.candlesPerView`: the stored series when there is one of that
 * timeframe, else aggregated from the finest stored one. Always the newest `limit` bars, of the range if given.
 */
export async function candlesForView(
  ctx: QueryCtx,
  key: SeriesKey,
  range: { fromMs: number; toMs: number } | null,
  limit: number,
): Promise<Candle[]> {
  const bounded = Math.max(1, Math.min(limit, LIMITS.candlesPerView));
  const candidates = [key.timeframe, ...BASES.filter((tf) => timeframeMs(tf) < timeframeMs(key.timeframe))];
  for (const timeframe of candidates) {
    const stored = await findSeries(ctx, { ...key, timeframe });
    if (stored === null) continue;
    const base = { ...key, timeframe };
    const ratio = timeframeMs(key.timeframe) / timeframeMs(timeframe);
    const wantedChunks = Math.min(LIMITS.chunksPerPage, Math.ceil((bounded * ratio) / 1_000) + 2);
    const docs =
      range === null
        ? await newestChunks(ctx, base, wantedChunks)
        : await newestChunks(ctx, base, LIMITS.chunksPerPage, range);
    const columns = decodeAll(docs);
    const bars =
      ratio === 1 ? columns : aggregateCandles(columns, key.timeframe, { sourceTimeframe: timeframe });
    const from = range?.fromMs ?? Number.NEGATIVE_INFINITY;
    const to = range?.toMs ?? Number.POSITIVE_INFINITY;
    return within(bars, from, to, bounded);
  }
  return [];
}
