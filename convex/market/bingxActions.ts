"use node";
/** Ingestion from BingX: closed bars only, idempotent, and each attempt leaves an ingestion run behind. */
import { v } from "convex/values";
import { barsBeforeYoungHole, calendarOfSymbol } from "../../lib/market/bingxPayload";
import { alignDown, timeframeMs } from "../../lib/market/timeframe";
import { internal } from "../_generated/api";
import { internalActionOf } from "../builders";
import { vTimeframe } from "../validators";
import { BingxReadError, createBingxClient, PAGE_BARS } from "./bingxClient";
import { heldBecause, honourUnblockTime } from "./bingxHold";

const MAX_PAGES_PER_CALL = 25;
/** Two and a half times what core-v1 and core-v2 need to warm up on 15m bars, so that a live run can decide at once. */
const FIRST_BACKFILL_MS = 15 * 86_400_000;
/** A bar must have been closed this long, by exchange time, before it is believed. */
const CLOSE_GRACE_MS = 2_000;
/** The newest stored bars are read again, so that an early revision is seen. */
const REREAD_BARS = 3;
/** How long a hole holds newer bars back, for the exchange to fill it. */
const HOLE_RETRY_MS = 120_000;

/** Reads the closed bars since the newest stored one, at most 25,000 a call; the next call goes on from there. */
export const ingestLatest = internalActionOf({
  args: { instrument: v.string(), timeframe: vTimeframe, trigger: v.optional(v.string()) },
  returns: v.object({
    status: v.union(v.literal("ok"), v.literal("failed"), v.literal("paused"), v.literal("held")),
    added: v.number(),
    revised: v.number(),
    rejected: v.number(),
    pages: v.number(),
    error: v.optional(v.string()),
  }),
  handler: async (ctx, { instrument, timeframe, trigger = "cron" }) => {
    const startedAtMs = Date.now();
    const totals = { added: 0, revised: 0, rejected: 0, pages: 0 };
    // A desk that was started only for one command has no exchange beside it and must not call the real one.
    if (process.env.ASSAY_INGESTION === "off") return { status: "paused" as const, ...totals };
    const client = await createBingxClient(process.env.BINGX_BASE_URL);
    const held = await heldBecause(ctx, client);
    if (held !== null) return { status: "held" as const, ...totals, error: held };
    const key = { instrument, timeframe, source: client.source };
    const calendar = calendarOfSymbol(instrument);
    const step = timeframeMs(timeframe);
    let error: string | undefined;
    try {
      const serverTimeMs = await client.serverTime();
      const newestMs = await ctx.runQuery(internal.market.internal.latestOpenTime, key);
      let fromMs =
        newestMs === null
          ? alignDown(serverTimeMs - FIRST_BACKFILL_MS, timeframe)
          : newestMs - (REREAD_BARS - 1) * step;
      while (totals.pages < MAX_PAGES_PER_CALL && fromMs + step <= serverTimeMs - CLOSE_GRACE_MS) {
        const toMs = fromMs + PAGE_BARS * step;
        const page = await client.klines(instrument, {
          timeframe,
          fromMs,
          toMs,
          serverTimeMs,
          graceMs: CLOSE_GRACE_MS,
        });
        totals.pages += 1;
        totals.rejected += page.rejected.length;
        const { bars, holeFromMs } = barsBeforeYoungHole(page.bars, {
          timeframe,
          calendar,
          fromMs,
          serverTimeMs,
          retryMs: HOLE_RETRY_MS,
        });
        if (bars.length > 0) {
          const counts = await ctx.runMutation(internal.market.internal.appendBars, {
            ...key,
            bars,
          });
          totals.added += counts.added;
          totals.revised += counts.revised;
        }
        if (holeFromMs !== null) break;
        fromMs = toMs;
      }
    } catch (caught) {
      if (!(caught instanceof BingxReadError)) throw caught;
      error = caught.message;
      await honourUnblockTime(ctx, client, caught);
    }
    const status = error === undefined ? ("ok" as const) : ("failed" as const);
    await ctx.runMutation(internal.market.internal.recordIngestion, {
      ...key,
      trigger,
      status,
      startedAtMs,
      finishedAtMs: Date.now(),
      rowsAdded: totals.added,
      rowsRejected: totals.rejected,
      error,
    });
    return { status, ...totals, error };
  },
});

/**
 * Writes the exchange's rules of every gold perpetual it lists. Throws a redacted error when the list cannot be read, or may not be
 * asked for yet.
 */
export const syncContracts = internalActionOf({
  args: {},
  returns: v.object({ instruments: v.array(v.string()) }),
  handler: async (ctx) => {
    if (process.env.ASSAY_INGESTION === "off") return { instruments: [] };
    const client = await createBingxClient(process.env.BINGX_BASE_URL);
    const held = await heldBecause(ctx, client);
    if (held !== null) throw new Error(held);
    const contracts = await client.goldContracts().catch(async (caught: unknown) => {
      if (caught instanceof BingxReadError) await honourUnblockTime(ctx, client, caught);
      throw caught;
    });
    for (const contract of contracts)
      await ctx.runMutation(internal.market.internal.upsertInstrument, contract);
    return { instruments: contracts.map((contract) => contract.rules.symbol) };
  },
});
