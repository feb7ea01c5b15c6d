/**
 * Owns feed series, their chunks and gaps (events are in ledger.ts); the only writer of those tables. Rows are added and never
 * changed: a correction is a new row.
 */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { sha256Hex } from "../../lib/core/sha256";
import { decodeFeedChunk, encodeFeedChunk, feedChunkStartMs, mergePoints } from "../../lib/feeds/chunk";
import { settledFunding } from "../../lib/feeds/funding";
import { findFeedGaps } from "../../lib/feeds/gaps";
import { type FeedKey, type FeedPoint, isEventFeed, valueProblem } from "../../lib/feeds/types";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ensureInstrument, newestCloseMs } from "../market/model";

export interface FeedCounts {
  added: number;
  unchanged: number;
  revised: number;
}

export async function findFeed(ctx: QueryCtx, key: FeedKey): Promise<Doc<"feedSeries"> | null> {
  return ctx.db
    .query("feedSeries")
    .withIndex("by_series", (q) =>
      q.eq("instrument", key.instrument).eq("feed", key.feed).eq("source", key.source),
    )
    .unique();
}

function chunksOf(ctx: QueryCtx, key: FeedKey, fromMs: number, toMs: number) {
  return ctx.db
    .query("feedChunks")
    .withIndex("by_series_and_start", (q) =>
      q
        .eq("instrument", key.instrument)
        .eq("feed", key.feed)
        .eq("source", key.source)
        .gte("chunkStartMs", fromMs)
        .lt("chunkStartMs", toMs),
    );
}

/** Chunks that may hold events in [fromMs, toMs), oldest first, at most `limit`. */
export async function readFeedChunks(
  ctx: QueryCtx,
  key: FeedKey,
  fromMs: number,
  toMs: number,
  limit: number,
): Promise<Doc<"feedChunks">[]> {
  return chunksOf(ctx, key, feedChunkStartMs(key.feed, fromMs), toMs).take(limit);
}

const pointsOf = ({ payload }: Doc<"feedChunks">) => decodeFeedChunk(new Uint8Array(payload));

/**
 * When something that arrives now may be used: not before it was received, and not by a bar that is stored already.
 * A live run decides on bars after they are stored, so it has seen every point that its bar may use.
 */
export async function availableFromMs(
  ctx: QueryCtx,
  instrument: string,
  barsSource: string | null,
  receivedAtMs: number,
): Promise<number> {
  return Math.max(receivedAtMs, (await newestCloseMs(ctx, instrument, barsSource)) + 1);
}

/** Adds points of any events; repeating it adds nothing. Refuses a value that is out of its feed's range. */
export async function appendPoints(
  ctx: MutationCtx,
  key: FeedKey,
  points: FeedPoint[],
  simulated: boolean,
): Promise<FeedCounts> {
  await ensureInstrument(ctx, key.instrument);
  const series = await findFeed(ctx, key);
  if (series !== null && series.simulated !== simulated) {
    const kind = series.simulated ? "simulated" : "real";
    throw new ConvexError(
      appError(
        "CONFLICT",
        `${key.feed} of ${key.source} holds ${kind} points only; name another source`,
        "source",
      ),
    );
  }
  const byChunk = new Map<number, FeedPoint[]>();
  for (const point of points) {
    const problem = valueProblem(key.feed, point.value);
    if (problem !== null) {
      throw new ConvexError(appError("INVALID_ARGUMENT", `event ${point.eventAtMs}: ${problem}`, "points"));
    }
    const start = feedChunkStartMs(key.feed, point.eventAtMs);
    const group = byChunk.get(start);
    if (group === undefined) byChunk.set(start, [point]);
    else group.push(point);
  }
  if (byChunk.size > LIMITS.feedChunksPerAppend) {
    throw new ConvexError(
      appError(
        "LIMIT_EXCEEDED",
        `the points lie in ${byChunk.size} spans; send at most ${LIMITS.feedChunksPerAppend} a call`,
        "points",
      ),
    );
  }
  const total: FeedCounts = { added: 0, unchanged: 0, revised: 0 };
  let gaps = 0;
  for (const [start, group] of [...byChunk].sort(([a], [b]) => a - b)) {
    const counts = await mergeIntoChunk(ctx, key, start, group);
    total.added += counts.added;
    total.unchanged += counts.unchanged;
    total.revised += counts.revised;
    if (counts.added > 0 && !isEventFeed(key.feed)) gaps += await updateGaps(ctx, key, start);
  }
  if (total.added > 0) await touchSeries(ctx, key, simulated, points, total, gaps);
  return total;
}

async function mergeIntoChunk(
  ctx: MutationCtx,
  key: FeedKey,
  startMs: number,
  incoming: FeedPoint[],
): Promise<FeedCounts> {
  const stored = await chunksOf(ctx, key, startMs, startMs + 1).unique();
  const { merged, ...counts } = mergePoints(stored === null ? [] : pointsOf(stored), incoming);
  if (counts.added === 0) return counts;
  const bytes = encodeFeedChunk(merged);
  const times = eventTimes(merged);
  const fields = {
    ...key,
    chunkStartMs: startMs,
    rows: merged.length,
    firstEventAtMs: times[0]!,
    lastEventAtMs: times.at(-1)!,
    sha256: sha256Hex(bytes),
    payload: bytes.slice().buffer as ArrayBuffer,
  };
  if (stored === null) await ctx.db.insert("feedChunks", fields);
  else await ctx.db.replace(stored._id, fields);
  return counts;
}

