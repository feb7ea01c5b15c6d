import { describe, expect, test } from "vitest";
import { DAILY_CONVENTION } from "./dailyReturns";
import { DEFAULT_GATE_POLICY } from "./gates";
import { evaluateWalkForwardGates, type TrialLedger, trialsAllowed } from "./walkForwardGates";
import type { SeriesSummary, WalkForwardSummary } from "./walkForwardSummary";

/** Annual Sharpe 2.5 on 250 days, skew -3, raw kurtosis 10, over 1,250 days: the deflated Sharpe's worked case. */
const GOLDEN: SeriesSummary["sharpe"] = {
  convention: DAILY_CONVENTION,
  perObservation: 2.5 / Math.sqrt(250),
  annualised: 2.5,
  ...{ observations: 1_250, skew: -3, kurtosis: 10 },
};
const VARIANCE = 0.5 / 250;

function series(subject: string, netPnlUsd: number): SeriesSummary {
  return {
    subject,
    netPnlUsd,
    netReturnFraction: netPnlUsd / 10_000,
    foldNetPnlUsd: [netPnlUsd],
    sharpe: GOLDEN,
    ...{ maxDrawdownFraction: 0.1, tradeCount: 100, winRate: 0.6, liquidations: 0 },
  };
}

const SUMMARY: WalkForwardSummary = {
  seeds: [1, 2, 3, 4, 5].map((seed) => series(`seed:${seed}`, 100 * seed)),
  medianSubject: "seed:3",
  netPnlUsd: { median: 300, mean: 300, deviation: 158, worst: 100, best: 500 },
  worstDrawdownFraction: 0.1,
  ...{ profitableFolds: 4, folds: 4 },
  stress: [
    { costMultiplier: 1, medianNetPnlUsd: 300, worstNetPnlUsd: 100 },
    { costMultiplier: 2, medianNetPnlUsd: 200, worstNetPnlUsd: 50 },
  ],
  lagKeptFraction: 0.9,
  baselines: [],
  champion: series("champion:1", 250),
  superiority: [{ against: "flat", pConsistent: 0.01 }],
  ...{ entropy: 0.5, calibrationError: 0.02 },
};
const PROBES = (["causality", "shuffledReturns", "plantedSignal"] as const).map((probe) => ({
  probe,
  passed: true,
  sentence: "clean",
}));
const LEDGER: TrialLedger = {
  trialCount: 46,
  sharpeVariance: VARIANCE,
  overfitting: { configurations: 9, pbo: 0.1 },
};
const judge = (
  summary: Partial<WalkForwardSummary> = {},
  ledger: Partial<TrialLedger> = {},
  probes = PROBES,
) =>
  evaluateWalkForwardGates(
    { ...SUMMARY, ...summary },
    probes,
    { ...LEDGER, ...ledger },
    DEFAULT_GATE_POLICY.walkForward,
  );
const failing = (...given: Parameters<typeof judge>) => judge(...given).filter(({ passed }) => !passed);

describe("the gates of a walk-forward", () => {
  test("golden: 46 trials are the most that the worked case bears, and 47 refuse it with that number", () => {
    expect(trialsAllowed(GOLDEN, VARIANCE, 0.95)).toBe(46);
    expect(failing()).toEqual([]);
    const [refused] = failing({}, { trialCount: 88 });
    expect(refused).toMatchObject({ gate: "walkForwardDsr", threshold: 0.95 });
    expect(refused!.sentence).toBe(
      "Out-of-sample deflated Sharpe 0.91 is below 0.95: 46 trials allowed, you ran 88.",
    );
    expect(judge({}, { trialCount: 100 }).find(({ gate }) => gate === "walkForwardDsr")!.value).toBeCloseTo(
      0.900397,
      6,
    );
  });

  test("name the convention of every figure that has more than one", () => {
    const named = Object.fromEntries(judge().map(({ gate, convention }) => [gate, convention]));
    expect(named).toMatchObject({
      walkForwardDsr: expect.stringContaining("bailey-lopez-de-prado-2012/variance-at-observed-sharpe/T-1"),
      walkForwardPbo: expect.stringContaining("cscv/sharpe-ddof1/tie-counts-as-overfit"),
      walkForwardSpa: expect.stringContaining("hansen-2005-spa/consistent/studentised"),
      trackRecord: expect.stringContaining("bailey-lopez-de-prado-2012"),
      calibration: expect.stringContaining("expected-calibration-error/equal-width-bins"),
    });
    for (const gate of ["walkForwardDsr", "walkForwardPbo", "walkForwardSpa", "trackRecord"]) {
      expect(named[gate]).toContain(DAILY_CONVENTION);
    }
  });

  test.each([
    ["walkForward", { folds: 3 }, "Walk-forward folds 3 is below 4."],
    ["seeds", { seeds: SUMMARY.seeds.slice(1) }, "Seeds trained 4 is below 5."],
    [
      "walkForwardCosts",
      { stress: [SUMMARY.stress[0]!] },
      "Out-of-sample net PnL with 2 times the costs cannot be computed; the gate needs 0.00 USD.",
    ],
    [
      "walkForwardSpa",
      { superiority: [...SUMMARY.superiority, { against: "buyAndHold", pConsistent: 0.0501 }] },
      "Superiority p against buyAndHold 0.0501 is above 0.0500.",
    ],
    [
      "walkForwardSpa",
      { superiority: [{ against: "flat", pConsistent: null }] },
      "Superiority over the baselines cannot be computed; the gate needs 0.05.",
    ],
    [
      "worstSeedDrawdown",
      { worstDrawdownFraction: 0.2501 },
      "Worst seed's drawdown 25.01 % is above 25.00 %.",
    ],
    ["lagProbe", { lagKeptFraction: 0.69 }, "Share of the edge kept one bar late 69.0 % is below 70.0 %."],
    ["entropy", { entropy: 0.0099 }, "Mean action entropy 0.0099 nats is below 0.0100 nats."],
    ["entropy", { entropy: 1.098 }, "Mean action entropy 1.098 nats is above 1.090 nats."],
    [
      "calibration",
      { calibrationError: null },
      "Calibration error of the stated confidence cannot be computed; the gate needs 5.0 %.",
    ],
    [
      "beatsChampion",
      { champion: series("champion:1", 300) },
      "Net PnL over the champion's on the same folds 0.00 USD equals the limit, which is not enough.",
    ],
  ] as [string, Partial<WalkForwardSummary>, string][])(
    "refuse for %s alone: %j",
    (gate, change, sentence) => {
      expect(failing(change)).toMatchObject([{ gate, sentence }]);
    },
  );

  test("refuse where selection overfitted, and where a probe failed or was not run", () => {
    const overfit = failing({}, { overfitting: { configurations: 9, pbo: 0.2001 } });
    expect(overfit).toMatchObject([
      {
        gate: "walkForwardPbo",
        sentence: "Probability of backtest overfitting over 9 configurations 0.2001 is above 0.2000.",
      },
    ]);
    expect(failing({}, {}, PROBES.slice(1))).toMatchObject([
      { gate: "probes", sentence: "Not run: causality." },
    ]);
  });
});
