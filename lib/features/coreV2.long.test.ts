import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPrng } from "../core/prng";
import { aggregateCandles } from "../market/aggregate";
import { candleAt, createColumns, sliceColumns, toCandles } from "../market/columns";
import { randomWalk } from "../market/randomWalk.fixture";
import type { CandleColumns } from "../market/types";
import { computeFeatures } from "./batch";
import { CORE_V1 } from "./coreV1";
import { CORE_V2 } from "./coreV2";
import { featureFingerprint } from "./fingerprint";
import { SIDE_FEEDS, type SideFeeds } from "./sides";
import { createFeatureStepper, createFeatureStream, featureStartMs } from "./stream";
import type { FeatureMatrix } from "./types";

const BAR_MS = 900_000;
const HOUR_MS = 3_600_000;
const ROWS = 900;
const INPUTS = { timeframe: "15m" } as const;
const WIDTH = CORE_V2.columns.length;
const WARM = CORE_V2.warmupBars;

const bits = (values: Float64Array) => new BigUint64Array(values.slice().buffer);

/** Points of every feed at times of its own, some of them a whole day apart. */
function madeUpSides(columns: CandleColumns, seed: number): SideFeeds {
  const prng = createPrng(seed);
  const end = columns.openTimeMs.at(-1)!;
  const sides: SideFeeds = {};
  for (const feed of SIDE_FEEDS) {
    const times: number[] = [];
    const step = prng.nextInt(2) === 0 ? BAR_MS : 30 * BAR_MS;
    let time = columns.openTimeMs[0]! + prng.nextInt(200 * BAR_MS);
    while (time < end) {
      times.push(time);
      time += prng.nextInt(3 * step);
    }
    const value = feed === "openInterest" ? () => 1_000 + prng.nextInt(100) : () => prng.nextGaussian() / 100;
    sides[feed] = { availableAtMs: Float64Array.from(times), value: Float64Array.from(times, value) };
  }
  return sides;
}

const reader = ({ names, values, width }: FeatureMatrix) => {
  return (name: string, row: number) => values[row * width + names.indexOf(name)]!;
};

