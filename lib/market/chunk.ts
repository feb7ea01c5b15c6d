import { bytesToFloat64, float64ToBytes } from "../core/bytes";
import { createColumns } from "./columns";
import { timeframeMs } from "./timeframe";
import type { CandleColumns, Timeframe } from "./types";
import { createReader, createWriter, type Reader, type Writer } from "./varint";

export { type ChunkMerge, mergeChunk } from "./merge";

/**
 * The stored form of candles: a chunk holds the bars of one span of 1440 slots, aligned to the epoch.
 *
 * Layout, version 1 (varint = unsigned LEB128 up to 2^53):
 *   bytes 0..1  "C", version
 *   byte  2     price scale k (values are integers / 10^k), or 255 for raw float64
 *   byte  3     volume scale, or 255
 *   varints     bar count; open time of the first bar; slot length in ms (the greatest common divisor of
 *               the time steps, 0 below two bars); number of runs; per run the slots skipped before it
 *               and its length
 *   prices      scaled: per bar zigzag varints open - previous close, close - open,
 *               high - max(open, close), min(open, close) - low; raw: columns open, high, low, close
 *   volume      scaled: one varint per bar; raw: one column
 *
 * Decoding gives back every finite float64 bit for bit: a scale is used only where each value equals
 * its integer divided by 10^k, which is also how it is decoded.
 */
export const BARS_PER_CHUNK = 1440;

const MAGIC = 0x43;
const VERSION = 1;
const RAW = 255;
const MAX_SCALE = 8;
/** Differences of integers up to this size, doubled by zigzag, stay exact in a double. */
const MAX_MANTISSA = 2 ** 50;

/** Open time of the chunk that holds the bar opening at `openTimeMs`. */
export function chunkStartMs(openTimeMs: number, timeframe: Timeframe): number {
  const span = BARS_PER_CHUNK * timeframeMs(timeframe);
  return Math.floor(openTimeMs / span) * span;
}

/**
 * Encodes up to 1440 bars. Throws RangeError when there are more, when a column is shorter than another,
 * when a value is not finite, or when times are not ascending non-negative integers.
 */
export function encodeChunk(columns: CandleColumns): Uint8Array {
  const { openTimeMs, open, high, low, close, volume } = columns;
  const rows = openTimeMs.length;
  if (rows > BARS_PER_CHUNK) {
    throw new RangeError(`chunk: ${rows} bars exceed the limit of ${BARS_PER_CHUNK}; split by chunkStartMs`);
  }
  for (const [name, column] of Object.entries({ open, high, low, close, volume })) {
    if (column.length !== rows)
      throw new RangeError(`chunk: column ${name} has ${column.length} of ${rows} rows`);
    for (let i = 0; i < rows; i++) {
      if (!Number.isFinite(column[i]!))
        throw new RangeError(`chunk: ${name}[${i}] is ${column[i]}, not finite`);
    }
  }
  const priceScale = findScale([open, high, low, close], -MAX_MANTISSA);
  const volumeScale = findScale([volume], 0);

  const out = createWriter();
  out.byte(MAGIC);
  out.byte(VERSION);
  out.byte(priceScale);
  out.byte(volumeScale);
  writeTimes(out, openTimeMs);
  if (priceScale === RAW) for (const column of [open, high, low, close]) out.bytes(float64ToBytes(column));
  else writePrices(out, columns, 10 ** priceScale);
  if (volumeScale === RAW) out.bytes(float64ToBytes(volume));
  else {
    const factor = 10 ** volumeScale;
    for (let i = 0; i < rows; i++) out.varint(Math.round(volume[i]! * factor));
  }
  return out.finish();
}

/** Inverse of `encodeChunk`. Throws RangeError on a foreign header, an unknown version or damaged bytes. */
export function decodeChunk(bytes: Uint8Array): CandleColumns {
  const input = createReader(bytes);
  if (input.byte() !== MAGIC) throw new RangeError("chunk: not a candle chunk (wrong first byte)");
  const version = input.byte();
  if (version !== VERSION)
    throw new RangeError(`chunk: version ${version} is unknown; this code reads ${VERSION}`);
  const priceScale = readScale(input);
  const volumeScale = readScale(input);
  const rows = input.varint();
  if (rows > BARS_PER_CHUNK) throw new RangeError(`chunk: damaged, ${rows} bars exceed ${BARS_PER_CHUNK}`);
  const columns = createColumns(rows);
  readTimes(input, columns.openTimeMs);
  if (priceScale === RAW) {
    for (const name of ["open", "high", "low", "close"] as const) {
      columns[name].set(bytesToFloat64(input.bytes(rows * 8)));
    }
  } else readPrices(input, columns, 10 ** priceScale);
  if (volumeScale === RAW) columns.volume.set(bytesToFloat64(input.bytes(rows * 8)));
  else {
    const factor = 10 ** volumeScale;
    for (let i = 0; i < rows; i++) columns.volume[i] = input.varint() / factor;
  }
  input.end();
  return columns;
}

