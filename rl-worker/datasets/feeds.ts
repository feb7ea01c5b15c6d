/** Stored feeds as datasets freeze them and as live bars take them. */
import { api } from "../../convex/_generated/api";
import { sha256Hex } from "../../lib/core/sha256";
import type { SourceChunk } from "../../lib/dataset/types";
import type { FeatureSetSpec } from "../../lib/features/types";
import { feedLookbackMs, feedsOf, MAX_LATENESS_MS } from "../../lib/feeds/asOf";
import { decodeFeedChunk } from "../../lib/feeds/chunk";
import { FeedCursor } from "../../lib/feeds/cursor";
import { type FrozenFeed, freezeFeed } from "../../lib/feeds/frozen";
import { settledFunding } from "../../lib/feeds/funding";
import { FEED_FACTS, type FeedKey, type FeedPoint, feedSourceOf } from "../../lib/feeds/types";
import { timeframeMs } from "../../lib/market/timeframe";
import type { Timeframe } from "../../lib/market/types";
import type { PointSource } from "../infer/barPipeline";
import type { Desk } from "../transport/desk";
import type { DatasetFile } from "./parquet";

interface BarsKey {
  instrument: string;
  timeframe: Timeframe;
  source: string;
}

/** Points of events in [fromMs, toMs), page by page, with the chunks they came from. */
async function storedPoints(
  desk: Desk,
  key: FeedKey,
  fromMs: number,
  toMs: number,
): Promise<{ points: FeedPoint[]; sourceChunks: SourceChunk[] }> {
  const points: FeedPoint[] = [];
  const sourceChunks: SourceChunk[] = [];
  let cursorMs = Math.max(0, fromMs);
  while (cursorMs < toMs) {
    const page = await desk.query(api.feeds.worker.chunks, { ...key, fromMs: cursorMs, toMs });
    for (const { chunkStartMs, sha256, payload } of page) {
      const bytes = new Uint8Array(payload);
      if (sha256Hex(bytes) !== sha256) {
        throw new Error(`${key.feed} chunk ${chunkStartMs} does not match its hash; import the feed again`);
      }
      for (const point of decodeFeedChunk(bytes)) {
        if (point.eventAtMs >= fromMs && point.eventAtMs < toMs) points.push(point);
      }
      sourceChunks.push({ chunkStartMs, sha256 });
    }
    const last = page.at(-1);
    if (last === undefined) break;
    cursorMs = last.chunkStartMs + FEED_FACTS[key.feed].chunkSpanMs;
  }
  return { points, sourceChunks };
}

/**
 * The feeds that bear on a dataset's bars, frozen: those that its features read, and funding, which money is
 * charged by. A feed without a point in the range is left out.
 */
export async function freezeFeeds(
  desk: Desk,
  { instrument, source }: Pick<BarsKey, "instrument" | "source">,
  spec: FeatureSetSpec,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<FrozenFeed[]> {
  const range = { fromMs: fromMs - feedLookbackMs(spec), toMs };
  const frozen: FrozenFeed[] = [];
  for (const feed of new Set(["funding" as const, ...feedsOf(spec)])) {
    const key = { instrument, feed, source: feedSourceOf(feed, source) };
    const { points, sourceChunks } = await storedPoints(desk, key, range.fromMs, toMs + 1);
    const kept = freezeFeed({ feed, source: key.source, sourceChunks }, points, range);
    if (kept.points.length > 0) frozen.push(kept);
  }
  return frozen;
}

/** The settled funding that a dataset holds, as the kernel of money asks for it; undefined where it holds none. */
export function fundingOf({ feeds, core }: Pick<DatasetFile, "feeds" | "core">) {
  const funding = feeds.find(({ feed }) => feed === "funding");
  return funding && settledFunding(funding.points, timeframeMs(core.timeframe));
}

/** The feeds of a dataset, for a replay of its bars. */
export function frozenPoints(feeds: readonly FrozenFeed[]): PointSource {
  const cursor = new FeedCursor();
  for (const { feed, points } of feeds) cursor.add(feed, points);
  return { upTo: async (closeMs) => cursor.upTo(closeMs) };
}

/**
 * The stored feeds beside stored or live bars. A point that is stored after a bar is available to later bars only, so
 * up to the close of the newest stored bar everything that will ever count is there: it is read once.
 */
export function storedFeedPoints(
  desk: Desk,
  bars: BarsKey,
  spec: FeatureSetSpec,
  featuresFromMs: number,
): PointSource {
  const feeds = feedsOf(spec);
  const cursor = new FeedCursor();
  let readToMs = Number.NEGATIVE_INFINITY;

  async function readOn(closeMs: number): Promise<void> {
    const series = await desk.query(api.market.worker.series, bars);
    const newestMs = series === null ? closeMs : series.lastOpenTimeMs + timeframeMs(bars.timeframe);
    const toMs = Math.max(closeMs, newestMs);
    const fromMs = Number.isFinite(readToMs)
      ? readToMs - MAX_LATENESS_MS
      : featuresFromMs - feedLookbackMs(spec);
    await Promise.all(
      feeds.map(async (feed) => {
        const key = { instrument: bars.instrument, feed, source: feedSourceOf(feed, bars.source) };
        const { points } = await storedPoints(desk, key, fromMs, toMs + 1);
        cursor.add(
          feed,
          points.filter(({ availableAtMs }) => availableAtMs > readToMs && availableAtMs <= toMs),
        );
      }),
    );
    readToMs = toMs;
  }

  return {
    async upTo(closeMs) {
      if (feeds.length > 0 && closeMs > readToMs) await readOn(closeMs);
      return cursor.upTo(closeMs);
    },
  };
}
