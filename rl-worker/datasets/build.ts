import { sha256Hex } from "../../lib/core/sha256";
import { type DatasetRows, datasetContentSha256, datasetHash } from "../../lib/dataset/hash";
import type { DatasetManifest, DatasetManifestCore, SourceChunk } from "../../lib/dataset/types";
import { featureFingerprint } from "../../lib/features/fingerprint";
import { featureStartMs } from "../../lib/features/stream";
import type { FeatureSetSpec } from "../../lib/features/types";
import { toSideFeeds } from "../../lib/feeds/asOf";
import { describeFrozen, type FrozenFeed } from "../../lib/feeds/frozen";
import { aggregateCandles } from "../../lib/market/aggregate";
import { decodeChunk } from "../../lib/market/chunk";
import { concatColumns, lowerBound, rangeColumns, sliceColumns } from "../../lib/market/columns";
import { coverage } from "../../lib/market/gaps";
import { timeframeMs } from "../../lib/market/timeframe";
import type { CandleColumns, CoverageReport, SessionCalendar, Timeframe } from "../../lib/market/types";
import { cachedFeatures } from "./cachedFeatures";
import type { FeatureCache } from "./featureCache";
import { writeDatasetParquet } from "./parquet";

export interface StoredChunk extends SourceChunk {
  bytes: Uint8Array;
}

export interface BuildDatasetOptions {
  instrument: string;
  source: string;
  timeframe: Timeframe;
  sourceTimeframe: Timeframe;
  calendar: SessionCalendar;
  /** Rows have open times in [fromMs, toMs); both aligned to `timeframe`. */
  fromMs: number;
  toMs: number;
  spec: FeatureSetSpec;
  /** Feeds beside the bars; one that is not given is absent in the features and flagged so. */
  feeds?: FrozenFeed[];
  /** Stored chunks in ascending order that cover `datasetSourceRange`; others are ignored. */
  chunks: AsyncIterable<StoredChunk>;
  /** Where features are read from when the same bars were computed before; the bytes are the same without it. */
  cache?: FeatureCache;
  onProgress?: (progress: { phase: "read" | "compute" | "write"; barsRead: number }) => void;
  signal?: AbortSignal;
}

export interface BuiltDataset {
  parquet: Uint8Array;
  manifest: DatasetManifest;
  datasetHash: string;
  quality: CoverageReport;
  /** Bars whose features came from the cache. */
  rowsReused: number;
}

export type DatasetRefusal = "badRange" | "chunkHash" | "chunkOrder" | "noBars" | "noWarmRows";

