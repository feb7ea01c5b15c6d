import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  deflatedSharpe,
  expectedMaximumSharpe,
  minimumTrackRecord,
  probabilisticSharpe,
} from "./deflatedSharpe";
import { effectiveRank } from "./effectiveTrials";
import { expectedMaximum, maximumMoments, minimumBacktestYears } from "./expectedMaximum";
import { moments } from "./moments";
import { normalCdf, normalInverse } from "./normal";
import { maxDrawdown, returnsFromEquity, sharpeFromEquity } from "./returns";
import {
  criticalSharpe,
  deflatedSharpe2025,
  designForFalseDiscoveryRate,
  falseDiscoveryRate,
  minimumTrackRecord2025,
  probabilisticSharpe2025,
  sharpeDeviation,
  sharpePower,
} from "./sharpe2025";

/** Golden numbers are given to this many decimals at least; several wrong variants land within 0.002. */
const DIGITS = 4;

describe("normal distribution", () => {
  it("meets published values far into the tail", () => {
    expect(normalCdf(0)).toBe(0.5);
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 14);
    expect(normalCdf(-6) / 9.865876450376981e-10).toBeCloseTo(1, 8);
    expect(normalCdf(-10) / 7.61985302416053e-24).toBeCloseTo(1, 8);
    expect(normalInverse(0.975)).toBeCloseTo(1.959963984540054, 14);
    expect(normalInverse(1e-10)).toBeCloseTo(-6.361340902404056, 12);
    expect(normalInverse(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(normalInverse(1.1)).toBeNaN();
  });

  it("inverts: Φ(Φ⁻¹(p)) = p", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true }), (p) => {
        expect(Math.abs(normalCdf(normalInverse(p)) - p)).toBeLessThan(1e-14);
      }),
    );
  });
});

describe("probabilistic Sharpe ratio (2012)", () => {
  const normal = { skew: 0, kurtosis: 3 };
  const skewed = { skew: -2.448, kurtosis: 10.164 };

  it.each([
    [0.458, 24, normal, 0.98168],
    [0.458, 24, skewed, 0.91336],
    [0.458, 36, skewed, 0.95351],
    [0.036 / 0.079, 24, normal, 0.98124],
    [0.036 / 0.079, 24, skewed, 0.91271],
  ])("SR %d over %d observations with %j gives %d", (sharpe, observations, shape, expected) => {
    expect(probabilisticSharpe({ sharpe, observations, ...shape })).toBeCloseTo(expected, DIGITS);
  });

  it("claims nothing from fewer than two observations or impossible moments", () => {
    expect(probabilisticSharpe({ sharpe: 5, observations: 1, ...normal })).toBe(0);
    expect(probabilisticSharpe({ sharpe: 1, observations: 9, skew: 9, kurtosis: 3 })).toBeNaN();
  });
});

describe("expected maximum of N trials", () => {
  it.each([
    [2, 0.5198],
    [5, 1.1926],
    [7, 1.3868],
    [10, 1.5746],
    [45, 2.2356],
    [46, 2.2442],
    [88, 2.4853],
    [100, 2.5306],
    [1000, 3.2551],
  ])("N = %d gives %d", (trials, expected) => {
    expect(expectedMaximum(trials)).toBeCloseTo(expected, DIGITS);
  });

  it("is exact where it integrates", () => {
    expect(maximumMoments(10).mean).toBeCloseTo(1.53875, 5);
    expect(maximumMoments(100).mean).toBeCloseTo(2.50759, 5);
    expect(maximumMoments(10).variance).toBeCloseTo(0.34434, 5);
    expect(maximumMoments(100).variance).toBeCloseTo(0.1844, DIGITS);
    expect(maximumMoments(1).variance).toBeCloseTo(1, 9);
    expect(expectedMaximum(1)).toBe(0);
  });
});

