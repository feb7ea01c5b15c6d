import fc from "fast-check";
import * as oracle from "technicalindicators";
import { describe, expect, it } from "vitest";
import { randomWalk } from "../market/randomWalk.fixture";
import type { CandleColumns } from "../market/types";
import { computeIndicator, type IndicatorName } from "./catalogue";
import type { SeriesIndicator } from "./indicator";
import { createAdx } from "./range";
import { createEma, createMacd, createRealisedVolatility, createRsi, createZScore } from "./series";
import { RollingExtreme } from "./window";
import { deviationColumns, sumColumn, varianceColumns, weightedColumn } from "./windowSums";

type Prices = Pick<CandleColumns, "high" | "low" | "close">;
const ofClose = (name: IndicatorName, close: Float64Array, params: Record<string, number>) =>
  computeIndicator(name, { close }, params);
const sma = (values: Float64Array, period: number) => ofClose("SMA", values, { period }).value!;
const ema = (values: Float64Array, period: number) => ofClose("EMA", values, { period }).value!;
const roc = (values: Float64Array, period: number) => ofClose("ROC", values, { period }).value!;
const rsi = (values: Float64Array, period: number) => ofClose("RSI", values, { period }).value!;
const atr = (columns: Prices, period: number) => computeIndicator("ATR", columns, { period }).value!;
const trueRange = (columns: Prices) => computeIndicator("TRANGE", columns).value!;
const adx = (columns: Prices, period: number) => {
  const { adx, plusDi, minusDi } = computeIndicator("ADX", columns, { period });
  return { adx: adx!, plusDi: plusDi!, minusDi: minusDi! };
};
const macd = (values: Float64Array, fast: number, slow: number, signalPeriod: number) => {
  const { macd, signal, histogram } = ofClose("MACD", values, { fast, slow, signal: signalPeriod });
  return { macd: macd!, signal: signal!, histogram: histogram! };
};
const bollinger = (values: Float64Array, period: number, width: number) => {
  const { middle, upper, lower } = ofClose("BBANDS", values, { period, width });
  return { middle: middle!, upper: upper!, lower: lower! };
};
const column = (indicator: SeriesIndicator, values: Float64Array) => {
  const out = new Float64Array(values.length);
  indicator.batch(out, values);
  return out;
};
const zScore = (values: Float64Array, period: number) => column(createZScore(period), values);
const realisedVolatility = (values: Float64Array, period: number) =>
  column(createRealisedVolatility(period), values);

const walk = randomWalk(600, 60_000, 3);
const { close } = walk;
const list = (values: Float64Array) => Array.from(values);
const bars = { high: list(walk.high), low: list(walk.low), close: list(close) };

/** Compares from the first finite value on; the oracle lists no warm-up values. */
function expectTail(actual: Float64Array, expected: number[], firstIndex: number, tolerance = 1e-9) {
  expect(actual.findIndex((value) => !Number.isNaN(value))).toBe(firstIndex);
  expect(expected.length).toBe(actual.length - firstIndex);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[firstIndex + i]! - value)).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(value)),
    );
  });
}

describe("indicators against technicalindicators, where it follows TA-Lib", () => {
  it("SMA, EMA, ROC, ATR, true range and Bollinger agree in value and warm-up", () => {
    expectTail(sma(close, 20), oracle.SMA.calculate({ period: 20, values: bars.close }), 19);
    expectTail(ema(close, 21), oracle.EMA.calculate({ period: 21, values: bars.close }), 20);
    expectTail(roc(close, 12), oracle.ROC.calculate({ period: 12, values: bars.close }), 12);
    expectTail(atr(walk, 14), oracle.ATR.calculate({ period: 14, ...bars }), 14);
    expectTail(trueRange(walk), oracle.TrueRange.calculate({ ...bars }), 1);
    const bands = oracle.BollingerBands.calculate({ period: 20, stdDev: 2, values: bars.close });
    const own = bollinger(close, 20, 2);
    expectTail(
      own.upper,
      bands.map((band) => band.upper),
      19,
      1e-8,
    );
    expectTail(
      own.lower,
      bands.map((band) => band.lower),
      19,
      1e-8,
    );
  });

  it("RSI agrees to the two decimals that the oracle keeps", () => {
    expectTail(rsi(close, 14), oracle.RSI.calculate({ period: 14, values: bars.close }), 14, 0.006);
  });
});

