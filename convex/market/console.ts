/** What people see of the market: instruments, series, candles, gaps, ingestion. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { viewerQuery } from "../builders";
import { vCandle, vTimeframe } from "../validators";
import { gapFields, gatewayHoldFields, ingestionFields, instrumentFields, seriesFields } from "./schema";
import { candlesForView } from "./views";

const vSeriesKey = { instrument: v.string(), timeframe: vTimeframe, source: v.string() };

export const listInstruments = viewerQuery({
  args: {},
  returns: v.array(v.object(instrumentFields)),
  handler: async (ctx) => {
    const rows = await ctx.db.query("instruments").withIndex("by_symbol").take(LIMITS.pageSize);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});

export const listSeries = viewerQuery({
  args: {},
  returns: v.array(v.object(seriesFields)),
  handler: async (ctx) => {
    const rows = await ctx.db
      .query("candleSeries")
      .withIndex("by_instrument_and_timeframe_and_source")
      .take(LIMITS.pageSize);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});

/** At most 5,000 bars, oldest first. Without `fromMs` and `toMs`: the newest `limit`. */
export const candles = viewerQuery({
  args: {
    ...vSeriesKey,
    fromMs: v.optional(v.number()),
    toMs: v.optional(v.number()),
    limit: v.optional(v.number()),
  },
  returns: v.array(vCandle),
  handler: async (ctx, { fromMs, toMs, limit, ...key }) => {
    const range =
      fromMs === undefined && toMs === undefined
        ? null
        : { fromMs: fromMs ?? 0, toMs: toMs ?? Number.MAX_SAFE_INTEGER };
    return candlesForView(ctx, key, range, limit ?? 500);
  },
});

export const listGaps = viewerQuery({
  args: vSeriesKey,
  returns: v.array(v.object(gapFields)),
  handler: async (ctx, key) => {
    const rows = await ctx.db
      .query("candleGaps")
      .withIndex("by_series_and_from", (q) =>
        q.eq("instrument", key.instrument).eq("timeframe", key.timeframe).eq("source", key.source),
      )
      .order("desc")
      .take(LIMITS.pageSize);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});

export const listIngestionRuns = viewerQuery({
  args: {},
  returns: v.array(v.object({ ...ingestionFields, _id: v.id("ingestionRuns") })),
  handler: async (ctx) => {
    const rows = await ctx.db.query("ingestionRuns").withIndex("by_startedAt").order("desc").take(50);
    return rows.map(({ _creationTime, ...fields }) => fields);
  },
});

/** Exchanges that refused calls until a stated time; the reader compares `untilMs` with the time now. */
export const gatewayHolds = viewerQuery({
  args: {},
  returns: v.array(v.object(gatewayHoldFields)),
  handler: async (ctx) => {
    const rows = await ctx.db.query("gatewayHolds").withIndex("by_source").take(LIMITS.pageSize);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});
