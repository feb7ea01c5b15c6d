import { describe, expect, it } from "vitest";
import { createPrng } from "../core/prng";
import { probabilityOfOverfitting } from "./backtestOverfitting";
import { brierScore, expectedCalibrationError, reliability } from "./calibration";
import {
  benjaminiHochberg,
  kolmogorovSmirnov,
  kolmogorovTail,
  populationStabilityIndex,
  quantileShares,
} from "./drift";
import { lcgMatrix } from "./lcg.fixture";
import { superiorPredictiveAbility } from "./superiorPredictiveAbility";

describe("probability of backtest overfitting (CSCV)", () => {
  it("golden case A: seed 42, 16 × 4, 4 blocks", () => {
    const matrix = lcgMatrix(42, 16, 4);
    const row0 = [-0.247654825, -0.411874955, 0.077281198, -0.277445734];
    row0.forEach((value, i) => {
      expect(matrix[i]).toBeCloseTo(value, 9);
    });
    expect(matrix.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0.474203281, 9);
    const result = probabilityOfOverfitting(matrix, 16, 4, 4);
    expect(result.splits).toBe(6);
    expect(result.firstLogit).toBeCloseTo(1.386294, 6);
    expect(result.pbo).toBeCloseTo(0.166667, 6);
    expect(result.meanLogit).toBeCloseTo(0.760725, 6);
    expect(result.slope).toBeCloseTo(-1.616979, 6);
    expect(result.lossProbability).toBeCloseTo(0.166667, 6);
  });

  it("golden case B: seed 7, 64 × 7, 8 blocks, where ties at zero count as overfit", () => {
    const result = probabilityOfOverfitting(lcgMatrix(7, 64, 7), 64, 7, 8);
    expect(result.splits).toBe(70);
    expect(result.pbo).toBeCloseTo(0.885714, 6);
    expect(result.pboStrict).toBeCloseTo(0.771429, 6);
    expect(result.meanLogit).toBeCloseTo(-0.782244, 6);
    expect(result.slope).toBeCloseTo(-0.04255, 6);
    expect(result.lossProbability).toBeCloseTo(0.885714, 6);
  });

  it("golden case C: a planted edge in column 3 is not overfit", () => {
    const planted = lcgMatrix(7, 64, 7).map((value, i) => (i % 7 === 3 ? value + 0.25 : value));
    const result = probabilityOfOverfitting(planted, 64, 7, 8);
    expect(result.pbo).toBe(0);
    expect(result.meanLogit).toBeCloseTo(1.94591, 6);
    expect(result.slope).toBeCloseTo(-0.986582, 6);
    expect(result.lossProbability).toBe(0);
  });

  it("golden case D: seed 1, 320 × 20, 16 blocks", () => {
    const result = probabilityOfOverfitting(lcgMatrix(1, 320, 20), 320, 20, 16);
    expect(result.splits).toBe(12_870);
    expect(result.pbo).toBeCloseTo(0.555089, 6);
    expect(result.meanLogit).toBeCloseTo(-0.090473, 6);
    expect(result.slope).toBeCloseTo(-0.12961, 6);
    expect(result.lossProbability).toBeCloseTo(0.596581, 6);
  });

  it("refuses shapes that do not fit", () => {
    expect(() => probabilityOfOverfitting([1, 2, 3], 2, 2, 2)).toThrow(/do not make/);
    expect(() => probabilityOfOverfitting(lcgMatrix(1, 16, 2), 16, 2, 3)).toThrow(/even/);
  });
});

describe("Hansen's superior predictive ability", () => {
  it("reproduces the golden case and drops the fifth model", () => {
    const losses = lcgMatrix(2024, 200, 6).map((value, i) =>
      i % 6 === 3 ? value - 0.06 : i % 6 === 5 ? value + 0.1 : value,
    );
    const options = { losses, rows: 200, columns: 6, restartProbability: 0.1, draws: 20_000, seed: 1 };
    const result = superiorPredictiveAbility(options);
    const expectAll = (actual: number[], expected: number[]) => {
      expected.forEach((value, k) => {
        expect(actual[k]).toBeCloseTo(value, 6);
      });
    };
    expectAll(result.meanAdvantage, [0.027352, 0.040138, 0.050493, 0.018843, -0.102032]);
    expectAll(result.deviation, [0.371392, 0.341065, 0.345217, 0.291846, 0.272502]);
    expectAll(result.thresholds, [-0.047957, -0.044041, -0.044577, -0.037685, -0.035187]);
    expect(result.statistic).toBeCloseTo(2.068509, 6);
    expect(result.meanAdvantage[4]).toBeLessThan(result.thresholds[4]!);
    expect(Math.abs(result.pLower - 0.063)).toBeLessThan(0.006);
    expect(Math.abs(result.pConsistent - 0.063)).toBeLessThan(0.006);
    expect(Math.abs(result.pUpper - 0.076)).toBeLessThan(0.006);
    expect(result.pLower).toBeLessThanOrEqual(result.pConsistent);
    expect(result.pConsistent).toBeLessThanOrEqual(result.pUpper);
  });

  it("finds no superiority in a model that is plainly worse: p is 1", () => {
    const random = createPrng(4);
    const losses = Float64Array.from(
      { length: 400 },
      (_, i) => random.nextGaussian() + (i % 2 === 1 ? 1 : 0),
    );
    const worse = superiorPredictiveAbility({
      ...{ losses, rows: 200, columns: 2, restartProbability: 0.1, draws: 200, seed: 1 },
    });
    expect(worse.statistic).toBe(0);
    expect([worse.pLower, worse.pConsistent, worse.pUpper]).toEqual([1, 1, 1]);
  });
});

