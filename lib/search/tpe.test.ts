import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPrng } from "../core/prng";
import { type SearchRange, sampleConfigurations, unitOf, valueAt } from "./sampleConfigurations";
import { type Observed, proposeConfigurations } from "./tpe";

const RANGES: SearchRange[] = [
  { name: "learningRate", scale: "log", min: 1e-5, max: 1e-2, choices: [] },
  { name: "gamma", scale: "linear", min: 0.9, max: 0.999, choices: [] },
  { name: "epochs", scale: "integer", min: 1, max: 8, choices: [] },
  { name: "minibatchSize", scale: "choice", min: 0, max: 0, choices: [64, 256, 1024] },
];
const TOTAL = 32;

/** Proposes and scores until all are tried. */
function run(score: (configuration: Record<string, number>) => number | null, seed: number): Observed[] {
  const observed: Observed[] = [];
  for (;;) {
    const next = proposeConfigurations(RANGES, observed, TOTAL, seed);
    if (next.length === 0) return observed;
    observed.push(...next.map((configuration) => ({ configuration, score: score(configuration) })));
  }
}

/** A bowl with its top inside every range; 0 at best. */
function bowl({ learningRate, gamma, epochs, minibatchSize }: Record<string, number>): number {
  const away = (range: SearchRange, value: number, best: number) => (unitOf(range, value) - best) ** 2;
  return -(
    away(RANGES[0]!, learningRate!, 0.7) +
    away(RANGES[1]!, gamma!, 0.2) +
    away(RANGES[2]!, epochs!, 0.4) +
    (minibatchSize === 256 ? 0 : 0.1)
  );
}

const scores = fc.array(fc.option(fc.double({ min: -10, max: 10, noNaN: true }), { nil: null }), {
  minLength: TOTAL,
  maxLength: TOTAL,
});

describe("proposed configurations", () => {
  test("stay within their ranges, are as many as were asked for, and follow from seed and scores alone", () => {
    fc.assert(
      fc.property(fc.nat(1e9), scores, (seed, given) => {
        const play = () => {
          let at = 0;
          return run(() => given[at++]!, seed);
        };
        const tried = play();
        expect(play()).toEqual(tried);
        expect(tried).toHaveLength(TOTAL);
        for (const { configuration } of tried) {
          const { learningRate, gamma, epochs, minibatchSize } = configuration;
          expect(learningRate! >= 1e-5 && learningRate! <= 1e-2).toBe(true);
          expect(gamma! >= 0.9 && gamma! <= 0.999).toBe(true);
          expect(Number.isInteger(epochs) && epochs! >= 1 && epochs! <= 8).toBe(true);
          expect([64, 256, 1024]).toContain(minibatchSize);
        }
      }),
      { numRuns: 10 },
    );
  });

  test("begin with random ones, the same as a random search of that seed draws first", () => {
    expect(proposeConfigurations(RANGES, [], TOTAL, 5)).toEqual(sampleConfigurations(RANGES, 8, 5));
    expect(proposeConfigurations(RANGES, [], 3, 5)).toEqual(sampleConfigurations(RANGES, 3, 5));
  });

  test("of one batch differ from each other", () => {
    const observed = sampleConfigurations(RANGES, 8, 1).map((configuration) => ({
      configuration,
      score: bowl(configuration),
    }));
    const batch = proposeConfigurations(RANGES, observed, TOTAL, 1);
    expect(new Set(batch.map(({ learningRate }) => learningRate)).size).toBe(4);
  });

  test("are still proposed when every trial so far has failed or all scored alike", () => {
    expect(run(() => null, 3)).toHaveLength(TOTAL);
    expect(run(() => 0, 3)).toHaveLength(TOTAL);
  });
});

describe("against random search on a bowl, with as many trials", () => {
  const best = (tried: number[]) => Math.max(...tried);
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const seeds = Array.from({ length: 31 }, (_, i) => i + 1);

  test("the median best is better, without noise and with scores as noisy as the bowl is deep", () => {
    const noisy = (seed: number) => {
      const random = createPrng(seed);
      return (configuration: Record<string, number>) => bowl(configuration) + 0.1 * random.nextGaussian();
    };
    const random = median(seeds.map((seed) => best(sampleConfigurations(RANGES, TOTAL, seed).map(bowl))));
    const tpe = median(seeds.map((seed) => best(run(bowl, seed).map(({ score }) => score!))));
    expect(tpe).toBeGreaterThan(random / 2);
    // What was tried late is judged by its true height: luck in the score does not count.
    const late = (tried: Record<string, number>[]) =>
      tried.slice(TOTAL / 2).reduce((sum, configuration) => sum + bowl(configuration), 0) / (TOTAL / 2);
    const noisyTpe = median(
      seeds.map((seed) => late(run(noisy(seed), seed).map(({ configuration }) => configuration))),
    );
    expect(noisyTpe).toBeGreaterThan(
      median(seeds.map((seed) => late(sampleConfigurations(RANGES, TOTAL, seed)))),
    );
  });
});

test("a value's place in its range is the inverse of the value at a place", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (u) => {
      for (const range of RANGES.slice(0, 2)) expect(unitOf(range, valueAt(range, u))).toBeCloseTo(u, 9);
      expect(Math.abs(unitOf(RANGES[2]!, valueAt(RANGES[2]!, u)) - u)).toBeLessThanOrEqual(0.5 / 8 + 1e-12);
    }),
  );
});
