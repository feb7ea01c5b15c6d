import { expect, test } from "vitest";
import { summariseSeries, type WalkForwardSlice } from "./walkForwardSummary";

const DAY_MS = 86_400_000;

function slice(fold: number, returns: number[], maxDrawdownFraction: number): WalkForwardSlice {
  const costs = { feesUsd: 0, slippageUsd: 0, fundingUsd: 0 };
  return {
    subject: "seed:1",
    fold,
    costMultiplier: 1,
    lagBars: 0,
    performance: {
      ...{ netPnlUsd: 0, tradeCount: 0, winRate: 0, liquidations: 0, stops: 0, costs },
      maxDrawdownFraction,
    },
    daily: { dayMs: returns.map((_, i) => (fold * returns.length + i) * DAY_MS), returns },
    entropy: null,
    calibrationError: null,
  };
}

test("a series' drawdown is the deepest there was: within a day, or over the days of several folds", () => {
  const within = [slice(0, [0.01, 0.01], 0.3), slice(1, [0.01, 0.01], 0.02)];
  expect(summariseSeries("seed:1", within).maxDrawdownFraction).toBe(0.3);
  const across = [slice(0, [0.01, -0.1], 0.1), slice(1, [-0.1, 0.01], 0.1)];
  expect(summariseSeries("seed:1", across).maxDrawdownFraction).toBeCloseTo(0.19, 12);
});
