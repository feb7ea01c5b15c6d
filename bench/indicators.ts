/**
 * Indicators over 500,000 bars: the kernel beside `technicalindicators` on the same bars, in the same run.
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

const results: number[] = [];
const own = () => {
  results.length = 0;
  for (const [name, params] of PAIRS) {
    for (const column of Object.values(computeIndicator(name, columns, params))) results.push(column.at(-1)!);
  }
};
const theirs = () => {
  results.length = 0;
  for (const [, , run] of PAIRS) results.push(run().length);
};

function measure(run: () => void, rounds: number): { ms: number; hash: string } {
  run();
  const samples = Array.from({ length: rounds }, () => {
    const started = performance.now();
    run();
    return performance.now() - started;
  });
  return { ms: median(samples), hash: hashNumbers(results) };
}

const label = `${PAIRS.length} indicators, ${BARS} bars`;
const ours = measure(own, ROUNDS);
printFigure({ name: label, value: ours.ms, unit: "ms", n: ROUNDS, resultHash: ours.hash });
const other = measure(theirs, ROUNDS);
printFigure({
  name: `${label}, technicalindicators`,
  value: other.ms,
  unit: "ms",
  n: ROUNDS,
  resultHash: other.hash,
});
const ratio = other.ms / ours.ms;
printFigure({ name: `${label}, times as fast`, value: ratio, unit: "x", n: ROUNDS, resultHash: ours.hash });
if (process.argv.includes("--each")) {
  for (const [name, params, run] of PAIRS) {
    const a = measure(() => void computeIndicator(name, columns, params), 3);
    const b = measure(() => void run(), 1);
    process.stderr.write(
      `${name} ${a.ms.toFixed(1)} ms, ${b.ms.toFixed(1)} ms, ${(b.ms / a.ms).toFixed(1)}x\n`,
    );
  }
}