/** Smallest scale at which every value of the group is an integer >= `least` over 10^k, else RAW. */
function findScale(group: Float64Array[], least: number): number {
  let scale = 0;
  let factor = 1;
  let largest = 0;
  for (const values of group) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      // A scale that fits a value fits it at every larger scale too, so earlier values need no second look.
      for (;;) {
        const mantissa = Math.round(value * factor);
        if (mantissa / factor === value && mantissa >= least && mantissa <= MAX_MANTISSA) break;
        if (++scale > MAX_SCALE) return RAW;
        factor = 10 ** scale;
      }
      if (value === 0 && 1 / value < 0) return RAW; // -0 has no integer form
      if (Math.abs(value) > largest) largest = Math.abs(value);
    }
  }
  return largest * factor <= MAX_MANTISSA ? scale : RAW;
}

function readScale(input: Reader): number {
  const scale = input.byte();
  if (scale !== RAW && scale > MAX_SCALE) throw new RangeError(`chunk: damaged, scale ${scale}`);
  return scale;
}

function writeTimes(out: Writer, times: Float64Array): void {
  let step = 0;
  for (let i = 0; i < times.length; i++) {
    const time = times[i]!;
    if (!Number.isSafeInteger(time) || time < 0) {
      throw new RangeError(`chunk: openTimeMs[${i}] is ${time}, not a non-negative integer`);
    }
    if (i === 0) continue;
    const delta = time - times[i - 1]!;
    if (delta <= 0) throw new RangeError(`chunk: openTimeMs[${i}] does not ascend`);
    if (delta !== step) step = greatestCommonDivisor(step, delta);
  }
  const runs: number[] = [];
  let runStart = 0;
  let skipped = 0;
  for (let i = 1; i <= times.length; i++) {
    const slots = i < times.length ? (times[i]! - times[i - 1]!) / step : 0;
    if (slots === 1) continue;
    runs.push(skipped, i - runStart);
    runStart = i;
    skipped = slots - 1;
  }
  out.varint(times.length);
  out.varint(times[0] ?? 0);
  out.varint(step);
  out.varint(runs.length / 2);
  for (const value of runs) out.varint(value);
}

function readTimes(input: Reader, times: Float64Array): void {
  let time = input.varint();
  const step = input.varint();
  const runs = input.varint();
  let i = 0;
  for (let run = 0; run < runs; run++) {
    time += input.varint() * step;
    const length = input.varint();
    if (length === 0 || i + length > times.length)
      throw new RangeError("chunk: damaged, runs exceed the bar count");
    for (let j = 0; j < length; j++) {
      times[i++] = time;
      time += step;
    }
  }
  if (i !== times.length || !Number.isSafeInteger(time) || (times.length > 1 && step === 0)) {
    throw new RangeError("chunk: damaged, times do not fit the bar count");
  }
}

function writePrices(out: Writer, { open, high, low, close }: CandleColumns, factor: number): void {
  let previous = 0;
  for (let i = 0; i < open.length; i++) {
    const o = Math.round(open[i]! * factor);
    const c = Math.round(close[i]! * factor);
    const top = Math.max(o, c);
    const bottom = Math.min(o, c);
    out.zigzag(o - previous);
    out.zigzag(c - o);
    out.zigzag(Math.round(high[i]! * factor) - top);
    out.zigzag(bottom - Math.round(low[i]! * factor));
    previous = c;
  }
}

function readPrices(input: Reader, { open, high, low, close }: CandleColumns, factor: number): void {
  let previous = 0;
  for (let i = 0; i < open.length; i++) {
    const o = previous + input.zigzag();
    const c = o + input.zigzag();
    open[i] = o / factor;
    close[i] = c / factor;
    high[i] = (Math.max(o, c) + input.zigzag()) / factor;
    low[i] = (Math.min(o, c) - input.zigzag()) / factor;
    previous = c;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
