/** What people see of the feeds: how each stands, and its gaps. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { viewerQuery } from "../builders";
import { newestEvents } from "./ledger";
import { feedEventFields, feedGapFields, feedSeriesFields, vEventFeed, vFeed } from "./schema";

/** One row for each series, with its newest value, its age and its counts. */
export const list = viewerQuery({
  args: {},
  returns: v.array(v.object(feedSeriesFields)),
  handler: async (ctx) => {
    const rows = await ctx.db.query("feedSeries").withIndex("by_series").take(LIMITS.pageSize);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});

/** The newest gaps of one series. */
export const gaps = viewerQuery({
  args: { instrument: v.string(), feed: vFeed, source: v.string() },
  returns: v.array(v.object(feedGapFields)),
  handler: async (ctx, key) => {
    const rows = await ctx.db
      .query("feedGaps")
      .withIndex("by_series_and_from", (q) =>
        q.eq("instrument", key.instrument).eq("feed", key.feed).eq("source", key.source),
      )
      .order("desc")
      .take(LIMITS.pageSize);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});

/** The newest events of one instrument and feed as they were sent, newest first. */
export const events = viewerQuery({
  args: { instrument: v.string(), feed: vEventFeed },
  returns: v.array(v.object({ ...feedEventFields, _id: v.id("feedEvents") })),
  handler: async (ctx, { instrument, feed }) => {
    const rows = await newestEvents(ctx, instrument, feed, LIMITS.pageSize);
    return rows.map(({ _creationTime, ...fields }) => fields);
  },
});
