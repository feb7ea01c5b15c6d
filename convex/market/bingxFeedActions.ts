"use node";
/** What BingX measures beside the bars: settled funding with its history, the estimate of the next one, basis, open interest. */
import { v } from "convex/values";
import type { FeedName } from "../../lib/feeds/types";
import { basis, type Premium } from "../../lib/market/bingxFeeds";
import { internal } from "../_generated/api";
import type { ActionCtx } from "../_generated/server";
import { internalActionOf } from "../builders";
import { vFeed } from "../feeds/schema";
import { type BingxClient, BingxReadError, createBingxClient } from "./bingxClient";
import { heldBecause, honourUnblockTime } from "./bingxHold";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How much history a desk asks for when it has none. */
const FIRST_BACKFILL_MS = 360 * DAY_MS;
/** A window of this length holds fewer rows than BingX gives at once, down to hourly settlements. */
const WINDOW_MS = 40 * DAY_MS;
/** The newest settlements are read again, so that a correction is seen; those since the oldest gap too. */
const REREAD_MS = 2 * DAY_MS;
const USUAL_INTERVAL_MS = 8 * HOUR_MS;

interface Reading {
  feed: FeedName;
  points: { eventAtMs: number; value: number }[];
  rejected: number;
  error?: string;
}

interface Standing {
  newestMs: number;
  gapFromMs: number | null;
}

interface Stored {
  feed: FeedName;
  added: number;
  revised: number;
}

/**
 * Runs reads; an expected failure becomes the error of the feeds that depend on it. Once the exchange named a time before
 * which it must not be called, the reads that are left fail without a call.
 */
function createReader(ctx: ActionCtx, client: BingxClient) {
  let held: string | null = null;
  return async <T>(read: () => Promise<T>): Promise<T | string> => {
    if (held !== null) return held;
    try {
      return await read();
    } catch (caught) {
      if (!(caught instanceof BingxReadError)) throw caught;
      await honourUnblockTime(ctx, client, caught);
      if (caught.failure.unblockAtMs !== null) held = caught.message;
      return caught.message;
    }
  };
}

type Attempt = ReturnType<typeof createReader>;

const failed = (feed: FeedName, error: string): Reading => ({ feed, points: [], rejected: 0, error });
const one = (feed: FeedName, eventAtMs: number, value: number): Reading => ({
  feed,
  points: [{ eventAtMs, value }],
  rejected: 0,
});

/** Reads every feed of one instrument once; funding history only when a settlement is due. */
export const pollFeeds = internalActionOf({
  args: { instrument: v.string() },
  returns: v.array(
    v.object({
      feed: vFeed,
      added: v.number(),
      revised: v.number(),
      rejected: v.number(),
      error: v.optional(v.string()),
    }),
  ),
  handler: async (ctx, { instrument }) => {
    if (process.env.ASSAY_INGESTION === "off") return [];
    const startedAtMs = Date.now();
    const client = await createBingxClient(process.env.BINGX_BASE_URL);
    const { source } = client;
    if ((await heldBecause(ctx, client)) !== null) return [];
    const attempt = createReader(ctx, client);
    const serverTimeMs = await attempt(() => client.serverTime());
    const standing: Standing | null = await ctx.runQuery(internal.feeds.internal.standing, {
      ...{ instrument, feed: "funding", source },
      sinceMs: (typeof serverTimeMs === "string" ? startedAtMs : serverTimeMs) - FIRST_BACKFILL_MS,
    });
    const readings: Reading[] =
      typeof serverTimeMs === "string"
        ? (["funding", "fundingEstimate", "basis", "openInterest"] as const).map((feed) =>
            failed(feed, serverTimeMs),
          )
        : await readAll(attempt, client, instrument, serverTimeMs, standing);
    const finishedAtMs = Date.now();
    const counts: Stored[] = await ctx.runMutation(internal.feeds.internal.recordPoll, {
      ...{ instrument, source, startedAtMs, finishedAtMs },
      receivedAtMs: client.nowMs(),
      feeds: readings,
    });
    return counts.map((count, i) => ({
      ...count,
      rejected: readings[i]!.rejected,
      error: readings[i]!.error,
    }));
  },
});

async function readAll(
  attempt: Attempt,
  client: BingxClient,
  instrument: string,
  serverTimeMs: number,
  standing: Standing | null,
): Promise<Reading[]> {
  const premium = await attempt(() => client.premium(instrument, serverTimeMs));
  return [
    ...fromPremium(premium),
    await openInterestReading(attempt, client, instrument, serverTimeMs, premium),
    ...(await fundingReading(attempt, client, instrument, serverTimeMs, standing, premium)),
  ];
}

function fromPremium(premium: Premium | string): Reading[] {
  if (typeof premium === "string") return [failed("fundingEstimate", premium), failed("basis", premium)];
  const { quotedAtMs, fundingEstimate } = premium;
  return [one("fundingEstimate", quotedAtMs, fundingEstimate), one("basis", quotedAtMs, basis(premium))];
}

/** BingX states open interest in USDT; the mark price of the same poll turns it into units. */
async function openInterestReading(
  attempt: Attempt,
  client: BingxClient,
  instrument: string,
  serverTimeMs: number,
  premium: Premium | string,
): Promise<Reading> {
  const interest = await attempt(() => client.openInterest(instrument, serverTimeMs));
  if (typeof interest === "string") return failed("openInterest", interest);
  if (typeof premium === "string") return failed("openInterest", `no mark price to convert with: ${premium}`);
  return one("openInterest", interest.quotedAtMs, interest.valueUsd / premium.markPrice);
}

async function fundingReading(
  attempt: Attempt,
  client: BingxClient,
  instrument: string,
  serverTimeMs: number,
  standing: Standing | null,
  premium: Premium | string,
): Promise<Reading[]> {
  const intervalMs = (typeof premium === "string" ? null : premium.fundingIntervalMs) ?? USUAL_INTERVAL_MS;
  if (standing !== null && standing.newestMs + intervalMs > serverTimeMs) return [];
  const reading: Reading = { feed: "funding", points: [], rejected: 0 };
  let fromMs =
    standing === null
      ? serverTimeMs - FIRST_BACKFILL_MS
      : Math.min(standing.newestMs - REREAD_MS, standing.gapFromMs ?? standing.newestMs);
  while (fromMs <= serverTimeMs) {
    const untilMs = Math.min(fromMs + WINDOW_MS, serverTimeMs);
    const page = await attempt(() => client.fundingHistory(instrument, fromMs, untilMs));
    // A first history that is cut short would pass for whole: it is read again from the start.
    if (typeof page === "string") return [failed("funding", page)];
    for (const { fundingTimeMs, rate } of page.settlements) {
      reading.points.push({ eventAtMs: fundingTimeMs, value: rate });
    }
    reading.rejected += page.rejected.length;
    fromMs = untilMs + 1;
  }
  return [reading];
}
