/** The indicator kernel against TA-Lib's own compiled code, on the same bars. */
import { describe, expect, it } from "vitest";
import {
  type BarField,
  computeIndicator,
  INDICATORS,
  type IndicatorEntry,
  type IndicatorName,
} from "../../lib/indicators/catalogue";
import { createColumns } from "../../lib/market/columns";
import { randomWalk } from "../../lib/market/randomWalk.fixture";
import type { CandleColumns } from "../../lib/market/types";
import { realBars } from "../support/realBars";
import { talib } from "../support/talib";

interface Comparison {
  /** TA-Lib's function when it is not named as the entry is. */
  name?: string;
  /** The C function's columns when they are not the entry's. */
  inputs?: readonly BarField[];
  /** The C function's optional inputs; by default the entry's parameters. */
  options?: readonly number[];
  /** Our outputs in TA-Lib's order; by default the entry's. */
  outputs?: readonly string[];
  /** Largest |difference| / max(1, |TA-Lib|); `exact` when absent: the same bits. */
  tolerance?: number;
  /** Ours gives the MACD line as soon as it exists; TA-Lib cuts it to where the signal starts. */
  isEarlier?: boolean;
}

const SMA = 0;
/** Sums that TA-Lib carries along and we take afresh differ by what rounding has left in its sums. */
const CARRIED_SUM = 1e-9;
/** TA-Lib takes the variance as mean of squares minus squared mean; at gold's price that loses half the digits. */
const CARRIED_SQUARES = 1e-4;

const one = (name: string, output: string, more: Comparison = {}): Comparison => ({
  name,
  outputs: [output],
  ...more,
});

const COMPARISONS: Record<IndicatorName, Comparison | Comparison[]> = {
  SMA: { tolerance: CARRIED_SUM },
  EMA: {},
  WMA: { tolerance: CARRIED_SUM },
  DEMA: {},
  TEMA: { tolerance: CARRIED_SUM },
  TRIMA: { tolerance: CARRIED_SUM },
  KAMA: { tolerance: CARRIED_SUM },
  T3: { tolerance: CARRIED_SUM },
  BBANDS: { options: [20, 2, 2, SMA], tolerance: CARRIED_SQUARES },
  RSI: {},
  CMO: {},
  MOM: {},
  ROC: {},
  ROCP: {},
  ROCR: {},
  TRIX: {},
  APO: { options: [12, 26, SMA], tolerance: CARRIED_SUM },
  PPO: { options: [12, 26, SMA], tolerance: CARRIED_SUM },
  MACD: { isEarlier: true },
  STOCHRSI: { options: [14, 5, 3, SMA], tolerance: CARRIED_SUM },
  STDDEV: { tolerance: CARRIED_SQUARES },
  VAR: { options: [5, 1], tolerance: CARRIED_SQUARES },
  LINEARREG: { tolerance: CARRIED_SUM },
  LINEARREG_SLOPE: { tolerance: CARRIED_SUM },
  LINEARREG_INTERCEPT: { tolerance: CARRIED_SUM },
  TSF: { tolerance: CARRIED_SUM },
  MAX: {},
  MIN: {},
  SUM: { tolerance: CARRIED_SUM },
  MIDPOINT: {},
  MIDPRICE: {},
  SAR: {},
  TRANGE: {},
  ATR: {},
  NATR: {},
  ADX: [
    one("ADX", "adx"),
    one("DX", "dx"),
    one("PLUS_DI", "plusDi"),
    one("MINUS_DI", "minusDi"),
    one("PLUS_DM", "plusDm", { inputs: ["high", "low"] }),
    one("MINUS_DM", "minusDm", { inputs: ["high", "low"] }),
  ],
  ADXR: {},
  AROON: [{ outputs: ["down", "up"] }, one("AROONOSC", "oscillator")],
  CCI: { tolerance: CARRIED_SUM },
  WILLR: {},
  STOCH: { options: [5, 3, SMA, 3, SMA], tolerance: CARRIED_SUM },
  STOCHF: { options: [5, 3, SMA], tolerance: CARRIED_SUM },
  ULTOSC: { tolerance: CARRIED_SUM },
  BOP: {},
  AVGPRICE: {},
  MEDPRICE: {},
  TYPPRICE: {},
  WCLPRICE: {},
  OBV: {},
  AD: {},
  ADOSC: {},
  MFI: { tolerance: CARRIED_SUM },
};

function compare(columns: CandleColumns, entryName: IndicatorName, comparison: Comparison): string[] {
  const { inputs, outputs, params }: IndicatorEntry = INDICATORS[entryName];
  const { name = entryName, options = Object.values(params), tolerance = 0 } = comparison;
  const wanted = comparison.outputs ?? (outputs.length === 0 ? ["value"] : outputs);
  const own = computeIndicator(entryName, columns);
  const theirs = talib(
    name,
    (comparison.inputs ?? inputs).map((field) => columns[field]),
    options,
    wanted.length,
  );
  return wanted.flatMap((output, o) => {
    const [ours, expected] = [own[output]!, theirs[o]!];
    for (let i = 0; i < ours.length; i++) {
      const [a, b] = [ours[i]!, expected[i]!];
      if (Number.isNaN(b) && (Number.isNaN(a) || comparison.isEarlier)) continue;
      const difference = Math.abs(a - b) / Math.max(1, Math.abs(b));
      if (!(difference <= tolerance)) return [`TA_${name}.${output}[${i}]: ${a}, TA-Lib ${b}`];
    }
    return [];
  });
}

const names = Object.keys(INDICATORS) as IndicatorName[];
const problems = (columns: CandleColumns) =>
  names.flatMap((name) => [COMPARISONS[name]].flat().flatMap((c) => compare(columns, name, c)));

describe("every indicator equals TA-Lib, warm-up included, within its stated tolerance", () => {
  it("on 5,000 made-up bars with holes", () => {
    expect(problems(randomWalk(5_000, 60_000, 8, 200))).toEqual([]);
  });

  it("on bars that rise only, on bars that never move and on a flat stretch after a move", () => {
    const rising = shaped(400, (i) => 1_900 + i);
    const still = shaped(400, () => 1_900);
    const stopped = shaped(400, (i) => 1_900 + Math.min(i, 90) * (i % 3));
    expect([rising, still, stopped].flatMap(problems)).toEqual([]);
  });

  it("on 60,000 real minutes of gold", async (context) => {
    const lines = await realBars("2024-03-01", "2024-05-15");
    if (lines === null) return context.skip("the shared market data is not beside this checkout");
    const rows = lines.slice(0, 60_000).map((line) => line.split(",").map(Number));
    expect(rows.length).toBe(60_000);
    const columns = createColumns(rows.length);
    rows.forEach(([time, open, high, low, close, volume], i) => {
      columns.openTimeMs[i] = time!;
      columns.open[i] = open!;
      columns.high[i] = high!;
      columns.low[i] = low!;
      columns.close[i] = close!;
      columns.volume[i] = volume!;
    });
    expect(problems(columns)).toEqual([]);
  });
});

function shaped(rows: number, price: (i: number) => number): CandleColumns {
  const columns = createColumns(rows);
  for (let i = 0; i < rows; i++) {
    columns.openTimeMs[i] = i * 60_000;
    for (const field of ["open", "high", "low", "close"] as const) columns[field][i] = price(i);
    columns.volume[i] = 100;
  }
  return columns;
}
