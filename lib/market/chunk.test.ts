import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BARS_PER_CHUNK, chunkStartMs, decodeChunk, encodeChunk, mergeChunk } from "./chunk";
import { createColumns, fromCandles, sliceColumns } from "./columns";
import { randomWalk } from "./randomWalk.fixture";

const decimals = (places: number) =>
  fc.integer({ min: -5_000_000, max: 5_000_000 }).map((m) => m / 10 ** places);
const anyFinite = fc.double({ noNaN: true, noDefaultInfinity: true });
const edge = fc.constantFrom(0, -0, 5e-324, Number.MAX_VALUE, -1e-8, 2 ** 53, 0.1 + 0.2, 1e22);
const column = (rows: number) =>
  fc.oneof(
    ...[0, 1, 2, 5, 8].map((places) => fc.array(decimals(places), { minLength: rows, maxLength: rows })),
    fc.array(fc.oneof({ weight: 9, arbitrary: decimals(2) }, edge), { minLength: rows, maxLength: rows }),
    fc.array(anyFinite, { minLength: rows, maxLength: rows }),
  );
const anyColumns = fc
  .record({
    firstSlot: fc.nat(10_000_000),
    steps: fc.array(fc.oneof(fc.constant(1), fc.constant(1), fc.integer({ min: 1, max: 5000 })), {
      maxLength: 40,
    }),
    slotMs: fc.constantFrom(1, 60_000, 900_000),
  })
  .chain(({ firstSlot, steps, slotMs }) => {
    const times: number[] = [];
    let slot = firstSlot;
    for (const step of steps) {
      times.push(slot * slotMs);
      slot += step;
    }
    const values = column(times.length);
    return fc.tuple(values, values, values, values, values).map(([open, high, low, close, volume]) => ({
      openTimeMs: Float64Array.from(times),
      open: Float64Array.from(open),
      high: Float64Array.from(high),
      low: Float64Array.from(low),
      close: Float64Array.from(close),
      volume: Float64Array.from(volume),
    }));
  });

describe("chunk codec", () => {
  it("decodes every chunk of finite values to the same bits", () => {
    fc.assert(
      fc.property(anyColumns, (columns) => {
        const decoded = decodeChunk(encodeChunk(columns));
        for (const [name, values] of Object.entries(columns)) {
          const bits = new BigUint64Array(decoded[name as keyof typeof decoded].buffer);
          expect(bits, name).toEqual(new BigUint64Array(values.buffer));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("stores a gold bar in at most 10 bytes", () => {
    const bytes = encodeChunk(sliceColumns(randomWalk(1440, 60_000), 0, BARS_PER_CHUNK));
    expect(bytes.length / BARS_PER_CHUNK).toBeLessThanOrEqual(10);
  });

  it("is pinned: version 1 bytes of a known chunk never change", () => {
    const columns = fromCandles([
      { openTimeMs: 60_000, open: 1780.58, high: 1780.74, low: 1780.56, close: 1780.63, volume: 23 },
      { openTimeMs: 120_000, open: 1780.54, high: 1780.67, low: 1780.53, close: 1780.53, volume: 300 },
      { openTimeMs: 300_000, open: 1780.53, high: 1780.62, low: 1780.24, close: 1780.62, volume: 0 },
    ]);
    const hex = Array.from(encodeChunk(columns), (b) => b.toString(16).padStart(2, "0")).join("");
    expect(hex).toMatchInlineSnapshot(
      `"4301020003e0d403e0d403020002020194de150a160411011a000012003a17ac0200"`,
    );
  });

  it("refuses damaged bytes instead of giving other bars", () => {
    const bytes = encodeChunk(randomWalk(100, 60_000));
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(() => decodeChunk(bytes.subarray(0, cut))).toThrow(/chunk/);
    }
    expect(() => decodeChunk(Uint8Array.from([...bytes, 0]))).toThrow(/follow its end/);
    expect(() => decodeChunk(Uint8Array.from([0x43, 2, ...bytes.subarray(2)]))).toThrow(/version 2/);
    expect(() => decodeChunk(Uint8Array.from([0x44, ...bytes.subarray(1)]))).toThrow(/not a candle chunk/);
  });

  it("refuses what it cannot hold, naming column and row", () => {
    expect(() => encodeChunk(createColumns(1441))).toThrow(/1441 bars exceed the limit of 1440/);
    const columns = randomWalk(3, 60_000);
    columns.low[1] = Number.NaN;
    expect(() => encodeChunk(columns)).toThrow(/low\[1\] is NaN/);
    const unordered = randomWalk(3, 60_000);
    unordered.openTimeMs[2] = unordered.openTimeMs[1]!;
    expect(() => encodeChunk(unordered)).toThrow(/openTimeMs\[2\] does not ascend/);
  });

  it("aligns chunk spans to the epoch", () => {
    expect(chunkStartMs(86_400_000 * 3 + 5, "1m")).toBe(86_400_000 * 3);
    expect(chunkStartMs(86_400_000 * 20, "15m")).toBe(86_400_000 * 15);
  });
});

describe("mergeChunk", () => {
  const candle = (slot: number, close: number) => ({
    openTimeMs: slot * 60_000,
    open: 100,
    high: 110,
    low: 90,
    close,
    volume: 1,
  });

  it("counts added, unchanged and revised bars and keeps before and after", () => {
    const stored = fromCandles([candle(1, 100), candle(2, 101), candle(5, 102)]);
    const incoming = fromCandles([candle(0, 99), candle(2, 101), candle(5, 103), candle(6, 104)]);
    const result = mergeChunk(stored, incoming);
    expect([result.added, result.unchanged, result.revised.length]).toEqual([2, 1, 1]);
    expect(result.revised[0]).toEqual({ openTimeMs: 300_000, before: candle(5, 102), after: candle(5, 103) });
    expect(result.merged).toEqual(
      fromCandles([candle(0, 99), candle(1, 100), candle(2, 101), candle(5, 103), candle(6, 104)]),
    );
  });

  it("is idempotent, and any split of the bars merges to the whole", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), (pick) => {
        const candles = pick.map((_, slot) => candle(slot, 95 + (slot % 10)));
        const a = fromCandles(candles.filter((_, i) => pick[i]));
        const b = fromCandles(candles.filter((_, i) => !pick[i]));
        const whole = mergeChunk(mergeChunk(null, a).merged, b).merged;
        expect(whole).toEqual(fromCandles(candles));
        const again = mergeChunk(whole, a);
        expect([again.added, again.revised.length, again.unchanged]).toEqual([0, 0, a.openTimeMs.length]);
        expect(again.merged).toEqual(whole);
      }),
    );
  });
});
