import { SIDE_FEEDS, type SideFeedName } from "../features/sides";

/** What arrives beside the candles: series that an exchange measures, and events that people and machines post. */

export const MEASURED_FEEDS = ["funding", "fundingEstimate", "basis", "openInterest"] as const;
export const EVENT_FEEDS = ["ideas", "signals", "news", "ocr"] as const;
export const FEEDS = [...MEASURED_FEEDS, ...EVENT_FEEDS] as const;

export type MeasuredFeed = (typeof MEASURED_FEEDS)[number];
export type EventFeed = (typeof EVENT_FEEDS)[number];
export type FeedName = (typeof FEEDS)[number];

export const isEventFeed = (feed: FeedName): feed is EventFeed =>
  (EVENT_FEEDS as readonly string[]).includes(feed);

/** Feeds that a feature set may read; the others are there for people. */
export const isSideFeed = (feed: FeedName): feed is SideFeedName =>
  (SIDE_FEEDS as readonly string[]).includes(feed);

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** How long after its settlement a rate of history counts as public. */
export const FUNDING_PUBLICATION_MS = MINUTE_MS;

export interface FeedFacts {
  unit: string;
  /** What a positive value means. */
  sign: string;
  /** Values outside [least, most] are refused. */
  least: number;
  most: number;
  /** Usual distance of two points; null where nothing is expected. */
  cadenceMs: number | null;
  /** A longer distance than this is a gap. */
  gapAfterMs: number;
  /** Events of one chunk lie in one span of this length, aligned to the epoch. */
  chunkSpanMs: number;
}

const POLLED = { cadenceMs: MINUTE_MS, gapAfterMs: 5 * MINUTE_MS, chunkSpanMs: DAY_MS };
const SCORE: FeedFacts = {
  unit: "score from -1 to 1",
  sign: "positive says up, negative down",
  least: -1,
  most: 1,
  cadenceMs: null,
  gapAfterMs: Number.POSITIVE_INFINITY,
  chunkSpanMs: DAY_MS,
};

export const FEED_FACTS: Record<FeedName, FeedFacts> = {
  funding: {
    unit: "fraction of the notional at the settlement",
    sign: "positive: longs pay shorts",
    least: -0.05,
    most: 0.05,
    cadenceMs: 8 * HOUR_MS,
    gapAfterMs: 9 * HOUR_MS,
    chunkSpanMs: 64 * DAY_MS,
  },
  fundingEstimate: {
    unit: "fraction of the notional, as the next settlement would take it now",
    sign: "positive: longs will pay shorts",
    least: -0.05,
    most: 0.05,
    ...POLLED,
  },
  basis: {
    unit: "(mark price - index price) / index price, a fraction",
    sign: "positive: the perpetual is dearer than its index",
    least: -0.5,
    most: 0.5,
    ...POLLED,
  },
  openInterest: {
    unit: "units of the instrument",
    sign: "always positive",
    least: 1e-9,
    most: 1e12,
    ...POLLED,
  },
  ideas: SCORE,
  signals: SCORE,
  news: SCORE,
  ocr: SCORE,
};

/** How a point came to the desk. The order is that of the stored codes: append only. */
export const ORIGINS = ["poll", "backfill", "file", "api"] as const;
export type Origin = (typeof ORIGINS)[number];

export interface FeedPoint {
  /** When it happened, as its source says: the settlement, the quote's time, the publication. */
  eventAtMs: number;
  /** When it reached the desk. */
  receivedAtMs: number;
  /**
   * From when a bar's close may know it. For what arrives live that is when it was received, and never before the
   * close of a bar that was stored already; for history it is declared by whoever brings it.
   */
  availableAtMs: number;
  value: number;
  origin: Origin;
}

export interface FeedKey {
  instrument: string;
  feed: FeedName;
  source: string;
}

/** Source of all posted events: they are about the instrument and not about one venue's bars. */
export const EVENT_SOURCE = "events";

/** The series of a feed that belongs to bars of a source: what their exchange measured, and every event. */
export function feedSourceOf(feed: FeedName, barsSource: string): string {
  return isEventFeed(feed) ? EVENT_SOURCE : barsSource;
}

/** Why a value does not fit its feed, or null. */
export function valueProblem(feed: FeedName, value: number): string | null {
  const { least, most, unit } = FEED_FACTS[feed];
  if (value >= least && value <= most) return null;
  return `${feed} is ${value}; it must be from ${least} to ${most} (${unit})`;
}
