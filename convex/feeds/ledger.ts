/** Owns posted and imported events: what was said, by whom, and when it reached the desk; their only writer. */
import { ConvexError, type Infer } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { sha256Hex } from "../../lib/core/sha256";
import { checkEvent, type FeedEvent } from "../../lib/feeds/events";
import { EVENT_SOURCE, type EventFeed, type FeedPoint } from "../../lib/feeds/types";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendPoints, availableFromMs } from "./model";
import type { vStoredEvent } from "./schema";

export interface EventBatch {
  instrument: string;
  feed: EventFeed;
  publisher: string;
  origin: "api" | "file";
  /** `receivedAtMs`: when an archive received it; what comes now is received now. */
  events: (FeedEvent & { receivedAtMs?: number })[];
}

type StoredEvent = Infer<typeof vStoredEvent>;

/** Stores events and their points in one transaction, all or none; see `feeds/api.ts`. */
export async function storeEvents(ctx: MutationCtx, batch: EventBatch): Promise<StoredEvent[]> {
  const { instrument, feed, publisher, origin, events } = batch;
  if (events.length > LIMITS.eventsPerCall) {
    const message = `events has ${events.length} items; send at most ${LIMITS.eventsPerCall} a call`;
    throw new ConvexError(appError("LIMIT_EXCEEDED", message, "events"));
  }
  const nowMs = Date.now();
  const visibleFromMs = await availableFromMs(ctx, instrument, null, nowMs);
  const answers: StoredEvent[] = [];
  const points: FeedPoint[] = [];
  for (const [i, { receivedAtMs: archivedAtMs, ...event }] of events.entries()) {
    const checked = checkEvent(event, nowMs);
    if (!checked.ok) {
      const { field, message } = checked.error;
      throw new ConvexError(
        appError("INVALID_ARGUMENT", `events[${i}]: ${message}`, `events[${i}].${field}`),
      );
    }
    const known = await findEvent(ctx, publisher, event.externalId);
    const contentSha256 = sha256Hex(canonicalJson({ instrument, feed, ...event }));
    if (known !== null) {
      assertSameContent(known, contentSha256, i);
      const { receivedAtMs, availableAtMs } = known;
      answers.push({ externalId: event.externalId, status: "duplicate", receivedAtMs, availableAtMs });
      continue;
    }
    if (event.corrects !== undefined) await assertCorrects(ctx, batch, event.corrects, i);
    const receivedAtMs = archivedAtMs ?? nowMs;
    const availableAtMs = Math.max(event.eventAtMs, archivedAtMs ?? visibleFromMs);
    if (receivedAtMs > nowMs) {
      const message = `events[${i}]: receivedAtMs is in the future; send when the archive received it`;
      throw new ConvexError(appError("INVALID_ARGUMENT", message, `events[${i}].receivedAtMs`));
    }
    const times = { eventAtMs: event.eventAtMs, receivedAtMs, availableAtMs };
    await ctx.db.insert("feedEvents", {
      instrument,
      feed,
      publisher,
      ...event,
      ...times,
      contentSha256,
      origin,
    });
    points.push({ ...times, value: event.score, origin });
    answers.push({ externalId: event.externalId, status: "stored", receivedAtMs, availableAtMs });
  }
  if (points.length > 0) await appendPoints(ctx, { instrument, feed, source: EVENT_SOURCE }, points, false);
  return answers;
}

async function findEvent(
  ctx: QueryCtx,
  publisher: string,
  externalId: string,
): Promise<Doc<"feedEvents"> | null> {
  return ctx.db
    .query("feedEvents")
    .withIndex("by_publisher_and_externalId", (q) =>
      q.eq("publisher", publisher).eq("externalId", externalId),
    )
    .unique();
}

function assertSameContent(known: Doc<"feedEvents">, contentSha256: string, i: number): void {
  if (known.contentSha256 === contentSha256) return;
  throw new ConvexError(
    appError(
      "CONFLICT",
      `events[${i}]: ${known.externalId} was stored with other content; send a correction under a new externalId with corrects: "${known.externalId}"`,
      `events[${i}].externalId`,
    ),
  );
}

async function assertCorrects(
  ctx: QueryCtx,
  { instrument, feed, publisher }: EventBatch,
  corrects: string,
  i: number,
): Promise<void> {
  const corrected = await findEvent(ctx, publisher, corrects);
  if (corrected?.instrument === instrument && corrected.feed === feed) return;
  const message = `events[${i}]: corrects names no event of this publisher, instrument and feed; send that one first`;
  throw new ConvexError(appError("INVALID_ARGUMENT", message, `events[${i}].corrects`));
}

/** The newest events of one instrument and feed, newest first. */
export async function newestEvents(
  ctx: QueryCtx,
  instrument: string,
  feed: EventFeed,
  limit: number,
): Promise<Doc<"feedEvents">[]> {
  return ctx.db
    .query("feedEvents")
    .withIndex("by_instrument_and_feed_and_received", (q) => q.eq("instrument", instrument).eq("feed", feed))
    .order("desc")
    .take(limit);
}
