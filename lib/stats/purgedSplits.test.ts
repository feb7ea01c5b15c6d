import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { combinatorialCounts, purgedTrainRanges } from "./purgedSplits";

describe("purged splits", () => {
  it("keep 730 of 1000 rows in the boundary case: horizon 10, test 400–599, embargo 50", () => {
    const ranges = purgedTrainRanges({ rows: 1_000, testFrom: 400, testTo: 600, horizon: 10, embargo: 50 });
    expect(ranges).toEqual([
      { from: 0, to: 390 },
      { from: 660, to: 1_000 },
    ]);
    expect(ranges.reduce((sum, range) => sum + range.to - range.from, 0)).toBe(730);
  });

  it("never keep a sample whose span meets the test span or starts within the embargo", () => {
    const small = fc.integer({ min: 0, max: 30 });
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        small,
        small,
        fc.nat(),
        fc.nat(),
        (rows, horizon, embargo, a, b) => {
          const testFrom = a % (rows - 1);
          const testTo = testFrom + 1 + (b % (rows - testFrom));
          for (const range of purgedTrainRanges({ rows, testFrom, testTo, horizon, embargo })) {
            for (let i = range.from; i < range.to; i++) {
              const isBefore = i + horizon < testFrom;
              const isAfter = i > testTo - 1 + horizon + embargo;
              expect(isBefore || isAfter).toBe(true);
            }
          }
        },
      ),
    );
  });

  it("refuse a test range outside the rows", () => {
    expect(() => purgedTrainRanges({ rows: 10, testFrom: 5, testTo: 11, horizon: 0, embargo: 0 })).toThrow(
      /within/,
    );
  });

  it.each([
    [6, 2, 15, 5],
    [10, 2, 45, 9],
    [8, 3, 56, 21],
    [10, 5, 252, 126],
  ])("combinatorial (%d, %d) has %d splits and %d paths", (groups, testGroups, splits, paths) => {
    expect(combinatorialCounts(groups, testGroups)).toEqual({ splits, paths });
  });
});