describe("deflated Sharpe ratio (2014)", () => {
  const variance = 0.5 / 250;
  const sample = { sharpe: 2.5 / Math.sqrt(250), observations: 1250, skew: -3, kurtosis: 10 };

  it("reproduces the published cases", () => {
    expect(sample.sharpe).toBeCloseTo(0.158114, 6);
    expect(expectedMaximumSharpe(100, variance)).toBeCloseTo(0.113172, 6);
    expect(deflatedSharpe(sample, 100, variance)).toBeCloseTo(0.900397, 6);
    expect(deflatedSharpe(sample, 46, variance)).toBeCloseTo(0.950502, 6);
    expect(deflatedSharpe(sample, 47, variance)).toBeLessThan(0.95);
    expect(deflatedSharpe({ ...sample, skew: 0, kurtosis: 3 }, 88, variance)).toBeCloseTo(0.950491, 6);
  });

  it("is neither of the usual mistakes: excess kurtosis, annualised Sharpe, variance at the null", () => {
    expect(deflatedSharpe({ ...sample, kurtosis: 7 }, 100, variance)).toBeCloseTo(0.901778, 5);
    expect(deflatedSharpe({ ...sample, sharpe: 2.5 }, 100, 0.5)).toBeCloseTo(0.99999994, 7);
    const nullSharpe = expectedMaximumSharpe(100, variance);
    const shape = { ...sample, autocorrelation: 0 };
    expect(probabilisticSharpe2025(sample.sharpe, nullSharpe, shape)).toBeCloseTo(0.912823, 6);
  });

  it("counts correlated trials by effective rank", () => {
    const correlated = [
      [1, 0.1, 0.7],
      [0.1, 1, 0.8],
      [0.7, 0.8, 1],
    ];
    expect(effectiveRank(correlated)).toBeCloseTo(1.8402, 6);
    expect(effectiveRank(correlated.slice(0, 2).map((row) => row.slice(0, 2)))).toBeCloseTo(1.990008, 6);
    const identity = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ];
    expect(effectiveRank(identity)).toBeCloseTo(3, 12);
    expect(() =>
      effectiveRank([
        [1, 2],
        [3, 1],
      ]),
    ).toThrow(/symmetric/);
  });
});

describe("2025 revision", () => {
  const sharpe = 0.455696;
  const at = (autocorrelation: number) => ({
    observations: 24,
    skew: -2.448,
    kurtosis: 10.164,
    autocorrelation,
  });

  it.each([
    [0, 0.329, 0.987, 0.939, 0.262, 0.758, 0.543, 0.173],
    [0.2, 0.379, 0.966, 0.9, 0.32, 0.676, 0.571, 0.361],
  ])(
    "reproduces the worked data at autocorrelation %d",
    (rho, deviation, psr0, psr1, critical, power, planned, observed) => {
      const shape = at(rho);
      expect(sharpeDeviation(sharpe, shape)).toBeCloseTo(deviation, 3);
      expect(probabilisticSharpe2025(sharpe, 0, shape)).toBeCloseTo(psr0, 3);
      expect(probabilisticSharpe2025(sharpe, 0.1, shape)).toBeCloseTo(psr1, 3);
      const level = criticalSharpe(0, 0.1, shape);
      expect(level).toBeCloseTo(critical, 3);
      expect(sharpePower(level, 0.5, shape)).toBeCloseTo(power, 3);
      expect(falseDiscoveryRate(0.1, sharpePower(level, 0.5, shape), 0.1)).toBeCloseTo(planned, 3);
      const pValue = 1 - probabilisticSharpe2025(sharpe, 0, shape);
      expect(falseDiscoveryRate(pValue, sharpePower(sharpe, 0.5, shape), 0.1)).toBeCloseTo(observed, 3);
    },
  );

  it("gives the published track records, design point and deflated values", () => {
    const shape = at(0);
    expect(sharpeDeviation(sharpe, { ...shape, skew: 0, kurtosis: 3 })).toBeCloseTo(0.214, 3);
    expect(minimumTrackRecord2025(sharpe, 0, shape, 0.05)).toBeCloseTo(13.029, 3);
    expect(minimumTrackRecord2025(sharpe, 0, shape, 0.1)).toBeCloseTo(7.909, 3);
    expect(minimumTrackRecord2025(sharpe, 0.1, shape, 0.1)).toBeCloseTo(16.456, 3);
    expect(minimumTrackRecord2025(sharpe, 0, at(0.2), 0.1)).toBeCloseTo(11.863, 2);
    expect(minimumTrackRecord2025(sharpe, 0.1, at(0.2), 0.1)).toBeCloseTo(23.899, 3);
    expect(1 - sharpePower(criticalSharpe(0, 0.05, shape), 0.5, shape)).toBeCloseTo(0.315, 3);
    const pValue = 1 - probabilisticSharpe2025(sharpe, 0, shape);
    expect(falseDiscoveryRate(pValue, sharpePower(sharpe, 0.5, shape), 0.05)).toBeCloseTo(0.306, 3);
    const design = designForFalseDiscoveryRate({
      targetRate: 0.25,
      benchmark: 0,
      alternative: 0.5,
      priorTrue: 0.1,
      shape,
    });
    expect(design.alpha).toBeCloseTo(0.0224, DIGITS);
    expect(design.beta).toBeCloseTo(0.396, 3);
    expect(design.criticalSharpe).toBeCloseTo(0.41, 3);
    expect(Math.sqrt(0.1) * expectedMaximum(10)).toBeCloseTo(0.498, 3);
    expect(deflatedSharpe2025(sharpe, 10, 0.1, shape).plain).toBeCloseTo(0.451, 3);
    expect(deflatedSharpe2025(sharpe, 10, 0.1, shape).adjusted).toBeCloseTo(0.416, 3);
    expect(deflatedSharpe2025(sharpe, 10, 0.1, at(0.2)).adjusted).toBeCloseTo(0.427, 3);
  });
});

