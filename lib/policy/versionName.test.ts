import { expect, test } from "vitest";
import { type VersionMaking, versionName } from "./versionName";

const MADE: VersionMaking = {
  algorithm: "ppo",
  timeframe: "15m",
  steps: 300_000,
  seed: 1,
  datasetHash: "ed594e88",
};

test("a version's name says what it was made from", () => {
  expect(versionName(MADE)).toBe("ppo-15m-300k-s1-ed594e");
  expect(versionName({ ...MADE, steps: 1_500_000, hyperparameters: { gamma: 0.98 } })).toBe(
    "ppo-15m-1.5M-gamma=0.98-s1-ed594e",
  );
  expect(versionName({ ...MADE, steps: 1_234 })).toBe("ppo-15m-1234-s1-ed594e");
});

test("whatever differs in the making differs in the name", () => {
  const many = { gamma: 0.98, learningRate: 0.001, clip: 0.1 };
  const variants: VersionMaking[] = [
    MADE,
    { ...MADE, algorithm: "dqn" },
    { ...MADE, timeframe: "5m" },
    { ...MADE, steps: 300_001 },
    { ...MADE, seed: 2 },
    { ...MADE, datasetHash: "d3bd4feb" },
    { ...MADE, hyperparameters: { gamma: 0.98 } },
    { ...MADE, hyperparameters: { gamma: 0.97 } },
    { ...MADE, hyperparameters: many },
    { ...MADE, hyperparameters: { ...many, gamma: 0.97 } },
  ];
  expect(new Set(variants.map(versionName)).size).toBe(variants.length);
});

test("the order in which settings were given does not change the name", () => {
  const one = versionName({ ...MADE, hyperparameters: { a: 1, b: 2 } });
  expect(versionName({ ...MADE, hyperparameters: { b: 2, a: 1 } })).toBe(one);
});
