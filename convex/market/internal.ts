/** Writes that the exchange ingestion action makes; callable only inside the deployment. */
import { ActionRetrier } from "@convex-dev/action-retrier";
import { v } from "convex/values";
import { components, internal } from "../_generated/api";
import { internalMutationOf, internalQueryOf } from "../builders";
import { vCalendar, vCandle, vInstrumentRules, vTimeframe } from "../validators";
import { holdGateway as hold, recordAttempt, standingHold } from "./ledger";
import { appendColumns, findInstrument, findSeries, splitByChunk, upsertInstrument as upsert } from "./model";

const vSeriesKey = { instrument: v.string(), timeframe: vTimeframe, source: v.string() };

export const latestOpenTime = internalQueryOf({
  args: vSeriesKey,
  returns: v.union(v.null(), v.number()),
  handler: async (ctx, key) => (await findSeries(ctx, key))?.lastOpenTimeMs ?? null,
});

export const appendBars = internalMutationOf({
  args: {
    ...vSeriesKey,
    bars: v.array(vCandle),
  },
  returns: v.object({ added: v.number(), unchanged: v.number(), revised: v.number() }),
  handler: async (ctx, { bars, ...key }) => {
    const instrument = await findInstrument(ctx, key.instrument);
    return appendColumns(ctx, key, splitByChunk(bars, key.timeframe), {
      calendar: instrument?.calendar ?? "always",
      simulated: key.source === "simulated",
    });
  },
});

export const upsertInstrument = internalMutationOf({
  args: { rules: vInstrumentRules, calendar: vCalendar, displayName: v.string() },
  returns: v.null(),
  handler: async (ctx, args) => {
    await upsert(ctx, args);
    return null;
  },
});

export const recordIngestion = internalMutationOf({
  args: {
    ...vSeriesKey,
    trigger: v.string(),
    status: v.union(v.literal("ok"), v.literal("failed")),
    startedAtMs: v.number(),
    finishedAtMs: v.number(),
    rowsAdded: v.number(),
    rowsRejected: v.number(),
    error: v.optional(v.string()),
  },
  returns: v.null(),
  handler: async (ctx, { instrument, timeframe, source, ...attempt }) => {
    await recordAttempt(ctx, { instrument, timeframe, source }, attempt);
    return null;
  },
});

/** Until when an exchange refuses calls, and its own words; null when it may be called. */
export const gatewayHold = internalQueryOf({
  args: { source: v.string() },
  returns: v.union(v.null(), v.object({ untilMs: v.number(), reason: v.string() })),
  handler: async (ctx, { source }) => {
    const standing = await standingHold(ctx, source);
    return standing === null ? null : { untilMs: standing.untilMs, reason: standing.reason };
  },
});

export const holdGateway = internalMutationOf({
  args: { source: v.string(), untilMs: v.number(), reason: v.string() },
  returns: v.null(),
  handler: async (ctx, args) => {
    await hold(ctx, args);
    return null;
  },
});

/** Half a minute, then twice as long each time: a failed read of the rules is over within the six hours to the next. */
const retrier = new ActionRetrier(components.actionRetrier, {
  initialBackoffMs: 30_000,
  base: 2,
  maxFailures: 8,
  logLevel: "WARN",
});

/** Reads the exchange's rules, again and again while it does not answer or asked to be left alone. */
export const syncRules = internalMutationOf({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await retrier.run(ctx, internal.market.bingxActions.syncContracts, {});
    return null;
  },
});
