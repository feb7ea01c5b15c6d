import fc from "fast-check";
import { expect, test } from "vitest";
import { dailyReturns, joinDailyReturns } from "./dailyReturns";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test("a day's return is its last equity over the last of the day before", () => {
  const times = [0, 12 * HOUR, DAY, DAY + HOUR, 3 * DAY];
  expect(dailyReturns(times, [100, 110, 105, 99, 198])).toEqual({
    dayMs: [0, DAY, 3 * DAY],
    returns: [110 / 100 - 1, 99 / 110 - 1, 1],
  });
});

test("daily returns compound to the whole, however the series is cut into slices", () => {
  const equities = fc.array(fc.integer({ min: 50, max: 150 }), { minLength: 4, maxLength: 60 });
  fc.assert(
    fc.property(equities, fc.nat(), (equity, cutSeed) => {
      const times = equity.map((_, i) => i * 7 * HOUR);
      const cut = 1 + (cutSeed % (equity.length - 2));
      const first = dailyReturns(times.slice(0, cut + 1), equity.slice(0, cut + 1));
      const second = dailyReturns(times.slice(cut), equity.slice(cut));
      const joined = joinDailyReturns([first, second]);
      const growth = (values: number[]) => values.reduce((product, value) => product * (1 + value), 1);
      expect(growth(joined.returns)).toBeCloseTo(equity.at(-1)! / equity[0]!, 9);
      expect(joined.dayMs).toEqual(dailyReturns(times, equity).dayMs);
    }),
  );
});

test("slices in the wrong order are refused", () => {
  const late = { dayMs: [DAY], returns: [0] };
  expect(() => joinDailyReturns([late, { dayMs: [0], returns: [0] }])).toThrow("overlap");
});
