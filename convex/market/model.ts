/**
 * Owns instruments, candle series, chunks and revisions (gaps and ingestion runs are in ledger.ts); the only
 * writer of those tables. Every write is idempotent: the same bars leave the same state.
 */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { sha256Hex } from "../../lib/core/sha256";
import { chunkStartMs, decodeChunk, encodeChunk, mergeChunk } from "../../lib/market/chunk";
import { fromCandles } from "../../lib/market/columns";
import { findInstrument as findKnown } from "../../lib/market/instruments";
import { isExchangeSource } from "../../lib/market/sourceName";
import { timeframeMs } from "../../lib/market/timeframe";
import type { Candle, CandleColumns, SessionCalendar, Timeframe } from "../../lib/market/types";
import { REJECT_TEXT, validateColumns } from "../../lib/market/validate";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

export { recordAttempt, requireIngestion, startIngestion, updateIngestion } from "./ledger";

export interface SeriesKey {
  instrument: string;
  timeframe: Timeframe;
  source: string;
}

export interface AppendCounts {
  added: number;
  unchanged: number;
  revised: number;
}

export async function findSeries(ctx: QueryCtx, key: SeriesKey): Promise<Doc<"candleSeries"> | null> {
  return ctx.db
    .query("candleSeries")
    .withIndex("by_instrument_and_timeframe_and_source", (q) =>
      q.eq("instrument", key.instrument).eq("timeframe", key.timeframe).eq("source", key.source),
    )
    .unique();
}

export async function findInstrument(ctx: QueryCtx, symbol: string): Promise<Doc<"instruments"> | null> {
  return ctx.db
    .query("instruments")
    .withIndex("by_symbol", (q) => q.eq("symbol", symbol))
    .unique();
}

/** The instrument's row, made from the built-in table on first use. Refuses symbols nobody has described. */
export async function ensureInstrument(ctx: MutationCtx, symbol: string): Promise<Doc<"instruments">> {
  const existing = await findInstrument(ctx, symbol);
  if (existing !== null) return existing;
  const known = findKnown(symbol);
  if (!known.ok) throw new ConvexError(appError("NOT_FOUND", known.error, "instrument"));
  const id = await ctx.db.insert("instruments", {
    symbol,
    displayName: known.value.displayName,
    rules: known.value.rules,
    calendar: known.value.calendar,
    updatedAtMs: Date.now(),
  });
  return (await ctx.db.get(id))!;
}

export async function upsertInstrument(
  ctx: MutationCtx,
  instrument: Pick<Doc<"instruments">, "rules" | "calendar" | "displayName">,
): Promise<void> {
  const existing = await findInstrument(ctx, instrument.rules.symbol);
  const fields = { ...instrument, symbol: instrument.rules.symbol, updatedAtMs: Date.now() };
  if (existing === null) await ctx.db.insert("instruments", fields);
  else await ctx.db.patch(existing._id, fields);
}

/** Close of the newest bar that an exchange brought for the instrument, of one source or of any; -1 before the first. */
export async function newestCloseMs(
  ctx: QueryCtx,
  instrument: string,
  source: string | null,
): Promise<number> {
  const rows = await ctx.db
    .query("candleSeries")
    .withIndex("by_instrument_and_timeframe_and_source", (q) => q.eq("instrument", instrument))
    .take(LIMITS.pageSize);
  const live = rows.filter(
    (row) => row.source === source || (source === null && isExchangeSource(row.source)),
  );
  return Math.max(-1, ...live.map((row) => row.lastOpenTimeMs + timeframeMs(row.timeframe)));
}

function seriesRange(ctx: QueryCtx, key: SeriesKey, fromChunkMs: number, toMs: number) {
  return ctx.db
    .query("candleChunks")
    .withIndex("by_series_and_start", (q) =>
      q
        .eq("instrument", key.instrument)
        .eq("timeframe", key.timeframe)
        .eq("source", key.source)
        .gte("chunkStartMs", fromChunkMs)
        .lt("chunkStartMs", toMs),
    );
}

/** Chunks that may hold bars in [fromMs, toMs), oldest first, at most `limit`. */
export async function readChunks(
  ctx: QueryCtx,
  key: SeriesKey,
  fromMs: number,
  toMs: number,
  limit: number,
): Promise<Doc<"candleChunks">[]> {
  return seriesRange(ctx, key, chunkStartMs(fromMs, key.timeframe), toMs).take(limit);
}

/** The newest `count` chunks, oldest first; with a range, of those that may hold bars in [fromMs, toMs). */
export async function newestChunks(
  ctx: QueryCtx,
  key: SeriesKey,
  count: number,
  range = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER },
): Promise<Doc<"candleChunks">[]> {
  const newest = await seriesRange(ctx, key, chunkStartMs(range.fromMs, key.timeframe), range.toMs)
    .order("desc")
    .take(count);
  return newest.reverse();
}

