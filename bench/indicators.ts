/**
 * Indicators over 500,000 bars: the kernel beside `technicalindicators` on the same bars, in the same run. All
 * that both have; first their sums, then each by itself.
 *   npx tsx bench/indicators.ts [bars]
 */
import * as rival from "technicalindicators";
import { computeIndicator, type IndicatorName } from "../lib/indicators/catalogue";
import { randomWalk } from "../lib/market/randomWalk.fixture";
import { hashNumbers, median, printFigure } from "./lib/figure";

const BARS = Number(process.argv[2] ?? 500_000);
const ROUNDS = 3;
const columns = randomWalk(BARS, 60_000, 7);
const high = Array.from(columns.high);
const low = Array.from(columns.low);
const close = Array.from(columns.close);
const volume = Array.from(columns.volume);

/** The same indicators with the same parameters on both sides. */
const PAIRS: Array<[IndicatorName, Record<string, number>, () => unknown[]]> = [
  ["SMA", { period: 20 }, () => rival.SMA.calculate({ period: 20, values: close })],
  ["EMA", { period: 20 }, () => rival.EMA.calculate({ period: 20, values: close })],
  ["WMA", { period: 20 }, () => rival.WMA.calculate({ period: 20, values: close })],
  ["RSI", { period: 14 }, () => rival.RSI.calculate({ period: 14, values: close })],
  [
    "MACD",
    { fast: 12, slow: 26, signal: 9 },
    () =>
      rival.MACD.calculate({
        ...{ values: close, fastPeriod: 12, slowPeriod: 26, signalPeriod: 9 },
        ...{ SimpleMAOscillator: false, SimpleMASignal: false },
      }),
  ],
  [
    "BBANDS",
    { period: 20, width: 2 },
    () => rival.BollingerBands.calculate({ period: 20, stdDev: 2, values: close }),
  ],
  ["STDDEV", { period: 20 }, () => rival.SD.calculate({ period: 20, values: close })],
  ["ROC", { period: 12 }, () => rival.ROC.calculate({ period: 12, values: close })],
  ["TRIX", { period: 18 }, () => rival.TRIX.calculate({ period: 18, values: close })],
  [
    "STOCHRSI",
    { period: 14, fastK: 14, fastD: 3 },
    () =>
      rival.StochasticRSI.calculate({
        ...{ values: close, rsiPeriod: 14, stochasticPeriod: 14, kPeriod: 1, dPeriod: 3 },
      }),
  ],
  ["MAX", { period: 14 }, () => rival.Highest.calculate({ period: 14, values: close })],
  ["MIN", { period: 14 }, () => rival.Lowest.calculate({ period: 14, values: close })],
  ["SUM", { period: 20 }, () => rival.sum({ period: 20, values: close })],
  ["TRANGE", {}, () => rival.TrueRange.calculate({ high, low, close })],
  ["ATR", { period: 14 }, () => rival.ATR.calculate({ period: 14, high, low, close })],
  ["ADX", { period: 14 }, () => rival.ADX.calculate({ period: 14, high, low, close })],
  ["CCI", { period: 20 }, () => rival.CCI.calculate({ period: 20, high, low, close })],
  ["WILLR", { period: 14 }, () => rival.WilliamsR.calculate({ period: 14, high, low, close })],
  [
    "STOCH",
    { fastK: 14, slowK: 1, slowD: 3 },
    () => rival.Stochastic.calculate({ period: 14, signalPeriod: 3, high, low, close }),
  ],
  ["SAR", {}, () => rival.PSAR.calculate({ step: 0.02, max: 0.2, high, low })],
  ["OBV", {}, () => rival.OBV.calculate({ close, volume })],
  ["AD", {}, () => rival.ADL.calculate({ high, low, close, volume })],
  ["MFI", { period: 14 }, () => rival.MFI.calculate({ period: 14, high, low, close, volume })],
];

interface Timed {
  /** Milliseconds of each pair in each round. */
  ms: number[][];
  hash: string;
}

/** Runs `job` for every pair, `ROUNDS` times after one round that warms up; it gives a figure of its result. */
function measure(job: (pair: (typeof PAIRS)[number]) => number): Timed {
  const ms: number[][] = PAIRS.map(() => []);
  const results: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    PAIRS.forEach((pair, p) => {
      const started = performance.now();
      const result = job(pair);
      if (round > 0) ms[p]!.push(performance.now() - started);
      results.push(result);
    });
  }
  return { ms, hash: hashNumbers(results) };
}

const own = measure(([name, params]) =>
  Object.values(computeIndicator(name, columns, params)).reduce((sum, column) => sum + column.at(-1)!, 0),
);
const other = measure(([, , run]) => run().length);

const total = ({ ms }: Timed) =>
  median(Array.from({ length: ROUNDS }, (_, round) => ms.reduce((sum, pair) => sum + pair[round]!, 0)));
const label = `${PAIRS.length} indicators, ${BARS} bars`;
const figure = (name: string, value: number, unit: string, { hash }: Timed) =>
  printFigure({ name, value, unit, n: ROUNDS, resultHash: hash });
figure(label, total(own), "ms", own);
figure(`${label}, technicalindicators`, total(other), "ms", other);
figure(`${label}, times as fast`, total(other) / total(own), "x", own);
PAIRS.forEach(([name], p) => {
  const ours = median(own.ms[p]!);
  figure(`${name}, ${BARS} bars`, ours, "ms", own);
  figure(
    `${name}, ${BARS} bars, times as fast as technicalindicators`,
    median(other.ms[p]!) / ours,
    "x",
    own,
  );
});
