/** Writes of the exchange's poll; callable only inside the deployment. */
import { v } from "convex/values";
import { FUNDING_PUBLICATION_MS } from "../../lib/feeds/types";
import { internalMutationOf, internalQueryOf } from "../builders";
import { recordAttempt } from "../market/model";
import { appendPoints, availableFromMs, findFeed, oldestGapMs } from "./model";
import { vFeed } from "./schema";

/** Where a feed stands: its newest event, and the event before its oldest gap since `sinceMs`; null before the first. */
export const standing = internalQueryOf({
  args: { instrument: v.string(), feed: vFeed, source: v.string(), sinceMs: v.number() },
  returns: v.union(v.null(), v.object({ newestMs: v.number(), gapFromMs: v.union(v.null(), v.number()) })),
  handler: async (ctx, { sinceMs, ...key }) => {
    const series = await findFeed(ctx, key);
    if (series === null) return null;
    return { newestMs: series.lastEventAtMs, gapFromMs: await oldestGapMs(ctx, key, sinceMs) };
  },
});

/**
 * Stores what one poll read, each feed with its own outcome. What a series begins with is history: it counts from its
 * publication; everything later counts from when it was received.
 */
export const recordPoll = internalMutationOf({
  args: {
    instrument: v.string(),
    source: v.string(),
    startedAtMs: v.number(),
    finishedAtMs: v.number(),
    /** By the exchange's clock, as the bars' times are. */
    receivedAtMs: v.number(),
    feeds: v.array(
      v.object({
        feed: vFeed,
        points: v.array(v.object({ eventAtMs: v.number(), value: v.number() })),
        rejected: v.number(),
        error: v.optional(v.string()),
      }),
    ),
  },
  returns: v.array(v.object({ feed: vFeed, added: v.number(), revised: v.number() })),
  handler: async (ctx, { instrument, source, startedAtMs, finishedAtMs, receivedAtMs, feeds }) => {
    const availableMs = await availableFromMs(ctx, instrument, source, receivedAtMs);
    const counts = [];
    for (const { feed, points, rejected, error } of feeds) {
      const key = { instrument, feed, source };
      const isFirst = feed === "funding" && (await findFeed(ctx, key)) === null;
      const stored = points.map(({ eventAtMs, value }) => ({
        eventAtMs,
        value,
        receivedAtMs: Math.max(receivedAtMs, eventAtMs),
        availableAtMs: isFirst ? eventAtMs + FUNDING_PUBLICATION_MS : Math.max(availableMs, eventAtMs),
        origin: isFirst ? ("backfill" as const) : ("poll" as const),
      }));
      const { added, revised } = await appendPoints(ctx, key, stored, source === "simulated");
      counts.push({ feed, added, revised });
      await recordAttempt(
        ctx,
        { instrument, timeframe: feed, source },
        {
          ...{ trigger: isFirst ? "backfill" : "cron", startedAtMs, finishedAtMs, error },
          status: error === undefined ? "ok" : "failed",
          rowsAdded: added,
          rowsRejected: rejected,
        },
      );
    }
    return counts;
  },
});
