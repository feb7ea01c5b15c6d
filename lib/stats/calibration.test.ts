import { describe, expect, test } from "vitest";
import { createPrng } from "../core/prng";
import { applyPlatt, expectedCalibrationError, fitPlatt } from "./calibration";

/** Outcomes that happen with `truth(p)` where p was stated. */
function sample(count: number, truth: (p: number) => number) {
  const random = createPrng(5);
  const stated = Array.from({ length: count }, () => 0.02 + 0.96 * random.nextFloat());
  return { stated, outcomes: stated.map((p) => (random.nextFloat() < truth(p) ? 1 : 0)) };
}

describe("Platt scaling", () => {
  test("finds the line in log-odds that the outcomes were drawn from", () => {
    const truth = (p: number) => 1 / (1 + Math.exp(-(0.5 * Math.log(p / (1 - p)) + 0.3)));
    const { stated, outcomes } = sample(40_000, truth);
    const scale = fitPlatt(stated, outcomes);
    expect(scale.slope).toBeCloseTo(0.5, 1);
    expect(scale.intercept).toBeCloseTo(0.3, 1);
  });

  test("makes an overconfident forecaster calibrated", () => {
    const { stated, outcomes } = sample(20_000, (p) => 0.5 + (p - 0.5) / 4);
    const before = expectedCalibrationError(stated, outcomes, 10);
    const scale = fitPlatt(stated, outcomes);
    const after = expectedCalibrationError(
      stated.map((p) => applyPlatt(scale, p)),
      outcomes,
      10,
    );
    expect(before).toBeGreaterThan(0.15);
    expect(after).toBeLessThan(0.02);
  });

  test("one-sided and constant samples give finite scales", () => {
    for (const [stated, outcomes] of [
      [
        [0.9, 0.9, 0.9],
        [1, 1, 1],
      ],
      [
        [0, 1],
        [0, 1],
      ],
      [[0.5], [0]],
    ] as const) {
      const { slope, intercept } = fitPlatt(stated, outcomes);
      expect(Number.isFinite(slope) && Number.isFinite(intercept)).toBe(true);
    }
  });
});