function eventTimes(points: readonly FeedPoint[]): number[] {
  return [...new Set(points.map((point) => point.eventAtMs))].sort((a, b) => a - b);
}

/** The event before the oldest gap that begins at or after `sinceMs`, or null. */
export async function oldestGapMs(ctx: QueryCtx, key: FeedKey, sinceMs: number): Promise<number | null> {
  const gap = await ctx.db
    .query("feedGaps")
    .withIndex("by_series_and_from", (q) =>
      q.eq("instrument", key.instrument).eq("feed", key.feed).eq("source", key.source).gte("fromMs", sinceMs),
    )
    .first();
  return gap?.fromMs ?? null;
}

/** Makes the ledger of gaps around one chunk equal to what is stored; returns by how many it grew. */
async function updateGaps(ctx: MutationCtx, key: FeedKey, startMs: number): Promise<number> {
  const chunk = await chunksOf(ctx, key, startMs, startMs + 1).unique();
  if (chunk === null) return 0;
  const before = await chunksOf(ctx, key, 0, startMs).order("desc").first();
  const after = await chunksOf(ctx, key, startMs + 1, Number.MAX_SAFE_INTEGER).first();
  const times = eventTimes(pointsOf(chunk));
  if (before !== null) times.unshift(before.lastEventAtMs);
  if (after !== null) times.push(after.firstEventAtMs);
  const wanted = new Map(findFeedGaps(key.feed, times).map((gap) => [`${gap.fromMs}:${gap.toMs}`, gap]));
  const stored = await ctx.db
    .query("feedGaps")
    .withIndex("by_series_and_from", (q) =>
      q
        .eq("instrument", key.instrument)
        .eq("feed", key.feed)
        .eq("source", key.source)
        .gte("fromMs", times[0]!)
        .lt("fromMs", times.at(-1)!),
    )
    .take(LIMITS.gapsPerCall * 4);
  let change = 0;
  for (const row of stored) {
    if (wanted.delete(`${row.fromMs}:${row.toMs}`)) continue;
    await ctx.db.delete(row._id);
    change -= 1;
  }
  for (const gap of wanted.values()) {
    await ctx.db.insert("feedGaps", { ...key, ...gap, recordedAtMs: Date.now() });
    change += 1;
  }
  return change;
}

async function touchSeries(
  ctx: MutationCtx,
  key: FeedKey,
  simulated: boolean,
  points: FeedPoint[],
  counts: FeedCounts,
  gaps: number,
): Promise<void> {
  const series = await findFeed(ctx, key);
  const newest = points.reduce((best, point) => (point.eventAtMs >= best.eventAtMs ? point : best));
  const isNewest = series === null || newest.eventAtMs >= series.lastEventAtMs;
  const most = (name: "receivedAtMs" | "availableAtMs", held: number | undefined) =>
    Math.max(held ?? 0, ...points.map((point) => point[name]));
  const fields = {
    ...key,
    simulated,
    rows: (series?.rows ?? 0) + counts.added,
    revisions: (series?.revisions ?? 0) + counts.revised,
    gaps: (series?.gaps ?? 0) + gaps,
    firstEventAtMs: Math.min(
      series?.firstEventAtMs ?? Number.POSITIVE_INFINITY,
      ...points.map((p) => p.eventAtMs),
    ),
    lastEventAtMs: isNewest ? newest.eventAtMs : series.lastEventAtMs,
    lastValue: isNewest ? newest.value : series.lastValue,
    lastReceivedAtMs: most("receivedAtMs", series?.lastReceivedAtMs),
    lastAvailableAtMs: most("availableAtMs", series?.lastAvailableAtMs),
    updatedAtMs: Date.now(),
  };
  if (series === null) await ctx.db.insert("feedSeries", fields);
  else await ctx.db.patch(series._id, fields);
}

/**
 * The funding that was settled in (afterMs, untilMs] as the kernel of money asks for it, or undefined where the
 * settlement grid has none there: the paper venue then reads nothing.
 */
export async function settledFundingIn(
  ctx: QueryCtx,
  { instrument, source }: { instrument: string; source: string },
  {
    afterMs,
    untilMs,
    intervalMs,
    barMs,
  }: { afterMs: number; untilMs: number; intervalMs: number; barMs: number },
): Promise<((timeMs: number) => number) | undefined> {
  const firstMs = (Math.floor(afterMs / intervalMs) + 1) * intervalMs;
  if (firstMs > untilMs) return undefined;
  const key: FeedKey = { instrument, feed: "funding", source };
  const chunks = await readFeedChunks(ctx, key, firstMs, untilMs + 1, LIMITS.chunksPerPage);
  return settledFunding(chunks.flatMap(pointsOf), barMs);
}
