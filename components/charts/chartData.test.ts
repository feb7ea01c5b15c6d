import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Candle } from "@/lib/market/types";
import { axisTicks, downsampleMinMax, drawdownOf, isContinuation, type PricePoint } from "./chartData";

const bar = (openTimeMs: number): Candle => ({ openTimeMs, open: 1, high: 1, low: 1, close: 1, volume: 1 });
const points = fc
  .array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 500 })
  .map((values): PricePoint[] => values.map((value, timeMs) => ({ timeMs, value })));

describe("streaming", () => {
  it("recognises added bars and a changed last bar, and nothing else", () => {
    expect(isContinuation([bar(1), bar(2)], [bar(1), bar(2), bar(3)])).toBe(true);
    expect(isContinuation([bar(1), bar(2)], [bar(1), bar(2)])).toBe(true);
    expect(isContinuation([bar(1), bar(2)], [bar(2), bar(3)])).toBe(false);
    expect(isContinuation([bar(1), bar(2)], [bar(1)])).toBe(false);
    expect(isContinuation([bar(1), bar(2)], [bar(1), bar(3), bar(4)])).toBe(false);
    expect(isContinuation([], [bar(1)])).toBe(false);
  });
});

describe("downsampling", () => {
  it("keeps the extremes and the order, and never exceeds the limit", () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 4, max: 300 }), (series, limit) => {
        const out = downsampleMinMax(series, limit);
        const values = series.map((point) => point.value);
        expect(out.length).toBeLessThanOrEqual(Math.max(limit, 4));
        expect(Math.max(...out.map((point) => point.value))).toBe(Math.max(...values));
        expect(Math.min(...out.map((point) => point.value))).toBe(Math.min(...values));
        for (let i = 1; i < out.length; i++) expect(out[i]!.timeMs).toBeGreaterThan(out[i - 1]!.timeMs);
      }),
    );
  });
});

describe("drawdown", () => {
  it("is zero at a new peak and never positive", () => {
    expect(
      drawdownOf([100, 110, 99, 120].map((value, timeMs) => ({ timeMs, value }))).map((p) => p.value),
    ).toEqual([0, 0, 99 / 110 - 1, 0]);
    fc.assert(fc.property(points, (series) => drawdownOf(series).every((point) => point.value <= 0)));
  });
});

describe("axis ticks", () => {
  it("lie inside the range, ascend and stay few", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        (low, span) => {
          const ticks = axisTicks(low, low + span, 5);
          expect(ticks.length).toBeLessThanOrEqual(7);
          for (const tick of ticks) {
            expect(tick).toBeGreaterThanOrEqual(low - span * 1e-6);
            expect(tick).toBeLessThanOrEqual(low + span * (1 + 1e-6));
          }
        },
      ),
    );
  });
});
