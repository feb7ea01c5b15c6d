import { describe, expect, it } from "vitest";
import { type Compared, comparisonRows } from "./rows";

const one = (changes: Partial<Compared["version"]>): Compared => ({
  version: {
    algorithm: "ppo",
    instrument: "XAUT-USDT",
    timeframe: "15m",
    seed: 7,
    stepsRequested: 500_000,
    environmentSteps: 500_000,
    datasetHash: "a".repeat(64),
    featureSetId: "core-v1",
    stepsPerSecond: 0,
    trainingSeconds: 0,
    finalMetrics: {},
    ...changes,
  },
  manifest: null,
  evaluation: null,
  walkForward: null,
});

describe("a comparison of versions", () => {
  it("marks the rows that differ and no other", () => {
    const rows = comparisonRows([one({}), one({ seed: 8, hyperparameters: { epochs: 4 } })]);
    expect(rows.filter((row) => row.differs).map((row) => [row.label, row.values])).toEqual([
      ["Seed", ["7", "8"]],
      ["epochs", ["—", "4"]],
    ]);
  });

  it("leaves out what no version has", () => {
    const labels = comparisonRows([one({}), one({})]).map((row) => row.label);
    expect(labels).not.toContain("Net PnL");
    expect(labels).not.toContain("Time");
  });
});
