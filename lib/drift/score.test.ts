import { describe, expect, test } from "vitest";
import { createPrng } from "../core/prng";
import { DEFAULT_DRIFT_POLICY } from "./policy";
import { featureReference, featureShift } from "./reference";
import { actionShift, scoreDrift } from "./score";

const gaussian = (seed: number, count: number, mean = 0, deviation = 1) => {
  const random = createPrng(seed);
  return Float64Array.from({ length: count }, () => mean + deviation * random.nextGaussian());
};
const REFERENCE = featureReference(gaussian(1, 20_000));
const signals = (windows: Float64Array[]) => ({
  features: windows.map((window, i) => ({ name: `f${i}`, ...featureShift(REFERENCE, window) })),
  ...{ actionPsi: null, calibrationGap: null, slippageGapBps: null },
});
const score = (windows: Float64Array[]) => scoreDrift(signals(windows), DEFAULT_DRIFT_POLICY);

describe("a feature against its training reference", () => {
  test("does not shift on new rows of the same distribution, and does when its mean or spread moves", () => {
    expect(featureShift(REFERENCE, gaussian(2, 500)).psi).toBeLessThan(0.1);
    const moved = featureShift(REFERENCE, gaussian(3, 500, 1));
    expect(moved.psi).toBeGreaterThan(0.25);
    expect(moved.pValue).toBeLessThan(1e-6);
    expect(featureShift(REFERENCE, gaussian(4, 500, 0, 3)).psi).toBeGreaterThan(0.25);
  });
  test("that has one value, or two, is measured without an infinity", () => {
    const flag = featureReference(Float64Array.from({ length: 1_000 }, (_, i) => (i % 4 === 0 ? 1 : 0)));
    const same = Float64Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 1 : 0));
    expect(featureShift(flag, same).psi).toBeCloseTo(0, 6);
    const gone = featureShift(flag, new Float64Array(400));
    expect(Number.isFinite(gone.psi)).toBe(true);
    expect(gone.psi).toBeGreaterThan(0.25);
  });
  test("refuses values that are none", () => {
    expect(() => featureReference(Float64Array.of(1, Number.NaN))).toThrow(/finite/);
  });
});

describe("the score of drift", () => {
  test("A-09: stays below a warning on 40 windows of unchanged features, and is severe when half of them move", () => {
    for (let seed = 0; seed < 40; seed++) {
      const calm = score(Array.from({ length: 12 }, (_, i) => gaussian(100 * seed + i, 500)));
      expect(calm.score).toBeLessThan(DEFAULT_DRIFT_POLICY.warning.enter);
    }
    const half = score(Array.from({ length: 12 }, (_, i) => gaussian(i + 5, 500, i < 6 ? 1.5 : 0)));
    expect(half.score).toBeGreaterThanOrEqual(1);
    expect(half.sentence).toMatch(/^6 of 12 features differ from the training reference \(f\d PSI/);
  });
  test("takes the signal that leads, and leaves out what could not be measured", () => {
    const calm = signals([gaussian(9, 500)]);
    expect(scoreDrift({ ...calm, slippageGapBps: 10 }, DEFAULT_DRIFT_POLICY)).toMatchObject({
      ...{ score: 2, signal: "slippage" },
      sentence: "Fills slip 10.00 bps more than in the backtest.",
    });
    const actionPsi = actionShift({ short: 0.3, flat: 0.4, long: 0.3 }, { short: 0, flat: 1, long: 0 });
    expect(scoreDrift({ ...calm, actionPsi }, DEFAULT_DRIFT_POLICY).signal).toBe("actions");
    expect(scoreDrift({ ...calm, calibrationGap: -1 }, DEFAULT_DRIFT_POLICY).score).toBe(0);
  });
});
