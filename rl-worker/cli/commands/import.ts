/** `assay import`: a candle file into the desk, idempotent, with every refused row named. */
import { createReadStream, existsSync } from "node:fs";
import { basename } from "node:path";
import { createGunzip } from "node:zlib";
import { api } from "../../../convex/_generated/api";
import { LIMITS } from "../../../lib/contract/limits";
import { detectCalendar } from "../../../lib/market/calendar";
import { chunkStartMs, encodeChunk } from "../../../lib/market/chunk";
import { concatColumns, sliceColumns } from "../../../lib/market/columns";
import { type CsvReject, createCandleCsvParser } from "../../../lib/market/csv";
import { findGaps } from "../../../lib/market/gaps";
import type { CandleColumns, Gap, SessionCalendar, Timeframe } from "../../../lib/market/types";
import { REJECT_TEXT } from "../../../lib/market/validate";
import { systemClock } from "../../runtime/clock";
import { messageOf } from "../../runtime/log";
import type { Desk } from "../../transport/desk";
import { onInterrupt } from "../jobs";
import { createProgress, progressText } from "../output";
import { CommandError, UsageError } from "../session";

export interface ImportOptions {
  file: string;
  instrument: string;
  timeframe: Timeframe;
  source: string;
  calendar: SessionCalendar | "auto";
}

const REJECTS_SHOWN = 20;
/** Append calls on the wire at once: hides the round trip, bounds memory. */
const IN_FLIGHT = 4;