describe("indicators against TA-Lib itself", () => {
  // Computed once by TA-Lib 0.4 compiled to WebAssembly (talib-web 0.1.3) on the same 500 bars.
  it("RSI, MACD, ATR and ADX equal TA-Lib bit for bit, early and 450 bars later", () => {
    const columns = randomWalk(500, 60_000, 3);
    const lines = macd(columns.close, 12, 26, 9);
    const direction = adx(columns, 14);
    const at = (values: Float64Array) => [values[40], values[499]];
    expect(at(rsi(columns.close, 14))).toEqual([37.01260003259523, 56.73702869399416]);
    expect(at(lines.signal)).toEqual([-0.8980155952313207, -0.4747802042612851]);
    expect(at(lines.histogram)).toEqual([-0.052009168042765896, 0.16641221724594046]);
    expect(at(atr(columns, 14))).toEqual([0.9507183090575114, 0.9511524719685834]);
    expect(at(direction.adx)).toEqual([43.17587270107564, 34.961767490711296]);
    expect(at(direction.plusDi)).toEqual([12.209534253873407, 19.769911192374202]);
    expect(at(direction.minusDi)).toEqual([27.013226918712707, 19.876128419529238]);
  });
});

describe("indicators against their definitions", () => {
  it("MACD starts at index 25 with the fast average seeded from values 14..25, the signal at 33", () => {
    const values = Float64Array.from({ length: 40 }, (_, i) => 100 + ((i * 37) % 11));
    const out = macd(values, 12, 26, 9);
    const mean = (from: number, to: number) =>
      values.slice(from, to).reduce((a, b) => a + b, 0) / (to - from);
    expect(out.macd[24]).toBeNaN();
    expect(out.macd[25]).toBeCloseTo(mean(14, 26) - mean(0, 26), 12);
    expect(out.signal[32]).toBeNaN();
    const firstNine = out.macd.slice(25, 34).reduce((a, b) => a + b, 0) / 9;
    expect(out.signal[33]).toBeCloseTo(firstNine, 12);
    expect(out.histogram[33]).toBe(out.macd[33]! - out.signal[33]!);
  });

  it("ADX warms up as TA-Lib does and reads 100 in a pure trend, 0 in a market without range", () => {
    const rising = Float64Array.from({ length: 60 }, (_, i) => 100 + i);
    const trend = adx({ high: rising.map((x) => x + 1), low: rising.map((x) => x - 1), close: rising }, 14);
    expect(trend.plusDi.findIndex((x) => !Number.isNaN(x))).toBe(14);
    expect(trend.adx.findIndex((x) => !Number.isNaN(x))).toBe(27);
    expect(trend.adx[59]).toBeCloseTo(100, 9);
    expect(trend.minusDi[59]).toBe(0);
    const flat = new Float64Array(60).fill(100);
    const still = adx({ high: flat, low: flat, close: flat }, 14);
    expect([still.adx[59], still.plusDi[59], still.minusDi[59]]).toEqual([0, 0, 0]);
  });

  it("z-score and realised volatility follow their formulas; constant windows read 0", () => {
    const values = Float64Array.from([1, 2, 3, 4]);
    expect(zScore(values, 4)[3]).toBeCloseTo(1.5 / Math.sqrt(1.25), 12);
    expect(zScore(new Float64Array(10).fill(0.1), 4)[9]).toBe(0);
    expect(realisedVolatility(Float64Array.from([3, -4]), 2)[1]).toBeCloseTo(Math.sqrt(12.5), 12);
  });

  it("RSI of an unchanging market is TA-Lib's 0 unless another reading is asked for", () => {
    const flat = new Float64Array(20).fill(5);
    expect(rsi(flat, 14)[19]).toBe(0);
    const neutral = createRsi(14, 50);
    expect(
      list(flat)
        .map((value) => neutral.next(value))
        .at(-1),
    ).toBe(50);
  });

  it("stays within its bounds on any sound bars", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const columns = randomWalk(200, 60_000, seed);
        const direction = adx(columns, 14);
        const strength = rsi(columns.close, 14);
        const bands = bollinger(columns.close, 20, 2);
        for (let i = 30; i < 200; i++) {
          for (const value of [
            direction.adx[i]!,
            direction.plusDi[i]!,
            direction.minusDi[i]!,
            strength[i]!,
          ]) {
            expect(value >= 0 && value <= 100.0000001).toBe(true);
          }
          expect(bands.lower[i]! <= bands.middle[i]! && bands.middle[i]! <= bands.upper[i]!).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("refuses periods that are not whole numbers in range", () => {
    expect(() => createEma(0)).toThrow(/integer >= 1, got 0/);
    expect(() => createAdx(1.5)).toThrow(/integer >= 2/);
    expect(() => createMacd(26, 12, 9)).toThrow(/fast period 26 must be below slow period 12/);
  });
});

describe("window sums", () => {
  const anyNumber = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, 2_000.5, 1e308));
  it("a column has the bits of each window added up alone, from the oldest value to the newest", () => {
    fc.assert(
      fc.property(
        fc.array(anyNumber, { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (numbers, period) => {
          const values = Float64Array.from(numbers);
          const weights = Float64Array.from({ length: period }, (_, i) => i + 1);
          /** Term by term, the loop that the names promise. */
          const sumOf = (term: (value: number, j: number, end: number) => number) =>
            Float64Array.from(values, (_, end) => {
              if (end < period - 1) return Number.NaN;
              let sum = 0;
              for (let j = 0; j < period; j++) sum += term(values[end - period + 1 + j]!, j, end);
              return sum;
            });
          const filled = (fill: (out: Float64Array) => void) => {
            const out = new Float64Array(values.length);
            fill(out);
            return out;
          };
          const sums = sumOf((value) => value);
          expect(filled((out) => sumColumn(out, values, period))).toEqual(sums);
          expect(filled((out) => weightedColumn(out, values, weights))).toEqual(
            sumOf((value, j) => value * (j + 1)),
          );
          const means = sums.map((sum) => sum / period);
          const squares = sumOf((value, _, end) => (value - means[end]!) * (value - means[end]!));
          const distances = sumOf((value, _, end) => Math.abs(value - means[end]!));
          const seconds = filled((out) =>
            expect(filled((first) => varianceColumns(first, out, values, period))).toEqual(means),
          );
          expect(seconds).toEqual(squares.map((sum) => sum / period));
          const thirds = filled((out) =>
            expect(filled((first) => deviationColumns(first, out, values, period))).toEqual(means),
          );
          expect(thirds).toEqual(distances.map((sum) => sum / period));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("rolling extremes", () => {
  it("are the highest and the lowest of the window and the age of the later of equal ones, past any NaN", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.NaN)), { maxLength: 60 }),
        fc.integer({ min: 1, max: 6 }),
        (values, period) => {
          const [highest, lowest] = [new RollingExtreme(period, 1), new RollingExtreme(period, -1)];
          values.forEach((value, i) => {
            const isFull = highest.push(value);
            lowest.push(value);
            expect(isFull).toBe(i >= period - 1);
            if (!isFull) return;
            const seen = values.slice(i - period + 1, i + 1);
            const known = seen.filter((x) => !Number.isNaN(x));
            for (const [extreme, best] of [
              [highest, Math.max(...known)],
              [lowest, Math.min(...known)],
            ] as const) {
              if (known.length === 0) expect(extreme.value()).toBeNaN();
              else {
                expect(extreme.value() === best).toBe(true);
                expect(extreme.age).toBe(period - 1 - seen.lastIndexOf(best));
              }
            }
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});
