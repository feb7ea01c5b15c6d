import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type FoldRange,
  foldRangesProblem,
  rewardHorizonBars,
  targetHorizonBars,
  type WalkForwardPlan,
  walkForwardFolds,
} from "./walkForward";

const PLAN: WalkForwardPlan = {
  firstRow: 0,
  rows: 1_000,
  folds: 4,
  mode: "expanding",
  minTrainRows: 400,
  purgeRows: 10,
  embargoRows: 50,
};

describe("walk-forward folds", () => {
  test("train on the past only, with purge and embargo between training and test", () => {
    expect(walkForwardFolds(PLAN)).toEqual([
      { fold: 0, trainFrom: 0, trainTo: 400, testFrom: 460, testTo: 595 },
      { fold: 1, trainFrom: 0, trainTo: 535, testFrom: 595, testTo: 730 },
      { fold: 2, trainFrom: 0, trainTo: 670, testFrom: 730, testTo: 865 },
      { fold: 3, trainFrom: 0, trainTo: 805, testFrom: 865, testTo: 1_000 },
    ]);
  });

  test("a rolling plan trains on the same number of rows in every fold", () => {
    for (const { trainFrom, trainTo } of walkForwardFolds({ ...PLAN, mode: "rolling" })) {
      expect(trainTo - trainFrom).toBe(400);
    }
  });

  test("any plan that fits tests every row after the first training exactly once and never trains past it", () => {
    const plans = fc.record({
      firstRow: fc.integer({ min: 0, max: 700 }),
      rows: fc.integer({ min: 2_000, max: 20_000 }),
      folds: fc.integer({ min: 1, max: 12 }),
      mode: fc.constantFrom("expanding" as const, "rolling" as const),
      minTrainRows: fc.integer({ min: 2, max: 600 }),
      purgeRows: fc.integer({ min: 0, max: 50 }),
      embargoRows: fc.integer({ min: 0, max: 50 }),
    });
    fc.assert(
      fc.property(plans, (plan) => {
        const folds = walkForwardFolds(plan);
        let next = plan.firstRow + plan.minTrainRows + plan.purgeRows + plan.embargoRows;
        for (const fold of folds) {
          expect(fold.testFrom).toBe(next);
          expect(fold.testFrom - fold.trainTo).toBe(plan.purgeRows + plan.embargoRows);
          expect(fold.trainFrom).toBeGreaterThanOrEqual(plan.firstRow);
          expect(fold.trainTo).toBeGreaterThan(fold.trainFrom);
          next = fold.testTo;
        }
        expect(next).toBe(plan.rows);
      }),
    );
  });

  test("a dataset that is too short is refused with what to change", () => {
    expect(() => walkForwardFolds({ ...PLAN, folds: 24 })).toThrow(/22 test rows a fold.*Use fewer folds/s);
    expect(() => walkForwardFolds({ ...PLAN, folds: 0 })).toThrow(
      "folds must be a whole number from 1 to 24",
    );
  });

  test("the reward horizon is where one percent of the weight is left", () => {
    expect(rewardHorizonBars(0.99, 0.9)).toBe(40);
    expect(rewardHorizonBars(0.99, 1)).toBe(459);
    expect(rewardHorizonBars(1, 1)).toBe(1_000);
    expect(rewardHorizonBars(0, 1)).toBe(1);
  });
});

describe("how far a training target reaches", () => {
  test("PPO by its discounted trace, DQN by its n steps, both by what the recipe overrides", () => {
    expect(targetHorizonBars("ppo", {})).toBe(40);
    expect(targetHorizonBars("ppo", { gamma: 0.999, gaeLambda: 0.95 })).toBe(rewardHorizonBars(0.999, 0.95));
    expect(targetHorizonBars("dqn", { gamma: 0.9 })).toBe(1);
    expect(targetHorizonBars("dqn", { nStep: 5 })).toBe(5);
  });
});

describe("folds that a worker states", () => {
  const stepMs = 60_000;
  const stated = (plan: WalkForwardPlan): FoldRange[] =>
    walkForwardFolds(plan).map(({ fold, trainFrom, trainTo, testFrom, testTo }) => ({
      fold,
      trainFromMs: trainFrom * stepMs,
      trainToMs: (trainTo - 1) * stepMs,
      testFromMs: testFrom * stepMs,
      testToMs: (testTo - 1) * stepMs,
      trainRows: trainTo - trainFrom,
      testRows: testTo - testFrom,
    }));
  const wanted = { folds: 4, gapRows: 60, stepMs };

  test("are found sound when they were laid out with that purge and embargo, and unsound with one row less", () => {
    expect(foldRangesProblem(stated(PLAN), wanted)).toBeNull();
    expect(foldRangesProblem(stated({ ...PLAN, embargoRows: 49 }), wanted)).toMatch(/fold 0 trains nearer/);
  });

  test("are refused when test spans overlap, go back, or some are missing", () => {
    const [a, b, c, d] = stated(PLAN) as [FoldRange, FoldRange, FoldRange, FoldRange];
    expect(foldRangesProblem([a, b, c], wanted)).toBe("3 of 4 folds are laid out");
    expect(foldRangesProblem([b, a, c, d], wanted)).toMatch(/fold 1 stands where fold 0/);
    expect(
      foldRangesProblem([a, { ...b, testFromMs: b.testFromMs - stepMs, trainToMs: 0 }, c, d], wanted),
    ).toMatch(/begins inside the one before/);
    expect(foldRangesProblem([{ ...a, testToMs: 0 }, b, c, d], wanted)).toMatch(/ends before it begins/);
  });
});
