/** Features of a dataset's bars through the cache: the longest known beginning is read, the rest is computed. */
import { createHash } from "node:crypto";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { featureFingerprint } from "../../lib/features/fingerprint";
import { SIDE_FEEDS, type SideFeeds } from "../../lib/features/sides";
import { createFeatureStepper, FEATURE_KERNEL_VERSION } from "../../lib/features/stream";
import type { FeatureMatrix, FeatureSetSpec } from "../../lib/features/types";
import { COLUMN_NAMES, candleAt, lowerBound } from "../../lib/market/columns";
import { timeframeMs } from "../../lib/market/timeframe";
import type { CandleColumns, Timeframe } from "../../lib/market/types";
import type { FeatureCache } from "./featureCache";

/** Bars of a block. Only full blocks are stored, so a range that is extended goes on after its last one. */
export const BLOCK_ROWS = 4_096;

export interface CachedFeatures {
  features: FeatureMatrix;
  /** ATR(14) in price units of every bar. */
  atr: Float64Array;
  /** Rows that were read and not computed. */
  rowsReused: number;
}

interface Options {
  spec: FeatureSetSpec;
  timeframe: Timeframe;
  sides?: SideFeeds;
  cache?: FeatureCache;
}

/**
 * As `computeFeatures` and `computeAtr` over the bars, with the same bits whether or not there is a cache.
 * Features carry the state of all bars before them, so the key of a block is a hash over the feature set, the
 * kernel, the bars and side points of the block, and the key of the block before: it names everything that
 * decides the block's bits. A stored block also holds the stream's state at its end.
 */
export async function cachedFeatures(bars: CandleColumns, options: Options): Promise<CachedFeatures> {
  const { spec, timeframe, sides, cache } = options;
  const rows = bars.openTimeMs.length;
  const width = spec.columns.length;
  const values = new Float64Array(rows * width);
  const atr = new Float64Array(rows);
  const stepper = createFeatureStepper(spec, { timeframe, sides });
  const keys = cache === undefined ? [] : blockKeys(bars, options);
  let rowsReused = 0;
  let state: Float64Array | null = null;
  for (const key of keys) {
    const block = readBlock(await cache!.read(key), width);
    if (block === null) break;
    values.set(block.values, rowsReused * width);
    atr.set(block.atr, rowsReused);
    state = block.state;
    rowsReused += BLOCK_ROWS;
  }
  if (state !== null) stepper.importState(state);
  for (let i = rowsReused; i < rows; i++) {
    stepper.step(candleAt(bars, i), values, i * width);
    atr[i] = stepper.atr();
    const key = (i + 1) % BLOCK_ROWS === 0 ? keys[(i + 1) / BLOCK_ROWS - 1] : undefined;
    if (key === undefined) continue;
    const from = i + 1 - BLOCK_ROWS;
    const parts = [
      values.subarray(from * width, (i + 1) * width),
      atr.subarray(from, i + 1),
      stepper.exportState(),
    ];
    await cache!.write(key, Buffer.concat(parts.map(bytesOf)));
  }
  if (rowsReused < keys.length * BLOCK_ROWS) await cache!.prune();
  return { features: { names: spec.columns.map(({ name }) => name), rows, width, values }, atr, rowsReused };
}

/** One key for each full block, each a hash over everything up to its end. */
function blockKeys(bars: CandleColumns, { spec, timeframe, sides = {} }: Options): string[] {
  const identity = { kernel: FEATURE_KERNEL_VERSION, fingerprint: featureFingerprint(spec), timeframe };
  let previous = canonicalJson({ ...identity, blockRows: BLOCK_ROWS });
  const seen = new Map<string, number>();
  const keys: string[] = [];
  for (let end = BLOCK_ROWS; end <= bars.openTimeMs.length; end += BLOCK_ROWS) {
    const hash = createHash("sha256").update(previous);
    for (const name of COLUMN_NAMES) hash.update(bytesOf(bars[name].subarray(end - BLOCK_ROWS, end)));
    const closeMs = bars.openTimeMs[end - 1]! + timeframeMs(timeframe);
    for (const feed of SIDE_FEEDS) {
      const series = sides[feed];
      if (series === undefined) continue;
      const from = seen.get(feed) ?? 0;
      const to = lowerBound(series.availableAtMs, closeMs + 1);
      seen.set(feed, to);
      hash.update(canonicalJson([feed, to - from]));
      hash.update(bytesOf(series.availableAtMs.subarray(from, to)));
      hash.update(bytesOf(series.value.subarray(from, to)));
    }
    previous = hash.digest("hex");
    keys.push(previous);
  }
  return keys;
}

function readBlock(payload: Uint8Array | null, width: number) {
  if (payload === null || payload.length % 8 !== 0) return null;
  // A copy, because the numbers of a file need not lie at a multiple of eight.
  const numbers = new Float64Array(new Uint8Array(payload).buffer);
  const atrAt = BLOCK_ROWS * width;
  const stateAt = atrAt + BLOCK_ROWS;
  if (numbers.length <= stateAt) return null;
  return {
    values: numbers.subarray(0, atrAt),
    atr: numbers.subarray(atrAt, stateAt),
    state: numbers.subarray(stateAt),
  };
}

const bytesOf = (values: Float64Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