export async function importFile(service: Desk, options: ImportOptions) {
  const { file, instrument, timeframe, source } = options;
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}`);
  const startedAtMs = systemClock.monotonicMs();
  const key = { instrument, timeframe, source };
  const ingestionId = await service.mutation(api.market.worker.startImport, {
    ...key,
    fileName: basename(file),
  });
  const sender = createSender(service, key);
  const parser = createCandleCsvParser({ timeframe, rejectLimit: LIMITS.rejectsStored });
  const rejects: CsvReject[] = [];
  const times: Float64Array[] = [];
  const progress = createProgress(systemClock.monotonicMs);
  let isInterrupted = false;
  const release = onInterrupt(() => {
    isInterrupted = true;
  });
  const counts = () => {
    const { rowsRead, rowsRejected } = parser.summary();
    return { rowsRead, ...sender.counts(), rowsRejected };
  };
  const finish = (
    status: "ok" | "failed" | "cancelled",
    gaps: number,
    extra: { error?: string; calendar?: SessionCalendar },
  ) =>
    service.mutation(api.market.worker.finishImport, {
      ingestionId,
      status,
      ...counts(),
      gaps,
      rejects: rejects.map(({ line, reason, text }) => ({ line, reason, text: text.slice(0, 200) })),
      ...extra,
    });
  try {
    const take = async (batch: { candles: CandleColumns; rejects: CsvReject[] }) => {
      rejects.push(...batch.rejects);
      if (batch.candles.openTimeMs.length === 0) return;
      times.push(batch.candles.openTimeMs.slice());
      await sender.add(batch.candles);
    };
    for await (const chunk of openFile(file)) {
      await take(parser.push(chunk));
      const { rowsRead } = parser.summary();
      const seconds = (systemClock.monotonicMs() - startedAtMs) / 1000;
      const rate = rowsRead / seconds;
      progress.show(
        progressText({
          stage: "importing",
          done: rowsRead,
          total: rowsRead,
          unit: "rows",
          ratePerSecond: rate,
          etaSeconds: 0,
        }),
      );
      if (isInterrupted) break;
    }
    if (!isInterrupted) await take(parser.end());
    await sender.close();
    if (isInterrupted) {
      await finish("cancelled", 0, { error: "stopped by the operator; import again to go on" });
      throw new CommandError("Stopped. What was stored stays; import the same file again to go on.");
    }
    const openTimes = joinTimes(times);
    const calendar = options.calendar === "auto" ? detectCalendar(openTimes) : options.calendar;
    const gaps = findGaps(openTimes, timeframe, calendar).filter((gap) => gap.cause === "missing");
    await recordGaps(service, key, openTimes, gaps);
    await finish("ok", gaps.length, { calendar });
    for (const reject of rejects.slice(0, REJECTS_SHOWN)) {
      process.stderr.write(`line ${reject.line}: ${REJECT_TEXT[reject.reason]}: ${reject.text}\n`);
    }
    const { rowsRead, rowsRejected, firstOpenTimeMs, lastOpenTimeMs } = parser.summary();
    return {
      rowsRead,
      ...sender.counts(),
      rowsRejected,
      firstOpenTimeMs,
      lastOpenTimeMs,
      gaps: gaps.length,
      calendar,
      rejects: rejects.slice(0, REJECTS_SHOWN).map(({ line, reason, text }) => ({ line, reason, text })),
      seconds: (systemClock.monotonicMs() - startedAtMs) / 1000,
    };
  } catch (error) {
    if (!isInterrupted) await finish("failed", 0, { error: messageOf(error) }).catch(() => {});
    throw error;
  } finally {
    release();
    progress.end();
  }
}

function openFile(file: string): AsyncIterable<Uint8Array> {
  const raw = createReadStream(file, { highWaterMark: 1 << 20 });
  if (!file.endsWith(".gz")) return raw;
  const unzipped = createGunzip({ chunkSize: 1 << 20 });
  raw.on("error", (error) => unzipped.destroy(error));
  return raw.pipe(unzipped);
}

function joinTimes(parts: Float64Array[]): Float64Array {
  const joined = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

interface SeriesKey {
  instrument: string;
  timeframe: Timeframe;
  source: string;
}

/** Cuts bars into chunks and appends them in order, several calls on the wire at once. */
function createSender(service: Desk, key: SeriesKey) {
  let open: CandleColumns[] = [];
  let openStart = Number.NaN;
  let ready: { chunkStartMs: number; payload: ArrayBuffer }[] = [];
  const inFlight = new Set<Promise<void>>();
  const totals = { rowsAdded: 0, rowsUnchanged: 0, rowsRevised: 0 };
  let failure: unknown = null;

  function closeChunk(): void {
    if (open.length === 0) return;
    const bytes = encodeChunk(concatColumns(open));
    ready.push({ chunkStartMs: openStart, payload: bytes.slice().buffer as ArrayBuffer });
    open = [];
  }

  async function send(): Promise<void> {
    if (ready.length === 0) return;
    const chunks = ready;
    ready = [];
    const call = service
      .mutation(api.market.worker.appendChunks, { ...key, calendar: "always", simulated: false, chunks })
      .then(
        (counts) => {
          totals.rowsAdded += counts.added;
          totals.rowsUnchanged += counts.unchanged;
          totals.rowsRevised += counts.revised;
        },
        (error) => {
          failure ??= error;
        },
      )
      .finally(() => inFlight.delete(call));
    inFlight.add(call);
    if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
    if (failure !== null) throw failure;
  }

  return {
    counts: () => ({ ...totals }),
    async add(candles: CandleColumns): Promise<void> {
      const times = candles.openTimeMs;
      let from = 0;
      for (let i = 0; i < times.length; i++) {
        const start = chunkStartMs(times[i]!, key.timeframe);
        if (start === openStart) continue;
        if (i > from) open.push(sliceColumns(candles, from, i));
        closeChunk();
        if (ready.length >= LIMITS.chunksPerAppend) await send();
        from = i;
        openStart = start;
      }
      // Batches are reused by the parser's buffers: keep a copy.
      if (from < times.length) open.push(concatColumns([sliceColumns(candles, from)]));
    },
    async close(): Promise<void> {
      closeChunk();
      await send();
      await Promise.all(inFlight);
      if (failure !== null) throw failure;
    },
  };
}

/** Replaces the gap ledger over the imported range, in calls of bounded size. */
async function recordGaps(
  service: Desk,
  key: SeriesKey,
  openTimes: Float64Array,
  gaps: Gap[],
): Promise<void> {
  if (openTimes.length === 0) return;
  let fromMs = openTimes[0]!;
  const endMs = openTimes[openTimes.length - 1]! + 1;
  for (let i = 0; i === 0 || i < gaps.length; i += LIMITS.gapsPerCall) {
    const batch = gaps.slice(i, i + LIMITS.gapsPerCall);
    const isLast = i + LIMITS.gapsPerCall >= gaps.length;
    const toMs = isLast ? endMs : gaps[i + LIMITS.gapsPerCall]!.fromMs;
    await service.mutation(api.market.worker.recordGaps, { ...key, fromMs, toMs, gaps: batch });
    fromMs = toMs;
  }
}
