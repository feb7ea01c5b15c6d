import type { SideFeedName } from "../features/sides";
import { InForce } from "./asOf";
import { comparePoints } from "./chunk";
import { type FeedName, type FeedPoint, isSideFeed } from "./types";

/** A point that came into force, as a feature stream takes it. */
export interface SidePoint {
  feed: SideFeedName;
  availableAtMs: number;
  value: number;
}

/** Hands out the points of side feeds as bars close: the streaming twin of `toSideFeeds`. */
export class FeedCursor {
  readonly #inForce = new Map<FeedName, InForce>();
  readonly #waiting = new Map<FeedName, FeedPoint[]>();
  #givenMs = Number.NEGATIVE_INFINITY;

  /** Adds points in any order; those that bars were already given without are left out. */
  add(feed: FeedName, points: readonly FeedPoint[]): void {
    const fresh = points.filter((point) => point.availableAtMs > this.#givenMs);
    this.#waiting.set(feed, [...(this.#waiting.get(feed) ?? []), ...fresh].sort(comparePoints));
  }

  /** The points that came into force up to a bar's close since the last call, feed by feed. */
  upTo(closeMs: number): SidePoint[] {
    this.#givenMs = closeMs;
    const given: SidePoint[] = [];
    for (const [feed, waiting] of this.#waiting) {
      const next = waiting.findIndex((point) => point.availableAtMs > closeMs);
      const due = waiting.splice(0, next < 0 ? waiting.length : next);
      if (!isSideFeed(feed)) continue;
      const inForce = this.#inForce.get(feed) ?? new InForce();
      this.#inForce.set(feed, inForce);
      for (const point of due) {
        if (inForce.take(point)) given.push({ feed, availableAtMs: point.availableAtMs, value: point.value });
      }
    }
    return given;
  }
}
