/** Where a run's closed source bars come from. Both feeds yield bars in order, each exactly once. */
import { api } from "../../convex/_generated/api";
import { decodeChunk } from "../../lib/market/chunk";
import { candleAt } from "../../lib/market/columns";
import type { Candle, Timeframe } from "../../lib/market/types";
import { storedChunks } from "../jobs/snapshot";
import { type Desk, waitForQuery } from "../transport/desk";

export interface SeriesKey {
  instrument: string;
  timeframe: Timeframe;
  source: string;
}

const LIVE_PAGE_BARS = 1_000;

/** Stored bars with open times in [fromMs, toMs), as if they arrived one after another. */
export async function* storedBars(
  desk: Desk,
  key: SeriesKey,
  fromMs: number,
  toMs: number,
): AsyncGenerator<Candle> {
  for await (const { bytes } of storedChunks(desk, key, fromMs, toMs)) {
    const columns = decodeChunk(bytes);
    for (let i = 0; i < columns.openTimeMs.length; i++) {
      const time = columns.openTimeMs[i]!;
      if (time >= fromMs && time < toMs) yield candleAt(columns, i);
    }
  }
}

/** Stored bars from `fromMs`, then every new closed bar as the exchange ingestion stores it, until the signal. */
export async function* liveBars(
  desk: Desk,
  key: SeriesKey,
  fromMs: number,
  signal: AbortSignal,
): AsyncGenerator<Candle> {
  let afterMs = fromMs - 1;
  while (!signal.aborted) {
    const bars = await waitForQuery(
      desk,
      api.market.worker.barsAfter,
      { ...key, afterMs, limit: LIVE_PAGE_BARS },
      (page) => page.length > 0,
      signal,
    );
    if (bars === null) return;
    for (const bar of bars) {
      yield bar;
      afterMs = bar.openTimeMs;
    }
  }
}