describe("calibration", () => {
  const p = [0.9, 0.8, 0.7, 0.6, 0.55, 0.45, 0.3, 0.2];
  const y = [1, 1, 0, 1, 0, 1, 0, 0];

  it("reproduces the golden Brier score and calibration error", () => {
    expect(brierScore(p, y)).toBeCloseTo(0.179375, 10);
    expect(expectedCalibrationError(p, y, 4)).toBeCloseTo(0.2, 10);
    // Worked by hand from the eight pairs: mean of p, share of y, in each quarter of [0, 1].
    const curve = [
      [1, 0.2, 0],
      [2, 0.375, 0.5],
      [3, 1.85 / 3, 1 / 3],
      [2, 0.85, 1],
    ] as const;
    for (const [i, bin] of reliability(p, y, 4).entries()) {
      expect(bin.count).toBe(curve[i]![0]);
      expect(bin.meanProbability).toBeCloseTo(curve[i]![1], 12);
      expect(bin.frequency).toBeCloseTo(curve[i]![2], 12);
    }
    expect(brierScore([1, 0], [1, 0])).toBe(0);
    expect(expectedCalibrationError([1, 1], [1, 1], 10)).toBe(0);
  });

  it("refuses what is no probability or no outcome", () => {
    expect(() => brierScore([1.1], [1])).toThrow(/Pair 0/);
    expect(() => brierScore([0.5], [0.5])).toThrow(/Pair 0/);
    expect(() => brierScore([], [])).toThrow(/at least one/);
  });
});

describe("drift", () => {
  it("reproduces the golden stability index and stays finite with an empty bin", () => {
    expect(populationStabilityIndex([0.25, 0.25, 0.25, 0.25], [0.2, 0.3, 0.3, 0.2])).toBeCloseTo(
      0.0405465,
      7,
    );
    expect(populationStabilityIndex([0.5, 0.5], [0.5, 0.5])).toBe(0);
    expect(Number.isFinite(populationStabilityIndex([0, 1], [1, 0]))).toBe(true);
    expect(() => populationStabilityIndex([0.5], [Number.NaN])).toThrow(/Share 0/);
  });

  it("bins by the reference's quantiles", () => {
    const reference = Array.from({ length: 100 }, (_, i) => i);
    const shares = quantileShares(reference, [0, 1, 99, 98], 4);
    expect(shares.reference).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(shares.current).toEqual([0.5, 0, 0, 0.5]);
  });

  it("measures the Kolmogorov–Smirnov distance and its p-value", () => {
    expect(kolmogorovTail(1.3581)).toBeCloseTo(0.05, 4);
    expect(kolmogorovTail(1.6276)).toBeCloseTo(0.01, 4);
    const same = Array.from({ length: 50 }, (_, i) => i);
    expect(kolmogorovSmirnov(same, same)).toEqual({ statistic: 0, pValue: 1 });
    const apart = kolmogorovSmirnov([1, 2, 3, 4], [3, 4, 5, 6]);
    expect(apart.statistic).toBe(0.5);
    expect(
      kolmogorovSmirnov(
        same,
        same.map((value) => value + 100),
      ).pValue,
    ).toBeLessThan(1e-9);
  });

  it("holds the false-discovery rate over many features", () => {
    const pValues = [0.01, 0.04, 0.03, 0.005, 0.5];
    expect(benjaminiHochberg(pValues, 0.05)).toEqual([true, true, true, true, false]);
    expect(benjaminiHochberg([0.02, 0.5, 0.6, 0.7], 0.05)).toEqual([false, false, false, false]);
  });
});
