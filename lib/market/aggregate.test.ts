import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aggregateCandles, CandleAggregator } from "./aggregate";
import { fromCandles, toCandles } from "./columns";
import { randomWalk } from "./randomWalk.fixture";
import type { Timeframe } from "./types";

const MINUTE_MS = 60_000;
const bar = (minute: number, close: number, volume = 1) => ({
  openTimeMs: minute * MINUTE_MS,
  open: 100,
  high: Math.max(100, close) + 1,
  low: Math.min(100, close) - 1,
  close,
  volume,
});

describe("aggregation", () => {
  it("takes first open, highest high, lowest low, last close and summed volume of the bars that exist", () => {
    const source = fromCandles([bar(15, 101, 2), bar(17, 90, 3), bar(29, 104, 4), bar(60, 99)]);
    expect(toCandles(aggregateCandles(source, "15m"))).toEqual([
      { openTimeMs: 15 * MINUTE_MS, open: 100, high: 105, low: 89, close: 104, volume: 9 },
    ]);
  });

  it("closes the last bucket only when its end is known to be reached", () => {
    const upTo = (minute: number) => fromCandles([bar(0, 101), bar(minute, 102)]);
    const times = (minute: number, options = {}) =>
      aggregateCandles(upTo(minute), "15m", options).openTimeMs.length;
    expect(times(13, { sourceTimeframe: "1m" })).toBe(0);
    expect(times(14, { sourceTimeframe: "1m" })).toBe(1);
    expect(times(14)).toBe(0);
    expect(times(13, { untilMs: 15 * MINUTE_MS - 1 })).toBe(0);
    expect(times(13, { untilMs: 15 * MINUTE_MS })).toBe(1);
    expect(times(15)).toBe(1);
  });

  it("streaming gives the same bars as batch, whatever the holes and whenever it stops", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.nat(400),
        fc.nat(20),
        fc.constantFrom<Timeframe>("3m", "15m", "1h", "1m"),
        fc.option(fc.constant<Timeframe>("1m"), { nil: undefined }),
        fc.nat(60),
        (seed, rows, holeEvery, target, sourceTimeframe, waitMinutes) => {
          const source = randomWalk(rows, MINUTE_MS, seed, holeEvery);
          const aggregator = new CandleAggregator(target, sourceTimeframe);
          const closed = toCandles(source).flatMap((candle) => aggregator.push(candle));
          expect(closed).toEqual(toCandles(aggregateCandles(source, target, { sourceTimeframe })));
          const untilMs = (source.openTimeMs.at(-1) ?? 0) + waitMinutes * MINUTE_MS;
          closed.push(...aggregator.closeUntil(untilMs));
          expect(closed).toEqual(toCandles(aggregateCandles(source, target, { sourceTimeframe, untilMs })));
        },
      ),
    );
  });

  it("refuses bars out of order and timeframes that do not divide", () => {
    const aggregator = new CandleAggregator("15m", "1m");
    aggregator.push(bar(5, 100));
    expect(() => aggregator.push(bar(5, 100))).toThrow(/not later/);
    expect(() => new CandleAggregator("5m", "3m")).toThrow(/do not divide/);
  });
});