describe("minimum track record and backtest length", () => {
  it.each([
    [252, 0, 3, 688.208, 2.731],
    [52, 0, 3, 147.099, 2.829],
    [12, 0, 3, 38.878, 3.24],
    [12, -0.72, 5.78, 59.895, 4.991],
  ])("annual Sharpe 2 against 1 at %d observations a year", (perYear, skew, kurtosis, expected, years) => {
    const sample = { sharpe: 2 / Math.sqrt(perYear), skew, kurtosis };
    const length = minimumTrackRecord(sample, 1 / Math.sqrt(perYear), 0.95);
    expect(length).toBeCloseTo(expected, 3);
    expect(length / perYear).toBeCloseTo(years, 3);
    expect(minimumTrackRecord(sample, sample.sharpe, 0.95)).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    [7, 1.923, 3.892],
    [10, 2.479, 4.605],
    [45, 4.998, 7.613],
    [100, 6.404, 9.21],
    [1000, 10.596, 13.816],
  ])("%d trials need %d years, at most %d", (trials, years, bound) => {
    expect(minimumBacktestYears(trials, 1).years).toBeCloseTo(years, 3);
    expect(minimumBacktestYears(trials, 1).bound).toBeCloseTo(bound, 3);
  });
});

describe("returns, drawdown and Sharpe", () => {
  it("computes returns and the deepest fall with where it lies", () => {
    expect([...returnsFromEquity([100, 110, 99, 0, 0])]).toEqual([110 / 100 - 1, 99 / 110 - 1, -1, 0]);
    const fall = maxDrawdown([100, 120, 90, 130, 104, 140]);
    expect(fall).toEqual({ maxDrawdownFraction: 0.25, peakIndex: 1, troughIndex: 2 });
    expect(maxDrawdown([]).maxDrawdownFraction).toBe(0);
    expect(() => returnsFromEquity([1, Number.NaN])).toThrow(/index 1/);
  });

  it("takes sample moments with ddof 1 and raw kurtosis", () => {
    const sample = moments([2, 4, 4, 4, 5, 5, 7, 9]);
    expect(sample.mean).toBe(5);
    expect(sample.deviation).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(sample.skew).toBeCloseTo(0.65625, 12);
    expect(sample.kurtosis).toBeCloseTo(2.78125, 12);
    expect(moments([0.1, 0.1, 0.1])).toMatchObject({ deviation: 0, skew: 0, kurtosis: 3 });
  });

  it("annualises by the bars that were observed, and names its convention", () => {
    const day = 24 * 3_600_000;
    const sharpe = sharpeFromEquity([100, 101, 100, 102], [0, day, 2 * day, 5 * day]);
    const returns = [0.01, 100 / 101 - 1, 0.02];
    const mean = returns.reduce((sum, value) => sum + value, 0) / 3;
    const deviation = Math.sqrt(returns.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2);
    expect(sharpe.perObservation).toBeCloseTo(mean / deviation, 12);
    expect(sharpe.observationsPerYear).toBeCloseTo((3 * 365.25) / 5, 10);
    expect(sharpe.annualised).toBeCloseTo((mean / deviation) * Math.sqrt((3 * 365.25) / 5), 10);
    expect(sharpe.convention).toContain("ddof1");
    expect(sharpeFromEquity([100, 100, 100], [0, 1, 2]).annualised).toBe(0);
  });

  it("does not change with the size of the account", () => {
    const equity = fc.array(fc.integer({ min: 5_000, max: 15_000 }), { minLength: 3, maxLength: 30 });
    fc.assert(
      fc.property(equity, fc.double({ min: 0.1, max: 100, noNaN: true }), (values, scale) => {
        const times = values.map((_, i) => i * 60_000);
        const one = sharpeFromEquity(values, times).perObservation;
        const other = sharpeFromEquity(
          values.map((value) => value * scale),
          times,
        ).perObservation;
        expect(Math.abs(one - other)).toBeLessThan(1e-6 * (1 + Math.abs(one)));
        const fall = maxDrawdown(values).maxDrawdownFraction;
        expect(fall).toBeGreaterThanOrEqual(0);
        expect(fall).toBeLessThan(1);
      }),
    );
  });
});
