import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomWalk } from "../market/randomWalk.fixture";
import type { CandleColumns } from "../market/types";
import {
  computeIndicator,
  createIndicator,
  INDICATORS,
  type IndicatorEntry,
  type IndicatorName,
} from "./catalogue";
import { exportState, importState } from "./state";

const names = Object.keys(INDICATORS) as IndicatorName[];
const FIELDS = ["open", "high", "low", "close", "volume"] as const;

/** Bars with gaps in values (NaN), constant stretches, zero volume and any length from one bar on. */
const awkwardBars = fc
  .record({
    seed: fc.integer(),
    rows: fc.integer({ min: 1, max: 150 }),
    flatFrom: fc.nat(200),
    gaps: fc.array(fc.tuple(fc.nat(149), fc.constantFrom(...FIELDS)), { maxLength: 4 }),
  })
  .map(({ seed, rows, flatFrom, gaps }) => {
    const columns = randomWalk(rows, 60_000, seed);
    for (let i = flatFrom; i < rows; i++) {
      for (const field of FIELDS) columns[field][i] = field === "volume" ? 0 : columns.close[flatFrom]!;
    }
    for (const [at, field] of gaps) if (at < rows) columns[field][at] = Number.NaN;
    return columns;
  });

function rowsOf(name: IndicatorName, columns: CandleColumns, indicator = createIndicator(name), from = 0) {
  const { inputs, outputs }: IndicatorEntry = INDICATORS[name];
  const rows: number[][] = [];
  for (let i = from; i < columns.close.length; i++) {
    const [a, b, c, d] = inputs.map((field) => columns[field][i]!);
    const value = indicator.next(a!, b!, c!, d!);
    rows.push(outputs.length === 0 ? [value] : outputs.map((output) => value[output]));
  }
  return rows;
}

describe("indicator catalogue", () => {
  it("holds more than thirty indicators, each with TA-Lib's name", () => {
    expect(names.length).toBeGreaterThan(30);
    expect(() => createIndicator("SMA", { length: 3 })).toThrow(
      /SMA: parameter "length" is unknown; known are period/,
    );
    expect(() => computeIndicator("ATR", { close: new Float64Array(3) })).toThrow(
      /ATR needs the column high/,
    );
  });

  it("batch and streaming give the same bits for every indicator, on gaps, constant series and single bars", () => {
    fc.assert(
      fc.property(awkwardBars, (columns) => {
        for (const name of names) {
          const batch = Object.values(computeIndicator(name, columns));
          rowsOf(name, columns).forEach((row, i) => {
            row.forEach((value, o) => {
              if (!Object.is(value, batch[o]![i])) expect([name, i, value]).toEqual([name, i, batch[o]![i]]);
            });
          });
        }
      }),
      { numRuns: 40 },
    );
  });

  it("nothing at a bar depends on a later one: a prefix of the bars gives a prefix of the values", () => {
    const columns = randomWalk(300, 60_000, 4);
    const prefix = Object.fromEntries(FIELDS.map((field) => [field, columns[field].slice(0, 170)]));
    for (const name of names) {
      const [whole, part] = [computeIndicator(name, columns), computeIndicator(name, prefix)];
      for (const output of Object.keys(whole))
        expect(part[output], name).toEqual(whole[output]!.slice(0, 170));
    }
  });

  it("the state of any indicator can be moved to another and goes on with the same bits", () => {
    fc.assert(
      fc.property(awkwardBars, fc.nat(149), (columns, cutAt) => {
        const cut = Math.min(cutAt, columns.close.length - 1);
        for (const name of names) {
          const original = createIndicator(name);
          const head = Object.fromEntries(FIELDS.map((field) => [field, columns[field].slice(0, cut)]));
          rowsOf(name, { ...columns, ...head } as CandleColumns, original);
          const moved = createIndicator(name);
          const state = exportState(original);
          importState(moved, state);
          expect(rowsOf(name, columns, moved, cut)).toEqual(rowsOf(name, columns, original, cut));
          expect(() => importState(moved, [...state, 0])).toThrow(/numbers were given/);
        }
      }),
      { numRuns: 15 },
    );
  });
});
