import { defineTable } from "convex/server";
import { v } from "convex/values";

export const vFeed = v.union(
  v.literal("funding"),
  v.literal("fundingEstimate"),
  v.literal("basis"),
  v.literal("openInterest"),
  v.literal("ideas"),
  v.literal("signals"),
  v.literal("news"),
  v.literal("ocr"),
);

export const vEventFeed = v.union(
  v.literal("ideas"),
  v.literal("signals"),
  v.literal("news"),
  v.literal("ocr"),
);

const feedKey = { instrument: v.string(), feed: vFeed, source: v.string() };

/** One row for each series: what the data page shows without reading points. */
export const feedSeriesFields = {
  ...feedKey,
  simulated: v.boolean(),
  rows: v.number(),
  /** Rows that gave another value to an event that was there; the earlier rows stay. */
  revisions: v.number(),
  gaps: v.number(),
  firstEventAtMs: v.number(),
  lastEventAtMs: v.number(),
  lastReceivedAtMs: v.number(),
  lastAvailableAtMs: v.number(),
  /** Value of the newest event. */
  lastValue: v.number(),
  updatedAtMs: v.number(),
};

/** Points whose events lie in one span, as one encoded block; rows are added and never changed. */
export const feedChunkFields = {
  ...feedKey,
  chunkStartMs: v.number(),
  rows: v.number(),
  firstEventAtMs: v.number(),
  lastEventAtMs: v.number(),
  sha256: v.string(),
  payload: v.bytes(),
};

export const feedGapFields = {
  ...feedKey,
  fromMs: v.number(),
  toMs: v.number(),
  missing: v.number(),
  recordedAtMs: v.number(),
};

/** What was posted or imported, whole; its score is also a point of the feed. Never changed. */
export const feedEventFields = {
  instrument: v.string(),
  feed: vEventFeed,
  /** Name of the token, or of the file's source. */
  publisher: v.string(),
  /** The publisher's own id; the same id is the same event. */
  externalId: v.string(),
  /** `externalId` of the event that this one corrects. */
  corrects: v.optional(v.string()),
  eventAtMs: v.number(),
  receivedAtMs: v.number(),
  availableAtMs: v.number(),
  /** -1 (down) to 1 (up). */
  score: v.number(),
  /** 0 to 1, as the publisher states it. */
  confidence: v.optional(v.number()),
  title: v.string(),
  text: v.optional(v.string()),
  url: v.optional(v.string()),
  /** SHA-256 of what was sent: the same id with other content is refused. */
  contentSha256: v.string(),
  origin: v.union(v.literal("api"), v.literal("file")),
};

/** An event as it is sent. */
export const vNewEvent = v.object({
  externalId: v.string(),
  corrects: v.optional(v.string()),
  eventAtMs: v.number(),
  score: v.number(),
  confidence: v.optional(v.number()),
  title: v.string(),
  text: v.optional(v.string()),
  url: v.optional(v.string()),
});

export const vStoredEvent = v.object({
  externalId: v.string(),
  status: v.union(v.literal("stored"), v.literal("duplicate")),
  receivedAtMs: v.number(),
  availableAtMs: v.number(),
});

const SERIES = ["instrument", "feed", "source"] as const;

export const feedTables = {
  feedSeries: defineTable(feedSeriesFields).index("by_series", [...SERIES]),
  feedChunks: defineTable(feedChunkFields).index("by_series_and_start", [...SERIES, "chunkStartMs"]),
  feedGaps: defineTable(feedGapFields).index("by_series_and_from", [...SERIES, "fromMs"]),
  feedEvents: defineTable(feedEventFields)
    .index("by_publisher_and_externalId", ["publisher", "externalId"])
    .index("by_instrument_and_feed_and_received", ["instrument", "feed", "receivedAtMs"]),
};
