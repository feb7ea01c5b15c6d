import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vFeed } from "../feeds/schema";
import { candleFields, vCalendar, vCandle, vInstrumentRules, vTimeframe } from "../validators";

const seriesKey = { instrument: v.string(), timeframe: vTimeframe, source: v.string() };

export const instrumentFields = {
  symbol: v.string(),
  displayName: v.string(),
  rules: vInstrumentRules,
  calendar: vCalendar,
  updatedAtMs: v.number(),
};

export const seriesFields = {
  ...seriesKey,
  /** When bars are expected; decides what counts as a gap. */
  calendar: vCalendar,
  /** True for anything that did not come from a real market. */
  simulated: v.boolean(),
  rows: v.number(),
  firstOpenTimeMs: v.number(),
  lastOpenTimeMs: v.number(),
  updatedAtMs: v.number(),
};

/** Up to 1,440 bars as one encoded column block; a year of 1m bars reads as 365 documents. */
export const chunkFields = {
  ...seriesKey,
  chunkStartMs: v.number(),
  rows: v.number(),
  firstOpenTimeMs: v.number(),
  lastOpenTimeMs: v.number(),
  sha256: v.string(),
  payload: v.bytes(),
};

export const revisionFields = {
  ...seriesKey,
  openTimeMs: v.number(),
  before: vCandle,
  after: vCandle,
  recordedAtMs: v.number(),
};

export const gapFields = {
  ...seriesKey,
  fromMs: v.number(),
  toMs: v.number(),
  missingBars: v.number(),
  cause: v.union(v.literal("weekend"), v.literal("dailyBreak"), v.literal("missing")),
  recordedAtMs: v.number(),
};

export const vReject = v.object({ line: v.number(), reason: v.string(), text: v.string() });

export const ingestionFields = {
  ...seriesKey,
  /** Timeframe of the bars, or the feed that was brought. */
  timeframe: v.union(vTimeframe, vFeed),
  trigger: v.string(),
  status: v.union(v.literal("running"), v.literal("ok"), v.literal("failed"), v.literal("cancelled")),
  fileName: v.optional(v.string()),
  rowsRead: v.number(),
  rowsAdded: v.number(),
  rowsUnchanged: v.number(),
  rowsRevised: v.number(),
  rowsRejected: v.number(),
  gaps: v.optional(v.number()),
  rejects: v.array(vReject),
  startedAtMs: v.number(),
  updatedAtMs: v.number(),
  finishedAtMs: v.optional(v.number()),
  error: v.optional(v.string()),
};

/** An exchange that said until when it refuses calls; what would call it waits. */
export const gatewayHoldFields = {
  source: v.string(),
  /** By the desk's clock. */
  untilMs: v.number(),
  reason: v.string(),
  sinceMs: v.number(),
};

export { candleFields };

export const marketTables = {
  instruments: defineTable(instrumentFields).index("by_symbol", ["symbol"]),
  candleSeries: defineTable(seriesFields).index("by_instrument_and_timeframe_and_source", [
    "instrument",
    "timeframe",
    "source",
  ]),
  candleChunks: defineTable(chunkFields).index("by_series_and_start", [
    "instrument",
    "timeframe",
    "source",
    "chunkStartMs",
  ]),
  candleRevisions: defineTable(revisionFields).index("by_series_and_openTime", [
    "instrument",
    "timeframe",
    "source",
    "openTimeMs",
  ]),
  candleGaps: defineTable(gapFields).index("by_series_and_from", [
    "instrument",
    "timeframe",
    "source",
    "fromMs",
  ]),
  gatewayHolds: defineTable(gatewayHoldFields).index("by_source", ["source"]),
  ingestionRuns: defineTable(ingestionFields)
    .index("by_startedAt", ["startedAtMs"])
    .index("by_series_and_startedAt", ["instrument", "timeframe", "source", "startedAtMs"]),
};
