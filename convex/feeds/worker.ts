/** Feed points in and out, for the service identity: dataset building, live features, file import. */
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { decodeFeedChunk } from "../../lib/feeds/chunk";
import type { FeedPoint } from "../../lib/feeds/types";
import { appendAudit } from "../audit/model";
import { workerMutation, workerQuery } from "../builders";
import { requireIngestion, startIngestion, updateIngestion } from "../market/model";
import { vReject } from "../market/schema";
import { storeEvents } from "./ledger";
import { appendPoints as append, readFeedChunks } from "./model";
import { vEventFeed, vFeed, vNewEvent, vStoredEvent } from "./schema";

const vFeedKey = { instrument: v.string(), feed: vFeed, source: v.string() };

/** Encoded chunks that may hold events in [fromMs, toMs), oldest first; page on by the last `chunkStartMs`. */
export const chunks = workerQuery({
  args: { ...vFeedKey, fromMs: v.number(), toMs: v.number() },
  returns: v.array(v.object({ chunkStartMs: v.number(), sha256: v.string(), payload: v.bytes() })),
  handler: async (ctx, { fromMs, toMs, ...key }) => {
    const rows = await readFeedChunks(ctx, key, fromMs, toMs, LIMITS.chunksPerPage);
    return rows.map(({ chunkStartMs, sha256, payload }) => ({ chunkStartMs, sha256, payload }));
  },
});

/** Opens the record of a file that is imported. */
export const startImport = workerMutation({
  limit: "tokenCalls",
  args: { ...vFeedKey, fileName: v.string() },
  returns: v.id("ingestionRuns"),
  handler: (ctx, { instrument, feed, source, fileName }) =>
    startIngestion(
      ctx,
      { instrument, timeframe: feed, source },
      { trigger: "file", fileName, startedAtMs: Date.now() },
    ),
});

function decodePoints(payload: ArrayBuffer): FeedPoint[] {
  try {
    return decodeFeedChunk(new Uint8Array(payload));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConvexError(
      appError("INVALID_ARGUMENT", `${error.message}; encode the points again`, "payload"),
    );
  }
}

/**
 * Adds points of a file; safe to repeat. Their availability is what the file declares, they are received now. At most
 * `LIMITS.feedPointsPerAppend` points a call.
 */
export const appendPoints = workerMutation({
  args: { ...vFeedKey, payload: v.bytes() },
  returns: v.object({ added: v.number(), unchanged: v.number(), revised: v.number() }),
  handler: async (ctx, { payload, ...key }) => {
    const points = decodePoints(payload);
    if (points.length > LIMITS.feedPointsPerAppend) {
      const message = `payload holds ${points.length} points; send at most ${LIMITS.feedPointsPerAppend}`;
      throw new ConvexError(appError("LIMIT_EXCEEDED", message, "payload"));
    }
    const receivedAtMs = Date.now();
    const received = points.map((point) => ({ ...point, receivedAtMs, origin: "file" as const }));
    return append(ctx, key, received, false);
  },
});

/** Adds events of an archive, all or none; safe to repeat. `receivedAtMs` is when the archive received each. */
export const appendEvents = workerMutation({
  args: {
    instrument: v.string(),
    feed: vEventFeed,
    publisher: v.string(),
    events: v.array(v.object({ ...vNewEvent.fields, receivedAtMs: v.number() })),
  },
  returns: v.array(vStoredEvent),
  handler: (ctx, args) => storeEvents(ctx, { ...args, origin: "file" }),
});

export const finishImport = workerMutation({
  args: {
    ingestionId: v.id("ingestionRuns"),
    status: v.union(v.literal("ok"), v.literal("failed"), v.literal("cancelled")),
    rowsRead: v.number(),
    rowsAdded: v.number(),
    rowsUnchanged: v.number(),
    rowsRevised: v.number(),
    rowsRejected: v.number(),
    rejects: v.array(vReject),
    error: v.optional(v.string()),
  },
  returns: v.null(),
  handler: async (ctx, { ingestionId, ...result }) => {
    const run = await requireIngestion(ctx, ingestionId);
    await updateIngestion(ctx, ingestionId, {
      ...result,
      rejects: result.rejects.slice(0, LIMITS.rejectsStored),
      finishedAtMs: Date.now(),
    });
    await appendAudit(ctx, {
      actor: ctx.actor.tokenIdentifier,
      action: "feeds.import",
      subjectType: "feed",
      subjectId: `${run.instrument} ${run.timeframe} ${run.source}`,
      detail: {
        fileName: run.fileName ?? null,
        status: result.status,
        rowsRead: result.rowsRead,
        rowsAdded: result.rowsAdded,
        rowsRejected: result.rowsRejected,
      },
    });
    return null;
  },
});
