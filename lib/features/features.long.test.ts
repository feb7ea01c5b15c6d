import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createColumns, fromCandles, sliceColumns, toCandles } from "../market/columns";
import { randomWalk } from "../market/randomWalk.fixture";
import type { CandleColumns } from "../market/types";
import { computeAtr, computeFeatures } from "./batch";
import { CORE_V1 } from "./coreV1";
import { featureFingerprint } from "./fingerprint";
import { featureSetById } from "./registry";
import { londonOffsetMs, sessionFlag } from "./sessions";
import { createFeatureStream, featureStartMs } from "./stream";
import type { FeatureSetSpec } from "./types";

const BAR_MS = 900_000;
/** The same columns with a warm-up just long enough for the longest window, so that tests stay short. */
const SHORT: FeatureSetSpec = { ...CORE_V1, warmupBars: 200 };
const WIDTH = CORE_V1.columns.length;

const bits = (values: Float64Array) => new BigUint64Array(values.slice().buffer);

/** Bars with the awkward cases of real data: holes, zero range, zero volume, repeated closes, jumps. */
const awkwardBars = fc
  .record({
    seed: fc.integer(),
    rows: fc.integer({ min: 201, max: 320 }),
    holeEvery: fc.nat(30),
    flatFrom: fc.nat(320),
  })
  .map(({ seed, rows, holeEvery, flatFrom }) => {
    const columns = randomWalk(rows, BAR_MS, seed, holeEvery);
    for (let i = flatFrom; i < rows; i++) {
      const price = columns.close[flatFrom]!;
      for (const name of ["open", "high", "low", "close"] as const) columns[name][i] = price;
      columns.volume[i] = 0;
    }
    return columns;
  });

