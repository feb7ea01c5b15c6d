/** Candles in and out, for the service identity: file import, dataset building, live feeds. */
import { ConvexError, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { decodeChunk } from "../../lib/market/chunk";
import { isTimeframe } from "../../lib/market/timeframe";
import type { CandleColumns } from "../../lib/market/types";
import { appendAudit } from "../audit/model";
import { workerMutation, workerQuery } from "../builders";
import { vCalendar, vCandle, vTimeframe } from "../validators";
import { replaceGaps, requireIngestion, startIngestion, updateIngestion } from "./ledger";
import { appendColumns, findSeries, readChunks, setCalendar } from "./model";
import { gapFields, seriesFields, vReject } from "./schema";
import { candlesAfter } from "./views";

const vSeriesKey = { instrument: v.string(), timeframe: vTimeframe, source: v.string() };
const vCounts = v.object({ added: v.number(), unchanged: v.number(), revised: v.number() });

export const startImport = workerMutation({
  limit: "tokenCalls",
  args: { ...vSeriesKey, fileName: v.string() },
  returns: v.id("ingestionRuns"),
  handler: (ctx, { fileName, ...key }) =>
    startIngestion(ctx, key, { trigger: "file", fileName, startedAtMs: Date.now() }),
});

function decodePayload(payload: ArrayBuffer): CandleColumns {
  try {
    return decodeChunk(new Uint8Array(payload));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConvexError(appError("INVALID_ARGUMENT", `${error.message}; encode the bars again`, "chunks"));
  }
}

/** Merges encoded chunks; safe to repeat. At most `LIMITS.chunksPerAppend` chunks a call. */
export const appendChunks = workerMutation({
  args: {
    ...vSeriesKey,
    calendar: vCalendar,
    simulated: v.boolean(),
    chunks: v.array(v.object({ chunkStartMs: v.number(), payload: v.bytes() })),
  },
  returns: vCounts,
  handler: async (ctx, { chunks, calendar, simulated, ...key }) => {
    if (chunks.length > LIMITS.chunksPerAppend) {
      throw new ConvexError(
        appError(
          "LIMIT_EXCEEDED",
          `chunks has ${chunks.length} items; send at most ${LIMITS.chunksPerAppend}`,
          "chunks",
        ),
      );
    }
    const blocks = chunks.map((chunk) => ({
      chunkStartMs: chunk.chunkStartMs,
      columns: decodePayload(chunk.payload),
    }));
    return appendColumns(ctx, key, blocks, { calendar, simulated });
  },
});

const vGapInput = v.object({
  fromMs: gapFields.fromMs,
  toMs: gapFields.toMs,
  missingBars: gapFields.missingBars,
  cause: gapFields.cause,
});

export const recordGaps = workerMutation({
  args: { ...vSeriesKey, fromMs: v.number(), toMs: v.number(), gaps: v.array(vGapInput) },
  returns: v.null(),
  handler: async (ctx, { fromMs, toMs, gaps, ...key }) => {
    if (gaps.length > LIMITS.gapsPerCall) {
      throw new ConvexError(
        appError(
          "LIMIT_EXCEEDED",
          `gaps has ${gaps.length} items; send at most ${LIMITS.gapsPerCall}`,
          "gaps",
        ),
      );
    }
    await replaceGaps(ctx, key, fromMs, toMs, gaps);
    return null;
  },
});

const progressFields = {
  rowsRead: v.number(),
  rowsAdded: v.number(),
  rowsUnchanged: v.number(),
  rowsRevised: v.number(),
  rowsRejected: v.number(),
};

export const reportImport = workerMutation({
  args: { ingestionId: v.id("ingestionRuns"), ...progressFields },
  returns: v.null(),
  handler: async (ctx, { ingestionId, ...progress }) => {
    await updateIngestion(ctx, ingestionId, progress);
    return null;
  },
});

export const finishImport = workerMutation({
  args: {
    ingestionId: v.id("ingestionRuns"),
    status: v.union(v.literal("ok"), v.literal("failed"), v.literal("cancelled")),
    ...progressFields,
    gaps: v.number(),
    calendar: v.optional(vCalendar),
    rejects: v.array(vReject),
    error: v.optional(v.string()),
  },
  returns: v.null(),
  handler: async (ctx, { ingestionId, calendar, ...result }) => {
    const run = await requireIngestion(ctx, ingestionId);
    const { instrument, timeframe, source } = run;
    if (calendar !== undefined && isTimeframe(timeframe)) {
      await setCalendar(ctx, { instrument, timeframe, source }, calendar);
    }
    await updateIngestion(ctx, ingestionId, {
      ...result,
      rejects: result.rejects.slice(0, LIMITS.rejectsStored),
      finishedAtMs: Date.now(),
    });
    await appendAudit(ctx, {
      actor: ctx.actor.tokenIdentifier,
      action: "market.import",
      subjectType: "series",
      subjectId: `${run.instrument} ${run.timeframe} ${run.source}`,
      detail: {
        fileName: run.fileName ?? null,
        status: result.status,
        rowsRead: result.rowsRead,
        rowsAdded: result.rowsAdded,
        rowsRevised: result.rowsRevised,
        rowsRejected: result.rowsRejected,
      },
    });
    return null;
  },
});

export const series = workerQuery({
  args: vSeriesKey,
  returns: v.union(v.null(), v.object(seriesFields)),
  handler: async (ctx, key) => {
    const row = await findSeries(ctx, key);
    if (row === null) return null;
    const { _id, _creationTime, ...fields } = row;
    return fields;
  },
});

/** Encoded chunks that may hold bars in [fromMs, toMs), oldest first; page on by the last `chunkStartMs`. */
export const chunks = workerQuery({
  args: { ...vSeriesKey, fromMs: v.number(), toMs: v.number() },
  returns: v.array(
    v.object({ chunkStartMs: v.number(), rows: v.number(), sha256: v.string(), payload: v.bytes() }),
  ),
  handler: async (ctx, { fromMs, toMs, ...key }) => {
    const rows = await readChunks(ctx, key, fromMs, toMs, LIMITS.chunksPerPage);
    return rows.map(({ chunkStartMs, rows: count, sha256, payload }) => ({
      chunkStartMs,
      rows: count,
      sha256,
      payload,
    }));
  },
});

/** Closed bars newer than `afterMs`, oldest first; a live run subscribes to this. */
export const barsAfter = workerQuery({
  args: { ...vSeriesKey, afterMs: v.number(), limit: v.number() },
  returns: v.array(vCandle),
  handler: (ctx, { afterMs, limit, ...key }) =>
    candlesAfter(ctx, key, afterMs, Math.max(1, Math.min(limit, LIMITS.candlesPerView))),
});
