import { type FileMetaData, parquetMetadata, parquetRead } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { base64Decode, base64Encode } from "../../lib/core/bytes";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { type DatasetRows, datasetContentSha256, datasetHash } from "../../lib/dataset/hash";
import type { DatasetManifestCore } from "../../lib/dataset/types";
import { type FrozenFeed, thawFeed } from "../../lib/feeds/frozen";
import { mapColumns } from "../../lib/market/columns";

/**
 * A dataset as one Parquet file: `open_time_ms` INT64, `open` .. `volume` and `atr` DOUBLE, then a DOUBLE
 * `f_<name>` per feature; no nulls. The manifest core and the feeds travel in the key-value metadata, so the file
 * can prove by itself what it is. The bytes depend on the rows, the core and the feeds only.
 */
const MANIFEST_KEY = "assay.manifest";
/** Base64 of each feed's encoded points, in the order of the manifest's `sideFeeds`. */
const FEED_KEY = "assay.feed.";
const FEATURE_PREFIX = "f_";
const ROW_GROUP_ROWS = 65_536;
const PRICE_COLUMNS = ["open", "high", "low", "close", "volume"] as const;

/** The file is not a dataset of ours, or its rows or manifest do not match their hash. */
export class DatasetFileError extends Error {
  override name = "DatasetFileError";
}

/** Encodes rows and manifest core; the caller stores the bytes as they are. */
export function writeDatasetParquet(
  rows: DatasetRows,
  core: DatasetManifestCore,
  feeds: readonly Uint8Array[] = [],
): Uint8Array {
  const { candles, features, atr } = rows;
  const doubles: Array<{ name: string; data: Float64Array }> = [
    ...PRICE_COLUMNS.map((name) => ({ name, data: candles[name] })),
    { name: "atr", data: atr },
    ...features.names.map((name, column) => ({
      name: FEATURE_PREFIX + name,
      data: Float64Array.from(
        { length: features.rows },
        (_, row) => features.values[row * features.width + column]!,
      ),
    })),
  ];
  const openTimeMs = BigInt64Array.from(candles.openTimeMs, BigInt);
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: "open_time_ms", data: openTimeMs, type: "INT64", nullable: false },
      ...doubles.map(({ name, data }) => ({ name, data, type: "DOUBLE" as const, nullable: false })),
    ],
    rowGroupSize: ROW_GROUP_ROWS,
    kvMetadata: [
      { key: MANIFEST_KEY, value: canonicalJson(core) },
      ...feeds.map((bytes, i) => ({ key: `${FEED_KEY}${i}`, value: base64Encode(bytes) })),
    ],
    createdBy: "assay dataset 1",
  });
  return new Uint8Array(buffer);
}

export interface DatasetFile extends DatasetRows {
  core: DatasetManifestCore;
  datasetHash: string;
  /** The feeds that the dataset was built with. */
  feeds: FrozenFeed[];
}

/**
 * Reads a dataset file back to the same bits and checks it: the rows against the content hash of
 * the embedded core and, when given, the core against `expectedHash`. Throws DatasetFileError naming both
 * hashes on a mismatch.
 */
export async function readDatasetParquet(bytes: Uint8Array, expectedHash?: string): Promise<DatasetFile> {
  const buffer = bytes.slice().buffer;
  const metadata = readMetadata(buffer);
  const text = metadata.key_value_metadata?.find(({ key }) => key === MANIFEST_KEY)?.value;
  if (text === undefined)
    throw new DatasetFileError(`the Parquet file has no ${MANIFEST_KEY}; build it with assay dataset build`);
  const core = parseCore(text);
  const hash = datasetHash(core);
  if (expectedHash !== undefined && hash !== expectedHash) {
    throw new DatasetFileError(`dataset hash is ${hash}, expected ${expectedHash}; build the dataset again`);
  }
  const rowCount = Number(metadata.num_rows);
  const names = metadata.schema.map(({ name }) => name).filter((name) => name.startsWith(FEATURE_PREFIX));
  const width = names.length;
  const rows: DatasetRows = {
    candles: mapColumns(() => new Float64Array(rowCount)),
    features: {
      names: names.map((name) => name.slice(FEATURE_PREFIX.length)),
      rows: rowCount,
      width,
      values: new Float64Array(rowCount * width),
    },
    atr: new Float64Array(rowCount),
  };
  const target = new Map<string, [values: Float64Array, offset: number, stride: number]>([
    ["open_time_ms", [rows.candles.openTimeMs, 0, 1]],
    ["atr", [rows.atr, 0, 1]],
    ...PRICE_COLUMNS.map(
      (name) => [name, [rows.candles[name], 0, 1]] as [string, [Float64Array, number, number]],
    ),
    ...names.map(
      (name, c) => [name, [rows.features.values, c, width]] as [string, [Float64Array, number, number]],
    ),
  ]);
  try {
    await parquetRead({
      file: { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) },
      metadata,
      onChunk: ({ columnName, columnData, rowStart, rowEnd }) => {
        const place = target.get(columnName);
        if (place === undefined) throw new Error(`unknown column ${columnName}`);
        const [values, offset, stride] = place;
        for (let row = rowStart; row < rowEnd; row++) {
          values[offset + row * stride] = Number(columnData[row - rowStart]);
        }
      },
    });
  } catch (error) {
    throw new DatasetFileError(`the Parquet file is damaged: ${(error as Error).message}`);
  }
  const content = datasetContentSha256(rows);
  if (content !== core.contentSha256) {
    throw new DatasetFileError(
      `rows hash to ${content}, the manifest says ${core.contentSha256}; the file is damaged`,
    );
  }
  return { ...rows, core, datasetHash: hash, feeds: readFeeds(core, metadata) };
}

function readFeeds({ sideFeeds = [] }: DatasetManifestCore, { key_value_metadata: pairs }: FileMetaData) {
  return sideFeeds.map((entry, i): FrozenFeed => {
    const text = pairs?.find(({ key }) => key === `${FEED_KEY}${i}`)?.value;
    if (text === undefined) throw new DatasetFileError(`the file does not hold the points of ${entry.feed}`);
    try {
      return thawFeed(entry, base64Decode(text));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new DatasetFileError(`${error.message}; the file is damaged`);
    }
  });
}

function readMetadata(buffer: ArrayBuffer) {
  try {
    return parquetMetadata(buffer);
  } catch (error) {
    throw new DatasetFileError(`not a readable Parquet file: ${(error as Error).message}`);
  }
}

function parseCore(text: string): DatasetManifestCore {
  try {
    return JSON.parse(text) as DatasetManifestCore;
  } catch {
    throw new DatasetFileError(`${MANIFEST_KEY} in the Parquet file is not JSON; the file is damaged`);
  }
}
