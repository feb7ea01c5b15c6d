/** `assay import --feed`: a file of funding, basis, open interest or events into the desk, idempotent. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { api } from "../../../convex/_generated/api";
import { LIMITS } from "../../../lib/contract/limits";
import { encodeFeedChunk, feedChunkStartMs } from "../../../lib/feeds/chunk";
import { type FeedCsvLayout, type FeedCsvRow, readFeedHeader, readFeedRow } from "../../../lib/feeds/csv";
import { EVENT_SOURCE, type FeedName, type FeedPoint, isEventFeed } from "../../../lib/feeds/types";
import { systemClock } from "../../runtime/clock";
import { messageOf } from "../../runtime/log";
import type { Desk } from "../../transport/desk";
import { onInterrupt } from "../jobs";
import { createProgress, progressText } from "../output";
import { CommandError, UsageError } from "../session";

export interface ImportFeedOptions {
  file: string;
  feed: FeedName;
  instrument: string;
  source: string;
  /** How long after its event a measured row without `received_ms` counts. */
  lagMs: number;
}

type EventRow = Extract<FeedCsvRow, { event: unknown }>["event"];

const REJECTS_SHOWN = 20;

export async function importFeed(service: Desk, options: ImportFeedOptions) {
  const { file, feed, instrument, source } = options;
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}`);
  const startedAtMs = systemClock.monotonicMs();
  const progress = createProgress(systemClock.monotonicMs);
  let isInterrupted = false;
  const release = onInterrupt(() => {
    isInterrupted = true;
  });
  const show = (stage: string, done: number, total: number, unit: string) => {
    const ratePerSecond = (1_000 * done) / Math.max(1, systemClock.monotonicMs() - startedAtMs);
    const etaSeconds = ratePerSecond > 0 ? (total - done) / ratePerSecond : 0;
    progress.show(progressText({ stage, done, total, unit, ratePerSecond, etaSeconds }));
  };
  const counts = { rowsRead: 0, rowsAdded: 0, rowsUnchanged: 0, rowsRevised: 0, rowsRejected: 0 };
  const rejects: { line: number; reason: string; text: string }[] = [];
  const ingestionId = await service.mutation(api.feeds.worker.startImport, {
    ...{ instrument, feed, fileName: basename(file) },
    source: isEventFeed(feed) ? EVENT_SOURCE : source,
  });
  const finish = (status: "ok" | "failed" | "cancelled", error?: string) =>
    service.mutation(api.feeds.worker.finishImport, { ingestionId, status, ...counts, rejects, error });
  try {
    const rows = await readRows(options, counts, rejects, () => isInterrupted, show);
    for (const batch of batchesOf(feed, rows)) {
      if (isInterrupted) break;
      const sent = await send(service, options, batch);
      counts.rowsAdded += sent.added;
      counts.rowsUnchanged += sent.unchanged;
      counts.rowsRevised += sent.revised;
      show("storing", counts.rowsAdded + counts.rowsUnchanged, rows.length, "rows");
    }
    if (isInterrupted) {
      await finish("cancelled", "stopped by the operator; import again to go on");
      throw new CommandError("Stopped. What was stored stays; import the same file again to go on.");
    }
    await finish("ok");
    for (const { line, reason, text } of rejects.slice(0, REJECTS_SHOWN)) {
      process.stderr.write(`line ${line}: ${reason}: ${text}\n`);
    }
    const seconds = (systemClock.monotonicMs() - startedAtMs) / 1000;
    return { feed, ...counts, rejects: rejects.slice(0, REJECTS_SHOWN), seconds };
  } catch (error) {
    if (!isInterrupted) await finish("failed", messageOf(error)).catch(() => {});
    throw error;
  } finally {
    release();
    progress.end();
  }
}

async function readRows(
  { file, feed, lagMs }: ImportFeedOptions,
  counts: { rowsRead: number; rowsRejected: number },
  rejects: { line: number; reason: string; text: string }[],
  isInterrupted: () => boolean,
  show: (stage: string, done: number, total: number, unit: string) => void,
): Promise<FeedCsvRow[]> {
  const raw = createReadStream(file, { highWaterMark: 1 << 20 });
  const input = file.endsWith(".gz") ? raw.pipe(createGunzip()) : raw;
  raw.on("error", (error) => input.destroy(error));
  const rows: FeedCsvRow[] = [];
  const total = statSync(file).size;
  let layout: FeedCsvLayout | null = null;
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (layout === null) {
      const header = readFeedHeader(feed, text);
      if (!header.ok) throw new UsageError(header.error);
      layout = header.value;
      continue;
    }
    if (text.trim() === "") continue;
    counts.rowsRead += 1;
    const row = readFeedRow(layout, text, lagMs);
    if (row.ok) rows.push(row.value);
    else {
      counts.rowsRejected += 1;
      if (rejects.length < LIMITS.rejectsStored)
        rejects.push({ line, reason: row.error, text: text.slice(0, 200) });
    }
    if (line % 10_000 === 0) show("reading", raw.bytesRead, total, "bytes");
    if (isInterrupted()) break;
  }
  if (layout === null) throw new UsageError(`${file} is empty; it needs a header line`);
  return rows;
}

/** Calls of bounded size: points by time, so that a call touches few chunks; events as the file has them. */
function* batchesOf(feed: FeedName, rows: FeedCsvRow[]): Generator<FeedPoint[] | EventRow[]> {
  if (isEventFeed(feed)) {
    const events = rows.flatMap((row) => ("event" in row ? [row.event] : []));
    for (let i = 0; i < events.length; i += LIMITS.eventsPerCall)
      yield events.slice(i, i + LIMITS.eventsPerCall);
    return;
  }
  const points = rows.flatMap((row) => ("point" in row ? [row.point] : []));
  points.sort((a, b) => a.eventAtMs - b.eventAtMs);
  let batch: FeedPoint[] = [];
  let chunks = new Set<number>();
  for (const point of points) {
    chunks.add(feedChunkStartMs(feed, point.eventAtMs));
    if (batch.length === LIMITS.feedPointsPerAppend || chunks.size > LIMITS.feedChunksPerAppend) {
      yield batch;
      batch = [];
      chunks = new Set([feedChunkStartMs(feed, point.eventAtMs)]);
    }
    batch.push(point);
  }
  if (batch.length > 0) yield batch;
}

async function send(
  service: Desk,
  { feed, instrument, source }: ImportFeedOptions,
  batch: FeedPoint[] | EventRow[],
): Promise<{ added: number; unchanged: number; revised: number }> {
  if (isEventFeed(feed)) {
    const events = batch as EventRow[];
    const args = { instrument, feed, publisher: source, events };
    const answers = await service.mutation(api.feeds.worker.appendEvents, args);
    const added = answers.filter(({ status }) => status === "stored").length;
    const revised = events.filter(
      ({ corrects }, i) => corrects !== undefined && answers[i]!.status === "stored",
    );
    return { added, unchanged: answers.length - added, revised: revised.length };
  }
  const payload = encodeFeedChunk(batch as FeedPoint[]).slice().buffer as ArrayBuffer;
  return service.mutation(api.feeds.worker.appendPoints, { instrument, feed, source, payload });
}
