/** Features of a dataset's bars through the cache: blocks that are known are read, the others are computed. */
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

/**
 * Bar lengths that a block spans. Blocks lie on this grid of time wherever a range starts, so that ranges that
 * start elsewhere cut their bars alike.
 */
export const BLOCK_BARS = 4_096;

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
 * A block's bits are decided by the feature set, the kernel, what the stream remembers at the block's start, and
 * the block's bars and side points: its key is a hash over these, and it holds what the stream remembers at its
 * end. So a range that was extended goes on from there, and one that starts elsewhere joins the known blocks
 * as soon as its averages have forgotten their seeds to the last bit. The last block of a range is computed
 * each time, because more bars may belong to it.
 */
export async function cachedFeatures(bars: CandleColumns, options: Options): Promise<CachedFeatures> {
  const { spec, timeframe, sides, cache } = options;
  const rows = bars.openTimeMs.length;
  const width = spec.columns.length;
  const values = new Float64Array(rows * width);
  const atr = new Float64Array(rows);
  const stepper = createFeatureStepper(spec, { timeframe, sides });
  const keyOf = blockKeys(bars, options);
  let state = stepper.exportState();
  let isBehind = false;
  let rowsReused = 0;
  let written = 0;
  for (let from = 0; from < rows; ) {
    const to = cache === undefined ? rows : blockEnd(bars.openTimeMs, from, timeframe);
    const key = to < rows ? keyOf(from, to, state) : null;
    const known = key === null ? null : readBlock(await cache!.read(key), to - from, width, state.length);
    if (known !== null) {
      values.set(known.values, from * width);
      atr.set(known.atr, from);
      state = known.state;
      isBehind = true;
      rowsReused += to - from;
      from = to;
      continue;
    }
    if (isBehind) stepper.importState(state);
    isBehind = false;
    for (let i = from; i < to; i++) {
      stepper.step(candleAt(bars, i), values, i * width);
      atr[i] = stepper.atr();
    }
    if (key !== null) {
      state = stepper.exportState();
      const parts = [values.subarray(from * width, to * width), atr.subarray(from, to), state];
      await cache!.write(key, Buffer.concat(parts.map(bytesOf)));
      written++;
    }
    from = to;
  }
  if (written > 0) await cache!.prune();
  return { features: { names: spec.columns.map(({ name }) => name), rows, width, values }, atr, rowsReused };
}

/** Row after the last one of the block in which row `from` lies. */
function blockEnd(openTimeMs: Float64Array, from: number, timeframe: Timeframe): number {
  const spanMs = BLOCK_BARS * timeframeMs(timeframe);
  return lowerBound(openTimeMs, (Math.floor(openTimeMs[from]! / spanMs) + 1) * spanMs);
}

function blockKeys(bars: CandleColumns, { spec, timeframe, sides = {} }: Options) {
  const identity = canonicalJson({
    ...{ kernel: FEATURE_KERNEL_VERSION, fingerprint: featureFingerprint(spec), timeframe },
    blockBars: BLOCK_BARS,
  });
  const closeMs = (row: number) => bars.openTimeMs[row]! + timeframeMs(timeframe);

  return (from: number, to: number, state: Float64Array): string => {
    const hash = createHash("sha256").update(identity).update(bytesOf(state));
    for (const name of COLUMN_NAMES) hash.update(bytesOf(bars[name].subarray(from, to)));
    for (const feed of SIDE_FEEDS) {
      const series = sides[feed];
      if (series === undefined) continue;
      // Points up to the bar before are in the state.
      const first = from === 0 ? 0 : lowerBound(series.availableAtMs, closeMs(from - 1) + 1);
      const last = lowerBound(series.availableAtMs, closeMs(to - 1) + 1);
      hash.update(canonicalJson([feed, last - first]));
      hash.update(bytesOf(series.availableAtMs.subarray(first, last)));
      hash.update(bytesOf(series.value.subarray(first, last)));
    }
    return hash.digest("hex");
  };
}

function readBlock(payload: Uint8Array | null, rows: number, width: number, stateLength: number) {
  const stateAt = rows * (width + 1);
  if (payload === null || payload.length !== 8 * (stateAt + stateLength)) return null;
  // A copy, because the numbers of a file need not lie at a multiple of eight.
  const numbers = new Float64Array(new Uint8Array(payload).buffer);
  return {
    values: numbers.subarray(0, rows * width),
    atr: numbers.subarray(rows * width, stateAt),
    state: numbers.subarray(stateAt),
  };
}

const bytesOf = (values: Float64Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