/** Merges one chunk's worth of bars into the store. Throws on bars that fail validation: nothing bad is stored. */
async function mergeIntoChunk(
  ctx: MutationCtx,
  key: SeriesKey,
  startMs: number,
  incoming: CandleColumns,
): Promise<AppendCounts> {
  const problem = validateColumns(incoming, key.timeframe)[0];
  if (problem !== undefined) {
    const time = incoming.openTimeMs[problem.index];
    throw new ConvexError(
      appError("INVALID_ARGUMENT", `bar ${time}: ${REJECT_TEXT[problem.reason]}`, "payload"),
    );
  }
  const stored = await seriesRange(ctx, key, startMs, startMs + 1).unique();
  const merge = mergeChunk(stored === null ? null : decodeChunk(new Uint8Array(stored.payload)), incoming);
  const counts = { added: merge.added, unchanged: merge.unchanged, revised: merge.revised.length };
  if (counts.added === 0 && counts.revised === 0) return counts;
  const bytes = encodeChunk(merge.merged);
  const times = merge.merged.openTimeMs;
  const fields = {
    ...key,
    chunkStartMs: startMs,
    rows: times.length,
    firstOpenTimeMs: times[0]!,
    lastOpenTimeMs: times[times.length - 1]!,
    sha256: sha256Hex(bytes),
    payload: bytes.slice().buffer as ArrayBuffer,
  };
  if (stored === null) await ctx.db.insert("candleChunks", fields);
  else await ctx.db.replace(stored._id, fields);
  const recordedAtMs = Date.now();
  for (const { openTimeMs, before, after } of merge.revised) {
    await ctx.db.insert("candleRevisions", { ...key, openTimeMs, before, after, recordedAtMs });
  }
  return counts;
}

/** Adds bars of any range: columns must be ascending. Updates the series row in the same transaction. */
export async function appendColumns(
  ctx: MutationCtx,
  key: SeriesKey,
  blocks: { chunkStartMs: number; columns: CandleColumns }[],
  meta: { calendar: SessionCalendar; simulated: boolean },
): Promise<AppendCounts> {
  await ensureInstrument(ctx, key.instrument);
  const series = await findSeries(ctx, key);
  if (series !== null && series.simulated !== meta.simulated) {
    const kind = series.simulated ? "simulated" : "real";
    throw new ConvexError(
      appError(
        "CONFLICT",
        `The series ${key.source} holds ${kind} bars only; name another source`,
        "simulated",
      ),
    );
  }
  const total: AppendCounts = { added: 0, unchanged: 0, revised: 0 };
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const block of blocks) {
    const times = block.columns.openTimeMs;
    if (times.length === 0) continue;
    const start = block.chunkStartMs;
    const lastTime = times[times.length - 1]!;
    if (chunkStartMs(times[0]!, key.timeframe) !== start || chunkStartMs(lastTime, key.timeframe) !== start) {
      throw new ConvexError(
        appError("INVALID_ARGUMENT", `chunkStartMs ${start} does not hold all of its bars`, "chunkStartMs"),
      );
    }
    const counts = await mergeIntoChunk(ctx, key, start, block.columns);
    total.added += counts.added;
    total.unchanged += counts.unchanged;
    total.revised += counts.revised;
    first = Math.min(first, times[0]!);
    last = Math.max(last, lastTime);
  }
  if (total.added > 0 || total.revised > 0) await touchSeries(ctx, key, total.added, first, last, meta);
  return total;
}

async function touchSeries(
  ctx: MutationCtx,
  key: SeriesKey,
  added: number,
  firstMs: number,
  lastMs: number,
  meta: { calendar: SessionCalendar; simulated: boolean },
): Promise<void> {
  const series = await findSeries(ctx, key);
  const updatedAtMs = Date.now();
  if (series === null) {
    await ctx.db.insert("candleSeries", {
      ...key,
      ...meta,
      rows: added,
      firstOpenTimeMs: firstMs,
      lastOpenTimeMs: lastMs,
      updatedAtMs,
    });
    return;
  }
  await ctx.db.patch(series._id, {
    rows: series.rows + added,
    firstOpenTimeMs: Math.min(series.firstOpenTimeMs, firstMs),
    lastOpenTimeMs: Math.max(series.lastOpenTimeMs, lastMs),
    updatedAtMs,
  });
}

/** Says which hours the series keeps, once enough bars are there to tell. */
export async function setCalendar(
  ctx: MutationCtx,
  key: SeriesKey,
  calendar: SessionCalendar,
): Promise<void> {
  const series = await findSeries(ctx, key);
  if (series !== null && series.calendar !== calendar) await ctx.db.patch(series._id, { calendar });
}

/** Splits loose bars (ascending) by chunk. */
export function splitByChunk(
  bars: Candle[],
  timeframe: Timeframe,
): { chunkStartMs: number; columns: CandleColumns }[] {
  const byStart = new Map<number, Candle[]>();
  for (const bar of bars) {
    const start = chunkStartMs(bar.openTimeMs, timeframe);
    const list = byStart.get(start);
    if (list === undefined) byStart.set(start, [bar]);
    else list.push(bar);
  }
  return [...byStart].map(([start, list]) => ({ chunkStartMs: start, columns: fromCandles(list) }));
}
