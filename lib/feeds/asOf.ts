import type { SideFeeds, SideSeries } from "../features/sides";
import type { FeatureSetSpec } from "../features/types";
import { comparePoints } from "./chunk";
import { type FeedName, type FeedPoint, isSideFeed } from "./types";

const HOUR_MS = 3_600_000;

/** What reached the desk later than this after its event is history and never a feature. */
export const MAX_LATENESS_MS = 24 * HOUR_MS;

/**
 * Which points of a feed come into force, asked in the order of their availability: a point of an event that is
 * older than the newest one known then changes nothing, a correction of the newest one does. The answer
 * depends on points that were available earlier only.
 */
export class InForce {
  #newestEventMs = Number.NEGATIVE_INFINITY;

  take({ eventAtMs, availableAtMs }: FeedPoint): boolean {
    if (availableAtMs - eventAtMs > MAX_LATENESS_MS || eventAtMs < this.#newestEventMs) return false;
    this.#newestEventMs = eventAtMs;
    return true;
  }
}

/** The points that come into force, as features read them. The order of `points` does not matter. */
export function toSideSeries(points: readonly FeedPoint[]): SideSeries {
  const inForce = new InForce();
  const taken = [...points].sort(comparePoints).filter((point) => inForce.take(point));
  return {
    availableAtMs: Float64Array.from(taken, (point) => point.availableAtMs),
    value: Float64Array.from(taken, (point) => point.value),
  };
}

/** The side feeds among `feeds`, ready for a feature stream. */
export function toSideFeeds(
  feeds: ReadonlyArray<{ feed: FeedName; points: readonly FeedPoint[] }>,
): SideFeeds {
  const sides: SideFeeds = {};
  for (const { feed, points } of feeds) if (isSideFeed(feed)) sides[feed] = toSideSeries(points);
  return sides;
}

/** Feeds that the columns of a feature set read. */
export function feedsOf(spec: FeatureSetSpec): FeedName[] {
  return [...new Set(spec.columns.flatMap(({ feed }) => (feed === undefined ? [] : [feed])))];
}

/**
 * How far before the first bar events can lie that still bear on it: as old as the set lets a point be, and as late
 * as it may arrive. Points further back give the same features whether they are read or not.
 */
export function feedLookbackMs(spec: FeatureSetSpec): number {
  const ages = spec.columns.map(({ params }) => params.maxAgeHours ?? 0);
  return Math.max(0, ...ages) * HOUR_MS + MAX_LATENESS_MS;
}
