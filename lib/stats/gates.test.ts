import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { atLeast, nats, percent, twoDigits, usd } from "./gateResult";
import { allGatesPass, DEFAULT_GATE_POLICY, evaluateGates, type GateSubject } from "./gates";
import { SHARPE_CONVENTION } from "./returns";

function subject(change: Partial<GateSubject> = {}): GateSubject {
  return {
    tradeCount: 40,
    winRate: 0.6,
    netPnlUsd: 500,
    maxDrawdownFraction: 0.1,
    liquidations: 0,
    sharpe: {
      convention: SHARPE_CONVENTION,
      perObservation: 0.1,
      annualised: 5,
      observations: 2_000,
      observationsPerYear: 2_500,
      skew: 0,
      kurtosis: 3,
    },
    baselines: {
      flat: { netPnlUsd: 0 },
      buyAndHold: { netPnlUsd: 499.99 },
      momentum: { netPnlUsd: -20 },
      random: { netPnlUsd: -300 },
    },
    ...change,
  };
}

const failing = (change: Partial<GateSubject>, trials = 12, variance = 0.0001) =>
  evaluateGates(subject(change), trials, variance).filter((gate) => !gate.passed);

describe("promotion gates", () => {
  it("pass a sound subject, every gate with value, threshold and sentence", () => {
    const results = evaluateGates(subject(), 12, 0.0001);
    expect(allGatesPass(results)).toBe(true);
    expect(results).toHaveLength(7);
    expect(results[0]).toEqual({
      gate: "minTrades",
      passed: true,
      value: 40,
      threshold: 20,
      convention: null,
      sentence: "Trade count 40 is at or above 20.",
    });
    expect(allGatesPass([])).toBe(false);
  });

  it.each([
    ["minTrades", { tradeCount: 19 }, "Trade count 19 is below 20."],
    ["minWinRate", { winRate: 0.5 }, "Win rate 50.0 % is below 55.0 %."],
    ["maxDrawdown", { maxDrawdownFraction: 0.3 }, "Maximum drawdown 30.0 % is above 25.0 %."],
    ["maxLiquidations", { liquidations: 1 }, "Liquidations 1 is above 0."],
    [
      "beatsBaselines",
      { netPnlUsd: 400 },
      "Net PnL against the best baseline (buyAndHold): 400.00 USD is not above 499.99 USD.",
    ],
    [
      "beatsBaselines",
      { baselines: { flat: { netPnlUsd: 0 } } },
      "The baseline buyAndHold is missing from the report; evaluate again.",
    ],
  ] as Array<[string, Partial<GateSubject>, string]>)("refuse for %s alone", (gate, change, sentence) => {
    expect(failing(change)).toMatchObject([{ gate, passed: false, sentence }]);
  });

  it("refuse a net PnL of exactly zero", () => {
    const baselines = Object.fromEntries(
      DEFAULT_GATE_POLICY.beatsBaselines.map((name) => [name, { netPnlUsd: -1 }]),
    );
    expect(failing({ netPnlUsd: 0, baselines })).toMatchObject([{ gate: "minNetPnl" }]);
  });

  it("deflate by the number of trials: what one trial passes, many refuse, and the sentence counts them", () => {
    expect(failing({}, 1, 0)).toEqual([]);
    const refused = failing({}, 1_000, 0.001);
    expect(refused).toMatchObject([{ gate: "minDsr", threshold: 0.95 }]);
    expect(refused[0]!.sentence).toMatch(
      /^Deflated Sharpe 0\.\d\d is below 0\.95 with 1000 trials counted\.$/,
    );
    expect(refused[0]!.convention).toContain("2012");
  });

  it("fail closed on a value that is not finite and on trials that were not counted", () => {
    expect(failing({ winRate: Number.NaN })).toMatchObject([{ gate: "minWinRate", value: null }]);
    expect(failing({}, 0)).toMatchObject([{ gate: "minDsr", value: null }]);
    expect(failing({}, 12, Number.NaN)).toMatchObject([{ gate: "minDsr", value: null }]);
  });

  it.each([
    ["a share", { winRate: 0.5499 }, "Win rate 54.99 % is below 55.00 %."],
    ["a share just under", { winRate: 0.549999999 }, "Win rate 54.9999999 % is below 55.0000000 %."],
    [
      "money, both sides with cents that round alike",
      { netPnlUsd: 499.988, baselines: { ...subject().baselines, buyAndHold: { netPnlUsd: 499.991 } } },
      "Net PnL against the best baseline (buyAndHold): 499.988 USD is not above 499.991 USD.",
    ],
  ] as Array<[string, Partial<GateSubject>, string]>)(
    "show a near miss with the digits that tell it apart and its unit: %s",
    (_, change, sentence) => {
      expect(failing(change).map((gate) => gate.sentence)).toContain(sentence);
    },
  );

  it("say that a value equals its limit, and write no negative zero", () => {
    const flatOnly = { ...DEFAULT_GATE_POLICY, beatsBaselines: [] };
    const said = (change: Partial<GateSubject>) =>
      evaluateGates(subject(change), 1, 0, flatOnly).map((gate) => gate.sentence);
    expect(said({ tradeCount: 20 })).toContain("Trade count 20 equals the limit, which is enough.");
    expect(said({})).toContain("Liquidations 0 equals the limit, which is allowed.");
    expect(said({ netPnlUsd: -0 })).toContain(
      "Net PnL after costs 0.00 USD equals the limit, which is not enough.",
    );
    expect(said({ netPnlUsd: -0.001 })).toContain("Net PnL after costs -0.001 USD is not above 0.000 USD.");
  });

  it("never write a sentence whose two sides look equal, however close they are", () => {
    const shows = [percent, usd, twoDigits, nats];
    fc.assert(
      fc.property(
        fc.integer({ min: -1e9, max: 1e9 }).map((thousandths) => thousandths / 1_000),
        fc.double({ min: 1e-13, max: 1e-3, noNaN: true }),
        fc.constantFrom(...shows),
        (threshold, relative, show) => {
          const value = threshold - Math.abs(threshold) * relative;
          fc.pre(value !== threshold);
          const { passed, sentence } = atLeast("minDsr", "Figure", value, threshold, show);
          expect(passed).toBe(false);
          const [, left, right] = /^Figure (\S+).* is below (\S+)/.exec(sentence)!;
          expect(left).not.toBe(right);
          expect(Number.parseFloat(left!)).toBeLessThan(Number.parseFloat(right!));
        },
      ),
    );
  });
});