describe("core-v1 features", () => {
  it("A-07: batch and streaming give the same bits, ATR included", () => {
    fc.assert(
      fc.property(awkwardBars, (columns) => {
        const matrix = computeFeatures(columns, SHORT);
        const atr = computeAtr(columns);
        const stream = createFeatureStream(SHORT);
        toCandles(columns).forEach((candle, i) => {
          const row = stream.push(candle);
          expect(row === null).toBe(i < SHORT.warmupBars);
          if (row !== null) {
            expect(bits(row)).toEqual(bits(matrix.values.subarray(i * WIDTH, (i + 1) * WIDTH)));
          }
          expect(Object.is(stream.atr(), atr[i])).toBe(true);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("A-06: features at t do not change when every bar after t is replaced", () => {
    fc.assert(
      fc.property(awkwardBars, fc.integer(), fc.nat(118), (columns, otherSeed, extra) => {
        const t = Math.min(SHORT.warmupBars + extra, columns.openTimeMs.length - 1);
        const other = randomWalk(columns.openTimeMs.length, BAR_MS, otherSeed);
        const future: CandleColumns = createColumns(columns.openTimeMs.length);
        for (const name of ["open", "high", "low", "close", "volume"] as const) {
          future[name].set(other[name]);
          future[name].set(columns[name].subarray(0, t + 1));
        }
        future.openTimeMs.set(columns.openTimeMs);
        const upToT = (columnsToUse: CandleColumns) =>
          bits(computeFeatures(columnsToUse, SHORT).values.subarray(0, (t + 1) * WIDTH));
        expect(upToT(future)).toEqual(upToT(columns));
        expect(upToT(sliceColumns(columns, 0, t + 1))).toEqual(upToT(columns));
      }),
      { numRuns: 40 },
    );
  });

  it("A-04: every value after the warm-up is finite, in flat and volumeless stretches too", () => {
    fc.assert(
      fc.property(awkwardBars, (columns) => {
        const { values } = computeFeatures(columns, SHORT);
        expect(values.subarray(SHORT.warmupBars * WIDTH).every(Number.isFinite)).toBe(true);
        expect(values.subarray(0, SHORT.warmupBars * WIDTH).every(Number.isNaN)).toBe(true);
      }),
      { numRuns: 40 },
    );
    const flat = fromCandles(
      Array.from({ length: 20_000 }, (_, i) => {
        const price = i < 300 ? 100 + (i % 7) : 103.1;
        return { openTimeMs: i * BAR_MS, open: price, high: price, low: price, close: price, volume: 0 };
      }),
    );
    const last = computeFeatures(flat, SHORT).values.subarray(-WIDTH);
    const value = (name: string) => last[CORE_V1.columns.findIndex((column) => column.name === name)];
    for (const name of [
      "logReturn48",
      "emaDistance200",
      "macdHistogram",
      "bollingerPosition",
      "volumeZScore96",
    ]) {
      expect(value(name), name).toBe(0);
    }
  });

  it("A-04: a broken bar stops the stream with the column and the bar, it is never imputed", () => {
    const stream = createFeatureStream({ ...SHORT, columns: SHORT.columns.slice(0, 1), warmupBars: 1 });
    const candle = { openTimeMs: 0, open: 1, high: 1, low: 1, close: 1, volume: 1 };
    stream.push(candle);
    expect(() => stream.push({ ...candle, openTimeMs: BAR_MS, close: Number.NaN })).toThrow(
      /logReturn1 is NaN at bar 900000/,
    );
    expect(() => stream.push(candle)).toThrow(/not later than/);
  });

  it("keeps its published fingerprint, and any change of a parameter or of the order gives another", () => {
    const fingerprint = featureFingerprint(CORE_V1);
    expect(fingerprint).toMatchInlineSnapshot(
      `"25cb035ea2aa3d754a5979bb4b758d2db8c109314475390f211f9a734b3b4f4c"`,
    );
    expect(featureFingerprint({ ...CORE_V1, warmupBars: 601 })).not.toBe(fingerprint);
    expect(featureFingerprint({ ...CORE_V1, columns: [...CORE_V1.columns].reverse() })).not.toBe(fingerprint);
    expect(new Set(CORE_V1.columns.map((column) => column.name)).size).toBe(WIDTH);
    expect(featureSetById("core-v1")).toBe(CORE_V1);
    expect(() => featureSetById("core-v9")).toThrow(/known are core-v1/);
  });

  it("gives the pinned row on known bars, so that stored policies keep their inputs", () => {
    const columns = randomWalk(620, BAR_MS, 11, 40);
    const matrix = computeFeatures(columns, CORE_V1);
    const row = matrix.values.subarray(619 * WIDTH, 620 * WIDTH);
    expect(Object.fromEntries(matrix.names.map((name, c) => [name, row[c]]))).toMatchInlineSnapshot(`
      {
        "adx14": 0.2737424562433938,
        "afterGap": 0,
        "atrFraction": 0.0004928940141399498,
        "bollingerPosition": 0.9097790243622456,
        "closePosition": 4.2099657093785936e-13,
        "dayCos": -0.4999999999934014,
        "daySin": 0.8660254037882483,
        "diDifference14": 0.04313826001824687,
        "emaDistance200": -3.2305639873130105,
        "emaDistance21": 1.1346931514034293,
        "emaDistance55": 0.004831269301028678,
        "emaDistance8": 0.80058856466972,
        "logReturn1": 0.00014321746004456064,
        "logReturn12": 0.0012259683898298798,
        "logReturn24": 0.0002546230001980164,
        "logReturn3": 0.00016974146294243528,
        "logReturn48": -0.0020346533803530936,
        "logReturn6": 0.0011781752385794527,
        "macdHistogram": 0.36516855982373964,
        "rangeAtr": 0.5810872147170668,
        "realisedVolatility24": 0.0003534078002760623,
        "rsi14": 0.13836949680808858,
        "sessionLondon": 1,
        "sessionNewYork": 0,
        "sessionTokyo": 1,
        "volatilityRatio": 0.9629090799806991,
        "volumeZScore96": 0.8939936259671448,
        "weekCos": -0.4999999999983503,
        "weekSin": 0.8660254037853911,
      }
    `);
  });

  it("reads what its names say on a bar worked by hand", () => {
    const columns = randomWalk(260, BAR_MS, 5);
    const { names, values } = computeFeatures(columns, SHORT);
    const t = 255;
    const at = (name: string) => values[t * WIDTH + names.indexOf(name)]!;
    const atr = computeAtr(columns)[t]!;
    const { open, high, low, close, openTimeMs } = columns;
    expect(at("logReturn12")).toBeCloseTo(Math.log(close[t]! / close[t - 12]!), 14);
    expect(at("atrFraction")).toBe(atr / close[t]!);
    expect(at("rangeAtr")).toBe((high[t]! - low[t]!) / atr);
    expect(at("closePosition")).toBeCloseTo((2 * (close[t]! - low[t]!)) / (high[t]! - low[t]!) - 1, 14);
    expect(open[t]).toBeGreaterThan(0);
    const hour = (openTimeMs[t]! / 3_600_000) % 24;
    expect(at("daySin")).toBeCloseTo(Math.sin((hour / 24) * 2 * Math.PI), 9);
    expect(at("afterGap")).toBe(0);
  });

  it("refuses an unknown kind or a missing parameter, naming the column", () => {
    const spec = (kind: string, params = {}) => ({ ...SHORT, columns: [{ name: "x", kind, params }] });
    expect(() => createFeatureStream(spec("nope"))).toThrow(/feature x: kind "nope" is unknown/);
    expect(() => createFeatureStream(spec("logReturn"))).toThrow(/feature x: parameter "bars"/);
  });
});

describe("sessions", () => {
  it("keep local business hours through daylight saving", () => {
    const flags = (text: string) => [0, 1, 2].map((session) => sessionFlag(session, Date.parse(`${text}Z`)));
    expect(flags("2025-01-14T00:00")).toEqual([1, 0, 0]);
    expect(flags("2025-01-14T08:00")).toEqual([1, 1, 0]);
    expect(flags("2025-01-14T13:00")).toEqual([0, 1, 1]);
    expect(flags("2025-07-15T12:00")).toEqual([0, 1, 1]);
    expect(flags("2025-07-15T16:00")).toEqual([0, 0, 1]);
    expect(flags("2025-03-12T12:30")).toEqual([0, 1, 1]); // New York has changed its clock, London has not
    expect(flags("2025-07-12T12:00")).toEqual([0, 0, 0]);
  });

  it("London's offset is that of the IANA data base", () => {
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: "Europe/London",
      hour: "numeric",
      hourCycle: "h23",
    });
    const hours = fc.integer({ min: Date.UTC(1997, 0) / 3_600_000, max: Date.UTC(2035, 0) / 3_600_000 });
    fc.assert(
      fc.property(hours, (hour) => {
        const time = hour * 3_600_000;
        expect(new Date(time + londonOffsetMs(time)).getUTCHours()).toBe(Number(format.format(time)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("featureStartMs", () => {
  it("lies two warm-ups before the aligned start and never before the epoch", () => {
    const from = Date.UTC(2025, 6, 1);
    expect(featureStartMs(from + 5, "15m", CORE_V1)).toBe(from - 1200 * BAR_MS);
    expect(featureStartMs(0, "15m", CORE_V1)).toBe(0);
  });
});
