/**
 * Owns the gap ledger, the ingestion runs and the gateway holds: what is missing, who tried to bring it, and which
 * exchange asked to be left alone; their only writer.
 */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { isTimeframe } from "../../lib/market/timeframe";
import type { Gap } from "../../lib/market/types";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { SeriesKey } from "./model";

/** What an ingestion brought: bars of a timeframe, or points of a feed. */
export type IngestionKey = Pick<Doc<"ingestionRuns">, "instrument" | "timeframe" | "source">;

/** Makes the ledger in [fromMs, toMs) equal to `gaps`: new ones added, healed ones removed. */
export async function replaceGaps(
  ctx: MutationCtx,
  key: SeriesKey,
  fromMs: number,
  toMs: number,
  gaps: Gap[],
): Promise<void> {
  // A gap outside the range is not read back below, so a repeated call would store it twice.
  const stray = gaps.find((gap) => !(gap.fromMs >= fromMs && gap.fromMs < toMs && gap.toMs > gap.fromMs));
  if (stray !== undefined) {
    throw new ConvexError(
      appError(
        "INVALID_ARGUMENT",
        `gap ${stray.fromMs} to ${stray.toMs} is empty or does not start in [${fromMs}, ${toMs})`,
        "gaps",
      ),
    );
  }
  const stored = await ctx.db
    .query("candleGaps")
    .withIndex("by_series_and_from", (q) =>
      q
        .eq("instrument", key.instrument)
        .eq("timeframe", key.timeframe)
        .eq("source", key.source)
        .gte("fromMs", fromMs)
        .lt("fromMs", toMs),
    )
    .take(LIMITS.gapsPerCall * 4);
  const wanted = new Map(gaps.map((gap) => [`${gap.fromMs}:${gap.toMs}`, gap]));
  for (const row of stored) {
    if (!wanted.delete(`${row.fromMs}:${row.toMs}`)) await ctx.db.delete(row._id);
  }
  const recordedAtMs = Date.now();
  for (const gap of wanted.values()) await ctx.db.insert("candleGaps", { ...key, ...gap, recordedAtMs });
}

export type IngestionPatch = Partial<
  Pick<
    Doc<"ingestionRuns">,
    | "status"
    | "rowsRead"
    | "rowsAdded"
    | "rowsUnchanged"
    | "rowsRevised"
    | "rowsRejected"
    | "rejects"
    | "gaps"
    | "error"
    | "finishedAtMs"
  >
>;

async function newestIngestion(ctx: QueryCtx, key: IngestionKey): Promise<Doc<"ingestionRuns"> | null> {
  return ctx.db
    .query("ingestionRuns")
    .withIndex("by_series_and_startedAt", (q) =>
      q.eq("instrument", key.instrument).eq("timeframe", key.timeframe).eq("source", key.source),
    )
    .order("desc")
    .first();
}

export async function startIngestion(
  ctx: MutationCtx,
  key: IngestionKey,
  start: { trigger: string; fileName?: string; startedAtMs: number },
): Promise<Id<"ingestionRuns">> {
  const previous = await newestIngestion(ctx, key);
  // One writer per series at a time: a run still marked as running was killed, and this one goes on.
  if (previous?.status === "running") {
    await updateIngestion(ctx, previous._id, {
      status: "cancelled",
      error: "interrupted; a later run went on from what it had stored",
      finishedAtMs: Date.now(),
    });
  }
  return ctx.db.insert("ingestionRuns", {
    ...key,
    ...start,
    status: "running",
    rowsRead: 0,
    rowsAdded: 0,
    rowsUnchanged: 0,
    rowsRevised: 0,
    rowsRejected: 0,
    rejects: [],
    updatedAtMs: Date.now(),
  });
}

export async function requireIngestion(
  ctx: QueryCtx,
  id: Id<"ingestionRuns">,
): Promise<Doc<"ingestionRuns">> {
  const run = await ctx.db.get(id);
  if (run === null) throw new ConvexError(appError("NOT_FOUND", "This import is unknown", "ingestionId"));
  return run;
}

export async function updateIngestion(
  ctx: MutationCtx,
  id: Id<"ingestionRuns">,
  patch: IngestionPatch,
): Promise<void> {
  await requireIngestion(ctx, id);
  await ctx.db.patch(id, { ...patch, updatedAtMs: Date.now() });
}

/** Quiet attempts of one trigger share a row for this long, so that a year of minutes stays readable. Feeds are many. */
const ATTEMPTS_SHARED_MS = { bars: 3_600_000, feed: 86_400_000 };

/** Records one finished ingestion attempt; the next good one of the same trigger within that time joins its row. */
export async function recordAttempt(
  ctx: MutationCtx,
  key: IngestionKey,
  attempt: {
    trigger: string;
    status: "ok" | "failed";
    startedAtMs: number;
    finishedAtMs: number;
    rowsAdded: number;
    rowsRejected: number;
    error?: string;
  },
): Promise<void> {
  const { trigger, status, startedAtMs, finishedAtMs, rowsAdded, rowsRejected, error } = attempt;
  const previous = await newestIngestion(ctx, key);
  const isShared =
    previous !== null &&
    status === "ok" &&
    previous.status === "ok" &&
    previous.trigger === trigger &&
    startedAtMs - previous.startedAtMs < ATTEMPTS_SHARED_MS[isTimeframe(key.timeframe) ? "bars" : "feed"];
  if (isShared) {
    await updateIngestion(ctx, previous._id, {
      rowsRead: previous.rowsRead + rowsAdded + rowsRejected,
      rowsAdded: previous.rowsAdded + rowsAdded,
      rowsRejected: previous.rowsRejected + rowsRejected,
      finishedAtMs,
    });
    return;
  }
  const id = await startIngestion(ctx, key, { trigger, startedAtMs });
  const rowsRead = rowsAdded + rowsRejected;
  await updateIngestion(ctx, id, { status, rowsRead, rowsAdded, rowsRejected, error, finishedAtMs });
}

/** Longest wait that an exchange's word is taken for; after it, one call asks again. */
const HOLD_MAX_MS = 3_600_000;

async function findHold(ctx: QueryCtx, source: string): Promise<Doc<"gatewayHolds"> | null> {
  return ctx.db
    .query("gatewayHolds")
    .withIndex("by_source", (q) => q.eq("source", source))
    .unique();
}

/** The hold of an exchange that still stands, or null. */
export async function standingHold(ctx: QueryCtx, source: string): Promise<Doc<"gatewayHolds"> | null> {
  const hold = await findHold(ctx, source);
  return hold !== null && hold.untilMs > Date.now() ? hold : null;
}

/** Remembers until when an exchange refuses calls. The later of two ends stands. */
export async function holdGateway(
  ctx: MutationCtx,
  { source, untilMs, reason }: { source: string; untilMs: number; reason: string },
): Promise<void> {
  const now = Date.now();
  const until = Math.min(untilMs, now + HOLD_MAX_MS);
  if (until <= now) return;
  const previous = await findHold(ctx, source);
  if (previous === null) {
    await ctx.db.insert("gatewayHolds", { source, untilMs: until, reason, sinceMs: now });
    return;
  }
  const stands = previous.untilMs > now;
  await ctx.db.patch(previous._id, {
    untilMs: stands ? Math.max(previous.untilMs, until) : until,
    reason,
    sinceMs: stands ? previous.sinceMs : now,
  });
}
