import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrivedCount, candleWindow } from "./runView";

const BAR_MS = 15 * 60_000;
const replay = {
  feed: "replay" as const,
  timeframe: "15m" as const,
  fromMs: 0,
  toMs: 20_000 * BAR_MS,
  createdAtMs: 0,
};

describe("the candle window of a run", () => {
  it("holds the newest bar, with lead-in before it, wherever the replay stands", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 19_999 }), (bar) => {
        const lastBarOpenTimeMs = bar * BAR_MS;
        const { fromMs, toMs } = candleWindow({ ...replay, lastBarOpenTimeMs });
        expect(fromMs).toBeLessThan(lastBarOpenTimeMs);
        expect(toMs!).toBeGreaterThan(lastBarOpenTimeMs);
        expect((toMs! - fromMs) / BAR_MS).toBeLessThanOrEqual(3_060);
      }),
    );
  });

  it("stays the same for a thousand bars, so that full speed does not ask at every bar", () => {
    const windows = new Set<string>();
    for (let bar = 5_000; bar < 6_000; bar++) {
      windows.add(JSON.stringify(candleWindow({ ...replay, lastBarOpenTimeMs: bar * BAR_MS })));
    }
    expect(windows.size).toBe(1);
  });

  it("covers a short replay whole", () => {
    expect(candleWindow({ ...replay, toMs: 1_344 * BAR_MS, lastBarOpenTimeMs: undefined })).toEqual({
      fromMs: -60 * BAR_MS,
      toMs: 1_344 * BAR_MS,
    });
  });
});

describe("the bars a replay has seen", () => {
  const bars = Array.from({ length: 10 }, (_, i) => ({ openTimeMs: i * BAR_MS }));

  it("never include its future", () => {
    expect(arrivedCount(bars, { feed: "replay", fromMs: 0, lastBarOpenTimeMs: 4 * BAR_MS })).toBe(5);
    expect(arrivedCount(bars, { feed: "replay", fromMs: 3 * BAR_MS, lastBarOpenTimeMs: undefined })).toBe(3);
  });

  it("are all of them on a live feed", () => {
    expect(arrivedCount(bars, { feed: "live", fromMs: undefined, lastBarOpenTimeMs: 0 })).toBe(10);
  });
});
