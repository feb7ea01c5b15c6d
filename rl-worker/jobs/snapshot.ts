/** Building, recording and reading dataset snapshots, shared by every job that needs bars. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { manifestCore } from "../../lib/dataset/hash";
import { featureSetById } from "../../lib/features/registry";
import type { FrozenFeed } from "../../lib/feeds/frozen";
import { BARS_PER_CHUNK } from "../../lib/market/chunk";
import { timeframeMs } from "../../lib/market/timeframe";
import type { Timeframe } from "../../lib/market/types";
import { buildDataset, datasetSourceRange, type StoredChunk } from "../datasets/build";
import { freezeFeeds } from "../datasets/feeds";
import { type DatasetFile, readDatasetParquet } from "../datasets/parquet";
import { type Desk, downloadVerified, uploadBytes } from "../transport/desk";
import type { JobContext } from "./context";

export interface SnapshotRequest {
  purpose: "training" | "evaluation" | "feed";
  instrument: string;
  timeframe: Timeframe;
  source: string;
  sourceTimeframe: Timeframe;
  fromMs: number;
  toMs: number;
  featureSetId: string;
}

/** Stored chunks that may hold bars in [fromMs, toMs), oldest first, page by page. */
export async function* storedChunks(
  desk: Desk,
  key: { instrument: string; timeframe: Timeframe; source: string },
  fromMs: number,
  toMs: number,
): AsyncGenerator<StoredChunk> {
  let cursorMs = fromMs;
  for (;;) {
    const page = await desk.query(api.market.worker.chunks, { ...key, fromMs: cursorMs, toMs });
    for (const { chunkStartMs, sha256, payload } of page) {
      yield { chunkStartMs, sha256, bytes: new Uint8Array(payload) };
    }
    const last = page.at(-1);
    if (last === undefined) return;
    cursorMs = last.chunkStartMs + BARS_PER_CHUNK * timeframeMs(key.timeframe);
    if (cursorMs >= toMs) return;
  }
}

/** Builds the snapshot, stores the file, records it; the same request gives the same id. */
export async function buildSnapshot(
  context: JobContext,
  request: SnapshotRequest,
): Promise<{ datasetId: Id<"datasets">; featuresFromMs: number; feeds: FrozenFeed[] }> {
  const { desk, clock, lease } = context;
  const startedAtMs = clock.monotonicMs();
  const { instrument, timeframe, source, sourceTimeframe, fromMs, toMs } = request;
  const series = await desk.query(api.market.worker.series, {
    instrument,
    timeframe: sourceTimeframe,
    source,
  });
  if (series === null)
    throw new Error(`No ${sourceTimeframe} bars of ${instrument} from ${source}; import some first`);
  const spec = featureSetById(request.featureSetId);
  const range = datasetSourceRange({ timeframe, fromMs, toMs, spec });
  const expectedBars = Math.max(1, (range.toMs - range.fromMs) / timeframeMs(sourceTimeframe));
  const feeds = await freezeFeeds(desk, request, spec, range);
  const { manifest, parquet, rowsReused } = await buildDataset({
    instrument,
    source,
    timeframe,
    sourceTimeframe,
    calendar: series.calendar,
    fromMs,
    toMs,
    spec,
    feeds,
    chunks: storedChunks(desk, { instrument, timeframe: sourceTimeframe, source }, range.fromMs, range.toMs),
    onProgress: ({ phase, barsRead }) =>
      context.progress(`dataset: ${phase}`, barsRead, expectedBars, "bars"),
    cache: context.featureCache,
    signal: context.cancel,
  });
  context.log.info("dataset.features", { rows: manifest.rows, rowsReused });
  const parquetStorageId = await uploadBytes(desk, parquet, "application/vnd.apache.parquet");
  const datasetId = await desk.mutation(api.datasets.worker.record, {
    ...lease,
    dataset: {
      datasetHash: manifest.datasetHash,
      instrument,
      timeframe,
      source,
      fromMs,
      toMs,
      rows: manifest.rows,
      featureSetId: manifest.featureSetId,
      featureFingerprint: manifest.featureFingerprint,
      featureCount: spec.columns.length,
      quality: manifest.quality,
      bytes: manifest.parquetBytes,
      contentSha256: manifest.contentSha256,
      parquetSha256: manifest.parquetSha256,
      parquetStorageId: parquetStorageId as Id<"_storage">,
      manifest: canonicalJson(manifestCore(manifest)),
      purpose: request.purpose,
      seconds: (clock.monotonicMs() - startedAtMs) / 1000,
    },
    featureSet: {
      version: spec.version,
      columnNames: spec.columns.map((column) => column.name),
      warmupBars: spec.warmupBars,
    },
  });
  return { datasetId, featuresFromMs: manifest.featuresFromMs, feeds };
}

/** Downloads a dataset and proves it is the one that was recorded, file and content. */
export async function loadSnapshot(desk: Desk, datasetId: Id<"datasets">): Promise<DatasetFile> {
  const record = await desk.query(api.datasets.worker.get, { datasetId });
  if (record.url === null)
    throw new Error(`The file of dataset ${record.datasetHash.slice(0, 12)} is gone from storage`);
  const bytes = await downloadVerified(
    record.url,
    record.parquetSha256,
    `dataset ${record.datasetHash.slice(0, 12)}`,
  );
  return readDatasetParquet(bytes, record.datasetHash);
}
