import { describe, expect, it } from "vitest";
import { randomWalk } from "../market/randomWalk.fixture";
import { computeFeatures } from "./batch";
import { CORE_V1 } from "./coreV1";
import { CORE_V2 } from "./coreV2";
import { fitTrainingReference, missingCritical, outsideSentence, scoreRow } from "./guard";
import { fitNormaliser } from "./normaliser";

const ROWS = 4_000;
const matrix = computeFeatures(randomWalk(ROWS, 900_000, 9, 300), CORE_V1);
const { width, values } = matrix;
const normaliser = fitNormaliser(matrix, 600, 3_000);
const reference = fitTrainingReference(matrix, 600, 3_000, normaliser);
const { names } = matrix;
const row = (index: number) => values.slice(index * width, (index + 1) * width);

describe("out-of-distribution score", () => {
  it("lets the training rows and unseen rows of the same market pass", () => {
    let held = 0;
    for (let i = 600; i < ROWS; i++) {
      if (outsideSentence(scoreRow(reference, normaliser, names, row(i)), reference) !== null) held++;
    }
    expect(held).toBeLessThan(0.002 * ROWS);
  });

  it("is the stated formula: share outside the 0.1 % and 99.9 % quantiles, root mean square of z", () => {
    const features = row(3_500);
    const { shareOutside, distance } = scoreRow(reference, normaliser, names, features);
    const { mean, std } = normaliser;
    const z = [...features].map((value, c) => (value - mean[c]!) / std[c]!);
    expect(distance).toBeCloseTo(Math.sqrt(z.reduce((sum, x) => sum + x * x, 0) / width), 12);
    const outside = [...features].filter(
      (value, c) => value < reference.low[c]! || value > reference.high[c]!,
    );
    expect(shareOutside).toBe(outside.length / width);
    const training = Array.from({ length: 2_400 }, (_, i) => row(600 + i)[0]!).sort((a, b) => a - b);
    expect(reference.low[0]).toBe(training[2]);
    expect(reference.high[0]).toBe(training[Math.floor(0.999 * 2_399)]);
  });

  it("names the limits and the farthest feature when a row is a stranger", () => {
    const features = row(3_500);
    features[0] = 0.4;
    const score = scoreRow(reference, normaliser, names, features);
    expect(score.worst).toBe("logReturn1");
    expect(outsideSentence(score, reference)).toMatch(
      /^out of distribution: \d+ % of the features outside .* distance \d+\.\d \(limit \d+\.\d\), farthest is logReturn1$/,
    );
  });
});

describe("critical features", () => {
  it("are missing when their presence flag is 0, and core-v1 names none", () => {
    const full = new Float64Array(CORE_V2.columns.length).fill(1);
    expect(missingCritical(CORE_V2, full)).toEqual([]);
    full[CORE_V2.columns.findIndex(({ name }) => name === "h4Present")] = 0;
    expect(missingCritical(CORE_V2, full)).toEqual(["h4Present"]);
    expect(missingCritical(CORE_V1, new Float64Array(CORE_V1.columns.length))).toEqual([]);
  });

  it("are missing while their feed is stale: the hold names them, and ends with the next point", () => {
    const hour = 3_600_000;
    const columns = CORE_V2.columns.filter(({ feed }) => feed === "funding");
    const spec = { ...CORE_V2, id: "funded", columns, warmupBars: 30, critical: ["fundingPresent"] };
    const bars = randomWalk(400, hour, 5, 0);
    const close = (row: number) => bars.openTimeMs[row]! + hour;
    const sides = {
      funding: { availableAtMs: Float64Array.of(close(100), close(200)), value: Float64Array.of(1e-4, 2e-4) },
    };
    const { width, values } = computeFeatures(bars, spec, { timeframe: "1h", sides });
    const missing = (row: number) => missingCritical(spec, values, row * width);
    const held = Array.from({ length: 400 - 30 }, (_, i) => missing(30 + i).length > 0);
    const present = (row: number) => {
      const age = bars.openTimeMs[row]! + hour - (row >= 200 ? close(200) : close(100));
      return row >= 100 && age <= 24 * hour;
    };
    expect(held).toEqual(Array.from({ length: 400 - 30 }, (_, i) => !present(30 + i)));
    expect(missing(99)).toEqual(["fundingPresent"]);
  });

  it("names only columns that the set has", () => {
    const names = CORE_V2.columns.map(({ name }) => name);
    expect(CORE_V2.critical!.filter((name) => !names.includes(name))).toEqual([]);
  });
});
