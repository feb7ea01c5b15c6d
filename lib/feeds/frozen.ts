import { sha256Hex } from "../core/sha256";
import type { FeedManifest, SourceChunk } from "../dataset/types";
import { decodeFeedChunk, encodeFeedChunk } from "./chunk";
import type { FeedName, FeedPoint } from "./types";

/** The points of one feed as a dataset keeps them. */
export interface FrozenFeed {
  feed: FeedName;
  source: string;
  points: FeedPoint[];
  /** Stored chunks that the points were read from. */
  sourceChunks: SourceChunk[];
}

/** What bears on bars from `fromMs` to `toMs`: events from then on that were available by the end. */
export function freezeFeed(
  feed: Omit<FrozenFeed, "points">,
  points: readonly FeedPoint[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): FrozenFeed {
  return {
    ...feed,
    points: points.filter((point) => point.eventAtMs >= fromMs && point.availableAtMs <= toMs),
  };
}

/** The feed's line in a manifest and its bytes, whose SHA-256 the line names. */
export function describeFrozen(frozen: FrozenFeed): { entry: FeedManifest; bytes: Uint8Array } {
  const bytes = encodeFeedChunk(frozen.points);
  const { feed, source, points, sourceChunks } = frozen;
  return { entry: { feed, source, points: points.length, sha256: sha256Hex(bytes), sourceChunks }, bytes };
}

/** Inverse of `describeFrozen`. Throws RangeError when the bytes are not those that the line names. */
export function thawFeed(
  { feed, source, sha256, sourceChunks }: FeedManifest,
  bytes: Uint8Array,
): FrozenFeed {
  const actual = sha256Hex(bytes);
  if (actual !== sha256)
    throw new RangeError(`feed ${feed} hashes to ${actual}, the manifest says ${sha256}`);
  return { feed: feed as FeedName, source, points: decodeFeedChunk(bytes), sourceChunks };
}
