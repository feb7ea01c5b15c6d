import { FEED_FACTS, type FeedName } from "./types";

export interface FeedGap {
  /** Events on both sides of the gap. */
  fromMs: number;
  toMs: number;
  /** Points that the usual distance would put between them. */
  missing: number;
}

/** Gaps between ascending event times; none where nothing is expected. */
export function findFeedGaps(feed: FeedName, eventTimesMs: readonly number[]): FeedGap[] {
  const { cadenceMs, gapAfterMs } = FEED_FACTS[feed];
  if (cadenceMs === null) return [];
  const gaps: FeedGap[] = [];
  for (let i = 1; i < eventTimesMs.length; i++) {
    const [fromMs, toMs] = [eventTimesMs[i - 1]!, eventTimesMs[i]!];
    if (toMs - fromMs <= gapAfterMs) continue;
    gaps.push({ fromMs, toMs, missing: Math.max(1, Math.round((toMs - fromMs) / cadenceMs) - 1) });
  }
  return gaps;
}
