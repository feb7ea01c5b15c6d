/** The interval must hold at every bar at once: whoever looks at each of them is still wrong at most alpha of the time. */
import { describe, expect, test } from "vitest";
import { createPrng } from "../core/prng";
import { emptySequence, extendSequence, meanInterval, type SequenceSettings } from "./confidenceSequence";

const SETTINGS: SequenceSettings = { bound: 0.01, alpha: 0.05 };

/** Share of paths on which the true running mean ever leaves the interval. */
function missed(
  paths: number,
  bars: number,
  draw: (random: ReturnType<typeof createPrng>, i: number) => { value: number; mean: number },
) {
  let misses = 0;
  for (let path = 0; path < paths; path++) {
    const random = createPrng(1_000 + path);
    let sequence = emptySequence();
    let truth = 0;
    for (let i = 0; i < bars; i++) {
      const { value, mean } = draw(random, i);
      truth += mean;
      sequence = extendSequence(sequence, value, SETTINGS);
      const { lower, upper } = meanInterval(sequence, SETTINGS);
      const average = truth / (i + 1);
      if (average < lower || average > upper) {
        misses += 1;
        break;
      }
    }
  }
  return misses / paths;
}

const sign = (random: ReturnType<typeof createPrng>) => (random.nextFloat() < 0.5 ? -1 : 1);

describe("a confidence sequence", () => {
  test("covers under continuous peeking, with the widest differences that the bound allows", () => {
    expect(missed(400, 2_000, (random) => ({ value: 0.01 * sign(random), mean: 0 }))).toBeLessThanOrEqual(
      0.05,
    );
  });

  test("covers differences that are small and skewed beside the bound", () => {
    const rare = (random: ReturnType<typeof createPrng>) => (random.nextFloat() < 0.02 ? 0.0098 : -0.0002);
    expect(missed(400, 2_000, (random) => ({ value: rare(random), mean: 0 }))).toBeLessThanOrEqual(0.05);
  });

  test("covers the running mean when the edge itself changes on the way", () => {
    const drifting = (random: ReturnType<typeof createPrng>, i: number) => {
      const mean = i < 1_000 ? 0.0005 : -0.0005;
      return { value: mean + 0.001 * sign(random), mean };
    };
    expect(missed(400, 2_000, drifting)).toBeLessThanOrEqual(0.05);
  });

  test("a fixed-time interval looked at every bar would not: the test can tell the difference", () => {
    let misses = 0;
    for (let path = 0; path < 200; path++) {
      const random = createPrng(path);
      let sequence = emptySequence();
      for (let i = 1; i <= 2_000; i++) {
        sequence = extendSequence(sequence, 0.01 * sign(random), SETTINGS);
        const half = 1.96 * Math.sqrt(sequence.squares / i / i);
        if (i >= 30 && Math.abs(sequence.sum / i) > half) {
          misses += 1;
          break;
        }
      }
    }
    expect(misses / 200).toBeGreaterThan(0.2);
  });

  test("narrows until an edge of half a standard deviation is told from none", () => {
    const random = createPrng(5);
    let sequence = emptySequence();
    let bars = 0;
    while (meanInterval(sequence, SETTINGS).lower <= 0 && bars < 5_000) {
      sequence = extendSequence(sequence, 0.0005 + 0.001 * sign(random), SETTINGS);
      bars += 1;
    }
    expect(bars).toBeLessThan(1_000);
  });

  test("goes on from its stored numbers to the same bits, and counts what it had to cut", () => {
    let whole = emptySequence();
    for (const value of [0.001, -0.02, 0.003]) whole = extendSequence(whole, value, SETTINGS);
    const stored = JSON.parse(
      JSON.stringify(extendSequence(extendSequence(emptySequence(), 0.001, SETTINGS), -0.02, SETTINGS)),
    );
    expect(extendSequence(stored, 0.003, SETTINGS)).toEqual(whole);
    expect(whole).toMatchObject({ count: 3, clipped: 1 });
  });

  test("says nothing before the first difference and refuses numbers that are none", () => {
    expect(meanInterval(emptySequence(), SETTINGS)).toEqual({ mean: 0, lower: -0.01, upper: 0.01 });
    expect(() => extendSequence(emptySequence(), Number.NaN, SETTINGS)).toThrow(/NaN/);
  });
});
