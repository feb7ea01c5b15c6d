import { describe, expect, it } from "vitest";
import { CORE_V1 } from "./coreV1";
import { CORE_V2 } from "./coreV2";
import { fitNormaliser, UNSEEN_STD } from "./normaliser";
import {
  observationFields,
  observationGroups,
  observationSize,
  PORTFOLIO_FIELDS,
  writeObservation,
} from "./observation";
import type { FeatureMatrix } from "./types";

const matrix: FeatureMatrix = {
  names: ["a", "b"],
  rows: 4,
  width: 2,
  values: Float64Array.from([Number.NaN, Number.NaN, 1, 7, 3, 7, 1000, 9]),
};
const flat = {
  position: 0,
  unrealisedFraction: 0,
  barsHeldFraction: 0,
  drawdownFraction: 0,
  stopDistanceFraction: 0,
};

describe("normaliser", () => {
  it("is fitted on the given rows only; a column that never varied will read as its mean", () => {
    expect(fitNormaliser(matrix, 1, 3)).toEqual({ mean: [2, 7], std: [1, UNSEEN_STD], clip: 5 });
  });

  it("refuses warm-up rows and empty ranges", () => {
    expect(() => fitNormaliser(matrix, 0, 3)).toThrow(/a is not finite in rows 0\.\.3/);
    expect(() => fitNormaliser(matrix, 2, 2)).toThrow(/not a range/);
    expect(() => fitNormaliser(matrix, 1, 5)).toThrow(/not a range within 0\.\.4/);
  });
});

describe("observation", () => {
  const normaliser = { mean: [2, 7], std: [1, 2], clip: 5 };

  it("is features then portfolio, normalised, clipped, as float32", () => {
    const out = new Float32Array(9);
    const portfolio = {
      position: -1,
      unrealisedFraction: 0.013,
      barsHeldFraction: 0.3,
      drawdownFraction: 2,
      stopDistanceFraction: 0.01,
    };
    writeObservation(out, 1, matrix.values, 4, normaliser, portfolio);
    expect(Array.from(out)).toEqual([0, 1, 0, -1, 0.13, 0.3, 5, 0.2, 0].map(Math.fround));
    writeObservation(out, 1, matrix.values, 6, normaliser, flat);
    expect(Array.from(out.subarray(0, 4))).toEqual([0, 5, 1, 0]);
  });

  it("A-04: refuses what is not finite, naming the field", () => {
    const out = new Float32Array(9);
    expect(() => writeObservation(out, 0, matrix.values, 0, normaliser, flat)).toThrow(/feature 0 is NaN/);
    const broken = { ...flat, drawdownFraction: Number.NaN };
    expect(() => writeObservation(out, 0, matrix.values, 2, normaliser, broken)).toThrow(
      /drawdownFraction is NaN/,
    );
    expect(() => writeObservation(out, 5, matrix.values, 2, normaliser, flat)).toThrow(/do not fit/);
  });

  it("has one named field per value", () => {
    expect(observationFields(CORE_V1).length).toBe(observationSize(CORE_V1));
    expect(observationFields(CORE_V1).slice(-PORTFOLIO_FIELDS.length)).toEqual([...PORTFOLIO_FIELDS]);
  });

  it("is shared out to groups: the bars' own, each higher timeframe, the feeds, and the account", () => {
    const groups = observationGroups(CORE_V2);
    const sizes = groups.map(({ name, columns }) => [name, columns.length]);
    expect(sizes).toEqual([
      ["base", 33],
      ["1h", 6],
      ["4h", 6],
      ["1d", 6],
      ["feeds", 22],
      ["portfolio", 5],
    ]);
    const all = groups.flatMap(({ columns }) => columns).sort((a, b) => a - b);
    expect(all).toEqual(observationFields(CORE_V2).map((_, column) => column));
    const fields = observationFields(CORE_V2);
    expect(groups[2]!.columns.every((column) => fields[column]!.startsWith("h4"))).toBe(true);
    expect(observationGroups(CORE_V1).map(({ name, columns }) => [name, columns.length])).toEqual([
      ["base", 29],
      ["portfolio", 5],
    ]);
  });
});
