import { float64ToBytes } from "../core/bytes";
import { canonicalJson } from "../core/canonicalJson";
import { createSha256, sha256Hex } from "../core/sha256";
import type { FeatureMatrix } from "../features/types";
import { COLUMN_NAMES } from "../market/columns";
import type { CandleColumns } from "../market/types";
import type { DatasetManifest, DatasetManifestCore } from "./types";

/** Address of a dataset: SHA-256 (hex) of the canonical JSON of its manifest core. */
export function datasetHash(core: DatasetManifestCore): string {
  return sha256Hex(canonicalJson(core));
}

/** The core of a full manifest, without its address and file, ready for `datasetHash`. */
export function manifestCore(manifest: DatasetManifest): DatasetManifestCore {
  const { datasetHash: _hash, parquetSha256: _sha256, parquetBytes: _bytes, ...core } = manifest;
  return core;
}

/**
 * SHA-256 (hex) of the rows: the names of all columns, then the six candle columns, ATR and the features
 * row by row, all as little-endian float64. It covers every bit and the order of rows and columns.
 */
export function datasetContentSha256(rows: DatasetRows): string {
  const { candles, features, atr } = rows;
  const hash = createSha256().update(canonicalJson([...COLUMN_NAMES, "atr", ...features.names]));
  for (const name of COLUMN_NAMES) hash.update(float64ToBytes(candles[name]));
  return hash.update(float64ToBytes(atr)).update(float64ToBytes(features.values)).digestHex();
}

/** The rows of a dataset: candle i, its feature row and its ATR(14) in price units. */
export interface DatasetRows {
  candles: CandleColumns;
  features: FeatureMatrix;
  atr: Float64Array;
}
