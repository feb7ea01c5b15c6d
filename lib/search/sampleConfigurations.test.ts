import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkRanges,
  halvingLadder,
  type SearchRange,
  sampleConfigurations,
  survivors,
} from "./sampleConfigurations";

const RANGES: SearchRange[] = [
  { name: "learningRate", scale: "log", min: 1e-5, max: 1e-2, choices: [] },
  { name: "gamma", scale: "linear", min: 0.9, max: 0.999, choices: [] },
  { name: "epochs", scale: "integer", min: 1, max: 8, choices: [] },
  { name: "minibatchSize", scale: "choice", min: 0, max: 0, choices: [64, 256, 1024] },
];

describe("sampled configurations", () => {
  test("stay within their ranges, whatever the seed, and are the same for the same seed", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const drawn = sampleConfigurations(RANGES, 20, seed);
        expect(sampleConfigurations(RANGES, 20, seed)).toEqual(drawn);
        for (const { learningRate, gamma, epochs, minibatchSize } of drawn) {
          expect(learningRate).toBeGreaterThanOrEqual(1e-5);
          expect(learningRate).toBeLessThanOrEqual(1e-2);
          expect(gamma).toBeGreaterThanOrEqual(0.9);
          expect(gamma).toBeLessThan(0.999);
          expect(Number.isInteger(epochs) && epochs! >= 1 && epochs! <= 8).toBe(true);
          expect([64, 256, 1024]).toContain(minibatchSize);
        }
      }),
    );
  });

  test("a log range draws as many below its geometric mean as above", () => {
    const drawn = sampleConfigurations(RANGES, 2_000, 1);
    const below = drawn.filter(({ learningRate }) => learningRate! < 10 ** -3.5).length;
    expect(below / 2_000).toBeCloseTo(0.5, 1);
  });

  test("ranges that cannot be drawn from are refused by name", () => {
    const refusal = (change: Partial<SearchRange>) => checkRanges([{ ...RANGES[0]!, ...change }]);
    expect(checkRanges(RANGES)).toEqual({ ok: true, value: true });
    expect(refusal({ min: 0 })).toMatchObject({ ok: false, error: { field: "ranges.learningRate" } });
    expect(refusal({ min: 1, max: 1 })).toMatchObject({ ok: false });
    expect(refusal({ scale: "integer", min: 0.5, max: 2 })).toMatchObject({ ok: false });
    expect(refusal({ scale: "choice" })).toMatchObject({ ok: false });
    expect(checkRanges([RANGES[0]!, RANGES[0]!])).toMatchObject({ ok: false });
  });
});

describe("successive halving", () => {
  test("trains longer and keeps fewer on every rung, down to one", () => {
    expect(halvingLadder(9, 1_000, 3, 5)).toEqual([
      { steps: 1_000, configurations: 9 },
      { steps: 3_000, configurations: 3 },
      { steps: 9_000, configurations: 1 },
    ]);
    expect(halvingLadder(5, 1_000, 3, 1)).toEqual([{ steps: 1_000, configurations: 5 }]);
  });

  test("survivors are the best scores; a failed configuration never survives", () => {
    expect(survivors([0.1, null, 0.5, 0.5, -1], 3)).toEqual([2, 3, 0]);
    expect(survivors([null, null], 1)).toEqual([]);
  });
});