/** The dataset cannot be built from this input; `message` names the limit and the next step. */
export class DatasetBuildError extends Error {
  override name = "DatasetBuildError";
  constructor(
    readonly code: DatasetRefusal,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Open times [fromMs, toMs) of the source bars that a dataset reads: its own range and, before it, the
 * bars that warm the indicators up (`featureStartMs`).
 */
export function datasetSourceRange(options: {
  timeframe: Timeframe;
  fromMs: number;
  toMs: number;
  spec: FeatureSetSpec;
}): { fromMs: number; toMs: number } {
  return { fromMs: featureStartMs(options.fromMs, options.timeframe, options.spec), toMs: options.toMs };
}

/**
 * Builds an immutable dataset: verifies and decodes chunks, aggregates them to closed bars of the
 * timeframe, computes features and ATR from `featuresFromMs` on, and keeps the warm rows of the range.
 * The same chunks and options give the same bytes and hash. When history is too short to warm up before
 * `fromMs`, rows start at the first warm bar and the manifest says where. The last bar counts only when
 * the source shows that it is closed. Throws DatasetBuildError, or the signal's reason when aborted.
 */
export async function buildDataset(options: BuildDatasetOptions): Promise<BuiltDataset> {
  const { timeframe, fromMs, toMs, spec, calendar } = options;
  checkRange(options);
  const sourceRange = datasetSourceRange(options);
  const { bars, sourceChunks } = await readBars(options, sourceRange);
  options.onProgress?.({ phase: "compute", barsRead: bars.openTimeMs.length });
  const aggregated = aggregateCandles(bars, timeframe, { sourceTimeframe: options.sourceTimeframe });
  const { rowsReused, ...rows } = await warmRows(aggregated, options);
  const { candles } = rows;
  const quality = coverage(aggregated.openTimeMs, timeframe, calendar, fromMs, toMs);
  const frozen = (options.feeds ?? []).map(describeFrozen);
  const core: DatasetManifestCore = {
    formatVersion: 1,
    instrument: options.instrument,
    timeframe,
    source: options.source,
    sourceTimeframe: options.sourceTimeframe,
    calendar,
    fromMs,
    toMs,
    featuresFromMs: aggregated.openTimeMs[0]!,
    featureSetId: spec.id,
    featureFingerprint: featureFingerprint(spec),
    warmupBars: spec.warmupBars,
    rows: candles.openTimeMs.length,
    firstRowMs: candles.openTimeMs[0]!,
    lastRowMs: candles.openTimeMs.at(-1)!,
    sourceChunks,
    ...(frozen.length === 0 ? {} : { sideFeeds: frozen.map(({ entry }) => entry) }),
    quality,
    contentSha256: datasetContentSha256(rows),
  };
  options.signal?.throwIfAborted();
  options.onProgress?.({ phase: "write", barsRead: bars.openTimeMs.length });
  const parquet = writeDatasetParquet(
    rows,
    core,
    frozen.map(({ bytes }) => bytes),
  );
  const hash = datasetHash(core);
  const manifest: DatasetManifest = {
    ...core,
    datasetHash: hash,
    parquetSha256: sha256Hex(parquet),
    parquetBytes: parquet.length,
  };
  return { parquet, manifest, datasetHash: hash, quality, rowsReused };
}

function checkRange({ timeframe, sourceTimeframe, fromMs, toMs }: BuildDatasetOptions): void {
  const step = timeframeMs(timeframe);
  if (!(Number.isSafeInteger(fromMs) && Number.isSafeInteger(toMs) && fromMs >= 0 && fromMs < toMs)) {
    throw new DatasetBuildError(
      "badRange",
      `range ${fromMs}..${toMs} must be two ascending times in milliseconds`,
    );
  }
  if (fromMs % step !== 0 || toMs % step !== 0) {
    throw new DatasetBuildError("badRange", `range ${fromMs}..${toMs} must be aligned to ${timeframe} bars`);
  }
  if (step % timeframeMs(sourceTimeframe) !== 0) {
    throw new DatasetBuildError(
      "badRange",
      `${sourceTimeframe} bars do not divide ${timeframe} bars; use a finer source`,
    );
  }
}

/** Source bars of the range; the chunks that hold at least one of them are recorded. */
async function readBars(
  options: BuildDatasetOptions,
  range: { fromMs: number; toMs: number },
): Promise<{ bars: CandleColumns; sourceChunks: SourceChunk[] }> {
  const parts: CandleColumns[] = [];
  const sourceChunks: SourceChunk[] = [];
  let barsRead = 0;
  let lastOpenTimeMs = Number.NEGATIVE_INFINITY;
  for await (const { chunkStartMs, sha256, bytes } of options.chunks) {
    options.signal?.throwIfAborted();
    const actual = sha256Hex(bytes);
    if (actual !== sha256) {
      throw new DatasetBuildError(
        "chunkHash",
        `chunk ${chunkStartMs} hashes to ${actual}, recorded is ${sha256}; import it again`,
      );
    }
    const part = rangeColumns(decodeChunk(bytes), range.fromMs, range.toMs);
    if (part.openTimeMs.length === 0) continue;
    if (part.openTimeMs[0]! <= lastOpenTimeMs) {
      throw new DatasetBuildError("chunkOrder", `chunk ${chunkStartMs} does not follow the chunk before it`);
    }
    lastOpenTimeMs = part.openTimeMs.at(-1)!;
    parts.push(part);
    sourceChunks.push({ chunkStartMs, sha256 });
    barsRead += part.openTimeMs.length;
    options.onProgress?.({ phase: "read", barsRead });
  }
  return { bars: concatColumns(parts), sourceChunks };
}

/** Warm rows with open times in [fromMs, toMs). */
async function warmRows(
  bars: CandleColumns,
  options: BuildDatasetOptions,
): Promise<DatasetRows & { rowsReused: number }> {
  const { instrument, timeframe, fromMs, spec } = options;
  const rowsTotal = bars.openTimeMs.length;
  const inRange = lowerBound(bars.openTimeMs, fromMs);
  const first = Math.max(inRange, spec.warmupBars);
  if (inRange === rowsTotal) {
    const message = `${instrument} has no closed ${timeframe} bar in the range; import candles for it or change --from and --to`;
    throw new DatasetBuildError("noBars", message);
  }
  if (first >= rowsTotal) {
    throw new DatasetBuildError(
      "noWarmRows",
      `${spec.id} needs ${spec.warmupBars} ${timeframe} bars to warm up and only ${rowsTotal} exist up to the end; import earlier candles or extend the range`,
    );
  }
  const {
    features: all,
    atr,
    rowsReused,
  } = await cachedFeatures(bars, {
    ...options,
    sides: toSideFeeds(options.feeds ?? []),
  });
  return {
    candles: sliceColumns(bars, first),
    features: {
      names: all.names,
      rows: rowsTotal - first,
      width: all.width,
      values: all.values.slice(first * all.width),
    },
    atr: atr.slice(first),
    rowsReused,
  };
}
