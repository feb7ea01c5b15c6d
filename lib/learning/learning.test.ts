import { describe, expect, test } from "vitest";
import { emptySequence, extendSequence } from "../stats/confidenceSequence";
import { compareWithChampion } from "./comparison";
import { DEFAULT_LEARNING_POLICY, learningPolicyProblem } from "./policy";
import { shadowVerdict } from "./shadow";

const SHADOW = { ...DEFAULT_LEARNING_POLICY.shadow, minBars: 50, maxBars: 2_000 };

/** Bars of a difference that alternates around `mean`. */
function afterBars(bars: number, mean: number, swing = 0.0005) {
  let sequence = emptySequence();
  for (let i = 0; i < bars; i++) {
    sequence = extendSequence(sequence, mean + (i % 2 === 0 ? swing : -swing), SHADOW);
  }
  return shadowVerdict(sequence, SHADOW);
}

describe("the verdict on a shadow", () => {
  test("waits for the least number of bars, however good the difference", () => {
    expect(afterBars(49, 0.004).verdict).toBe("continue");
    expect(afterBars(49, 0.004).sentence).toContain("no verdict before 50 bars");
  });
  test("promotes when the whole interval is above minus the tolerance, and rejects when it is below", () => {
    expect(afterBars(600, 0.002).verdict).toBe("promote");
    expect(afterBars(600, -0.002).verdict).toBe("reject");
  });
  test("goes on while it cannot tell, and ends as rejected after the longest shadow", () => {
    expect(afterBars(300, -0.0001).verdict).toBe("continue");
    const last = afterBars(2_000, -0.0001);
    expect(last.verdict).toBe("reject");
    expect(last.sentence).toContain("after the longest shadow of 2000 bars");
  });
});

describe("a comparison with the champion", () => {
  const champion = {
    ...{ netPnlUsd: 100, winRate: 0.5, maxDrawdownFraction: 0.1, tradeCount: 40 },
    sharpe: { perObservation: 0.1, observations: 200, skew: 0, kurtosis: 3 },
  };
  test("says every measure and its difference in a sentence", () => {
    const deltas = compareWithChampion({ ...champion, netPnlUsd: 130.5, winRate: 0.45 }, champion, {
      trialCount: 3,
      sharpeVariance: 0.005,
    });
    expect(deltas.map(({ measure }) => measure)).toEqual([
      "netPnlUsd",
      "winRate",
      "maxDrawdownFraction",
      "tradeCount",
      "deflatedSharpe",
    ]);
    expect(deltas[0]!.sentence).toBe("Net PnL 130.50 USD is 30.50 USD above the champion's 100.00 USD.");
    expect(deltas[1]!.sentence).toBe("Win rate 45.0 % is 5.0 % below the champion's 50.0 %.");
    expect(deltas[4]).toMatchObject({ delta: 0 });
  });
});

describe("a learning policy", () => {
  const changed = (change: object) => learningPolicyProblem({ ...DEFAULT_LEARNING_POLICY, ...change });
  test("that ships with the desk is off and sound", () => {
    expect(DEFAULT_LEARNING_POLICY.enabled).toBe(false);
    expect(changed({})).toBeNull();
  });
  test("names the number that means nothing", () => {
    expect(changed({ cadenceHours: 0 })?.field).toBe("cadenceHours");
    expect(changed({ seeds: [] })?.field).toBe("seeds");
    const { shadow, drift } = DEFAULT_LEARNING_POLICY;
    expect(changed({ shadow: { ...shadow, minBars: 9_000 } })?.field).toBe("shadow.minBars");
    expect(changed({ shadow: { ...shadow, minBars: 1.5 } })?.field).toBe("shadow.minBars");
    expect(changed({ drift: { ...drift, sizeFactor: 2 } })?.field).toBe("drift.sizeFactor");
    expect(changed({ drift: { ...drift, windowBars: 50.5 } })?.field).toBe("drift.windowBars");
    expect(changed({ drift: { ...drift, warning: { enter: 0.3, leave: 0.3 } } })?.field).toBe(
      "drift.warning",
    );
    expect(changed({ drift: { ...drift, alarm: { enter: 0.4, leave: 0.3 } } })?.field).toBe("drift.alarm");
  });
});