describe("core-v2 features", () => {
  it("keeps its published fingerprint and begins with the columns of core-v1, bit for bit", () => {
    expect(featureFingerprint(CORE_V2)).toMatchInlineSnapshot(
      `"8a112089ab538784e2ff1824239f636e562c320e74f563e0df6f9fa9f4cca026"`,
    );
    expect(new Set(CORE_V2.columns.map(({ name }) => name)).size).toBe(WIDTH);
    const columns = randomWalk(700, BAR_MS, 3, 50);
    const [v1, v2] = [computeFeatures(columns, CORE_V1), computeFeatures(columns, CORE_V2, INPUTS)];
    for (let row = WARM; row < 700; row++) {
      const at = row * WIDTH;
      expect(bits(v2.values.subarray(at, at + v1.width))).toEqual(
        bits(v1.values.subarray(row * v1.width, (row + 1) * v1.width)),
      );
    }
  });

  it("A-07: batch and streaming give the same bits, with side points that arrive between the bars", () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(30), (seed, holeEvery) => {
        const columns = randomWalk(700, BAR_MS, seed, holeEvery);
        const sides = madeUpSides(columns, seed);
        const { values } = computeFeatures(columns, CORE_V2, { ...INPUTS, sides });
        const stream = createFeatureStream(CORE_V2, INPUTS);
        const next = Object.fromEntries(SIDE_FEEDS.map((feed) => [feed, 0]));
        toCandles(columns).forEach((candle, i) => {
          for (const feed of SIDE_FEEDS) {
            const { availableAtMs, value } = sides[feed]!;
            for (let n = next[feed]!; availableAtMs[n]! <= candle.openTimeMs + BAR_MS; n = ++next[feed]!) {
              stream.offer(feed, availableAtMs[n]!, value[n]!);
            }
          }
          const row = stream.push(candle);
          if (row !== null) expect(bits(row)).toEqual(bits(values.subarray(i * WIDTH, (i + 1) * WIDTH)));
        });
      }),
      { numRuns: 8 },
    );
  });

  it("A-06: a row does not change when every later bar and side point is replaced, higher timeframes included", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(ROWS - WARM - 1), (seed, otherSeed, extra) => {
        const columns = randomWalk(ROWS, BAR_MS, seed, 40);
        const t = WARM + extra;
        const closeMs = columns.openTimeMs[t]! + BAR_MS;
        const future = createColumns(ROWS);
        const other = randomWalk(ROWS, BAR_MS, otherSeed);
        for (const name of ["open", "high", "low", "close", "volume"] as const) {
          future[name].set(other[name]);
          future[name].set(columns[name].subarray(0, t + 1));
        }
        future.openTimeMs.set(columns.openTimeMs);
        const sides = madeUpSides(columns, seed);
        const futureSides: SideFeeds = {};
        for (const feed of SIDE_FEEDS) {
          const { availableAtMs, value } = sides[feed]!;
          const changed = value.map((v, i) => (availableAtMs[i]! <= closeMs ? v : v * 7 + 1));
          futureSides[feed] = { availableAtMs, value: changed };
        }
        const row = (bars: CandleColumns, feeds: SideFeeds) =>
          bits(
            computeFeatures(bars, CORE_V2, { ...INPUTS, sides: feeds }).values.slice(
              t * WIDTH,
              (t + 1) * WIDTH,
            ),
          );
        const now = row(columns, sides);
        expect(row(future, futureSides)).toEqual(now);
        expect(row(sliceColumns(columns, 0, t + 1), sides)).toEqual(now);
      }),
      { numRuns: 12 },
    );
  });

  it("invariant 2: context columns move only at the close of a higher bar and read that closed bar", () => {
    const columns = randomWalk(ROWS, BAR_MS, 17);
    const read = reader(computeFeatures(columns, CORE_V2, INPUTS));
    const hours = aggregateCandles(columns, "1h", { sourceTimeframe: "15m" });
    for (let row = WARM; row < ROWS; row++) {
      const closeMs = columns.openTimeMs[row]! + BAR_MS;
      const newest = hours.openTimeMs.findLastIndex((openMs) => openMs + HOUR_MS <= closeMs);
      const expected = Math.log(hours.close[newest]! / hours.close[newest - 1]!);
      expect(read("h1LogReturn", row)).toBeCloseTo(expected, 12);
      expect(read("h1Age", row)).toBe((closeMs - hours.openTimeMs[newest]! - HOUR_MS) / HOUR_MS);
      if (row > WARM && closeMs % HOUR_MS !== 0) expect(read("h1Rsi14", row)).toBe(read("h1Rsi14", row - 1));
    }
    expect(read("h1Present", WARM)).toBe(1);
    expect(read("h4Present", WARM)).toBe(1);
    // Six days of bars have not closed the seven daily bars that the context needs.
    expect([read("d1Present", WARM), read("d1Rsi5", WARM), read("d1LogReturn", WARM)]).toEqual([0, 0, 0]);
    expect(read("d1Present", ROWS - 1)).toBe(1);
  });

  it("an absent or outdated side feed reads 0 with its flag at 0; a present one gives value and age in bars", () => {
    const columns = randomWalk(ROWS, BAR_MS, 5);
    const row = 700;
    const closeMs = columns.openTimeMs[row]! + BAR_MS;
    const sides: SideFeeds = {
      funding: { availableAtMs: Float64Array.of(closeMs - 3 * BAR_MS), value: Float64Array.of(0.0001) },
      news: { availableAtMs: Float64Array.of(closeMs - 25 * HOUR_MS), value: Float64Array.of(-1) },
      signals: { availableAtMs: Float64Array.of(closeMs + 1), value: Float64Array.of(1) },
    };
    const read = reader(computeFeatures(columns, CORE_V2, { ...INPUTS, sides }));
    const triple = (feed: string, at = row) =>
      ["Present", "", "AgeBars"].map((part) => read(`${feed}${part}`, at));
    expect(triple("funding")).toEqual([1, 1, 3]);
    expect(triple("funding", row - 3)).toEqual([1, 1, 0]);
    expect(triple("funding", row - 4)).toEqual([0, 0, 0]);
    expect(triple("news")).toEqual([0, 0, 0]);
    expect(triple("signals")).toEqual([0, 0, 0]);
    expect(triple("signals", row + 1)).toEqual([1, 1, 0]);
    expect(triple("ocr")).toEqual([0, 0, 0]);
  });

  it("tags follow their definitions: terciles occur in thirds, the trend has the sign of its direction", () => {
    const columns = randomWalk(6_000, BAR_MS, 23);
    const read = reader(computeFeatures(columns, CORE_V2, INPUTS));
    const counts: Record<number, number> = { [-1]: 0, 0: 0, 1: 0 };
    for (let row = WARM; row < 6_000; row++) {
      counts[read("volatilityTercile", row)]!++;
      const trend = read("trendRegime", row);
      expect(trend).toBe(read("adx14", row) > 0.25 ? Math.sign(read("diDifference14", row)) : 0);
      expect(read("sessionOverlap", row)).toBe(read("sessionLondon", row) * read("sessionNewYork", row));
    }
    for (const count of Object.values(counts)) expect(count / (6_000 - WARM)).toBeGreaterThan(0.2);
  });

  it("the state of a stream can be moved at any bar and goes on with the same bits", () => {
    const columns = randomWalk(800, BAR_MS, 31, 60);
    const inputs = { ...INPUTS, sides: madeUpSides(columns, 31) };
    const whole = computeFeatures(columns, CORE_V2, inputs).values;
    for (const cut of [1, 77, 640]) {
      const [head, tail] = [createFeatureStepper(CORE_V2, inputs), createFeatureStepper(CORE_V2, inputs)];
      const out = new Float64Array(WIDTH);
      for (let i = 0; i < cut; i++) head.step(candleAt(columns, i), out, 0);
      tail.importState(head.exportState());
      for (let i = cut; i < 800; i++) {
        tail.step(candleAt(columns, i), out, 0);
        expect(bits(out)).toEqual(bits(whole.subarray(i * WIDTH, (i + 1) * WIDTH)));
      }
    }
  });

  it("refuses a side point that comes too late or out of order, and bars whose timeframe it cannot use", () => {
    const stream = createFeatureStream(CORE_V2, INPUTS);
    stream.offer("news", 10, 0.5);
    expect(() => stream.offer("news", 9, 0.5)).toThrow(
      /side feed news: the point of 9 comes after that of 10/,
    );
    expect(() => stream.offer("ocr", 9, Number.NaN)).toThrow(/not a finite number/);
    stream.push({ openTimeMs: 0, open: 1, high: 1, low: 1, close: 1, volume: 1 });
    expect(() => stream.offer("news", BAR_MS, 0.5)).toThrow(/comes after the bar that closed at 900000/);
    expect(() => createFeatureStream(CORE_V2)).toThrow(/core-v2 needs the timeframe of its bars/);
    expect(() => createFeatureStream(CORE_V2, { timeframe: "2h" })).toThrow(/2h bars do not divide 1h bars/);
  });

  it("starts on a grid, so that ranges that begin close together share their start", () => {
    const from = Date.UTC(2025, 6, 1);
    const start = featureStartMs(from, "15m", CORE_V2);
    expect(start % (4096 * BAR_MS)).toBe(0);
    expect(from - start).toBeGreaterThanOrEqual(2 * WARM * BAR_MS);
    expect(featureStartMs(from + 96 * BAR_MS, "15m", CORE_V2)).toBe(start);
  });
});
