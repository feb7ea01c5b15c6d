import * as averages from "./averages";
import * as momentum from "./momentum";
import * as oscillators from "./oscillators";
import * as prices from "./prices";
import * as range from "./range";
import { createSar } from "./sar";
import * as series from "./series";
import * as statistics from "./statistics";
import * as volume from "./volume";

export type BarField = "open" | "high" | "low" | "close" | "volume";

/** An indicator of the catalogue, whatever it reads and gives; see `indicator.ts`. */
export interface AnyIndicator {
  // biome-ignore lint/suspicious/noExplicitAny: each indicator names its own inputs and outputs in its entry.
  next(...inputs: number[]): any;
  // biome-ignore lint/suspicious/noExplicitAny: a column, or one for each output.
  batch(out: any, ...inputs: Float64Array[]): void;
}

/** One indicator: what it reads, what it gives and how it is made. Names and defaults are TA-Lib's. */
export interface IndicatorEntry {
  inputs: readonly BarField[];
  /** Empty when `next` gives the one value itself, else the fields of its object. */
  outputs: readonly string[];
  params: Readonly<Record<string, number>>;
  create(params: Readonly<Record<string, number>>): AnyIndicator;
}

type Make = (...params: number[]) => AnyIndicator;

/** `params` in the order in which `make` takes them. */
function entry(
  inputs: readonly BarField[],
  params: Record<string, number>,
  make: Make,
  outputs: readonly string[] = [],
): IndicatorEntry {
  const names = Object.keys(params);
  const create = (given: Readonly<Record<string, number>>) =>
    make(...names.map((name) => given[name] ?? params[name]!));
  return { inputs, outputs, params, create };
}

const CLOSE = ["close"] as const;
const HL = ["high", "low"] as const;
const HLC = ["high", "low", "close"] as const;
const HLCV = ["high", "low", "close", "volume"] as const;
const OHLC = ["open", "high", "low", "close"] as const;
const DIRECTION = ["adx", "plusDi", "minusDi", "dx", "plusDm", "minusDm"] as const;

/** Every indicator of the kernel by TA-Lib's name. */
export const INDICATORS = {
  SMA: entry(CLOSE, { period: 30 }, series.createSma),
  EMA: entry(CLOSE, { period: 30 }, series.createEma),
  WMA: entry(CLOSE, { period: 30 }, averages.createWma),
  DEMA: entry(CLOSE, { period: 30 }, averages.createDema),
  TEMA: entry(CLOSE, { period: 30 }, averages.createTema),
  TRIMA: entry(CLOSE, { period: 30 }, averages.createTrima),
  KAMA: entry(CLOSE, { period: 30 }, averages.createKama),
  T3: entry(CLOSE, { period: 5, factor: 0.7 }, averages.createT3),
  BBANDS: entry(CLOSE, { period: 20, width: 2 }, series.createBollinger, ["upper", "middle", "lower"]),
  RSI: entry(CLOSE, { period: 14 }, (period) => series.createRsi(period!)),
  CMO: entry(CLOSE, { period: 14 }, momentum.createCmo),
  MOM: entry(CLOSE, { period: 10 }, momentum.createMomentum),
  ROC: entry(CLOSE, { period: 10 }, momentum.createRoc),
  ROCP: entry(CLOSE, { period: 10 }, momentum.createRocFraction),
  ROCR: entry(CLOSE, { period: 10 }, momentum.createRocRatio),
  TRIX: entry(CLOSE, { period: 30 }, averages.createTrix),
  APO: entry(CLOSE, { fast: 12, slow: 26 }, averages.createApo),
  PPO: entry(CLOSE, { fast: 12, slow: 26 }, averages.createPpo),
  MACD: entry(CLOSE, { fast: 12, slow: 26, signal: 9 }, series.createMacd, ["macd", "signal", "histogram"]),
  STOCHRSI: entry(
    CLOSE,
    { period: 14, fastK: 5, fastD: 3 },
    (period, fastK, fastD) => momentum.createStochRsi(series.createRsi(period!), period!, fastK!, fastD!),
    ["k", "d"],
  ),
  STDDEV: entry(CLOSE, { period: 5, width: 1 }, statistics.createDeviation),
  VAR: entry(CLOSE, { period: 5 }, statistics.createVariance),
  LINEARREG: entry(CLOSE, { period: 14 }, statistics.createLinearRegression),
  LINEARREG_SLOPE: entry(CLOSE, { period: 14 }, statistics.createLinearSlope),
  LINEARREG_INTERCEPT: entry(CLOSE, { period: 14 }, statistics.createLinearIntercept),
  TSF: entry(CLOSE, { period: 14 }, statistics.createForecast),
  MAX: entry(CLOSE, { period: 30 }, statistics.createMax),
  MIN: entry(CLOSE, { period: 30 }, statistics.createMin),
  SUM: entry(CLOSE, { period: 30 }, statistics.createSum),
  MIDPOINT: entry(CLOSE, { period: 14 }, statistics.createMidpoint),
  MIDPRICE: entry(HL, { period: 14 }, oscillators.createMidprice),
  SAR: entry(HL, { acceleration: 0.02, maximum: 0.2 }, createSar),
  TRANGE: entry(HLC, {}, range.createTrueRange),
  ATR: entry(HLC, { period: 14 }, range.createAtr),
  NATR: entry(HLC, { period: 14 }, range.createNatr),
  /** ADX with DX, both directional indicators and both smoothed movements. */
  ADX: entry(HLC, { period: 14 }, range.createAdx, DIRECTION),
  ADXR: entry(HLC, { period: 14 }, range.createAdxr),
  AROON: entry(HL, { period: 14 }, oscillators.createAroon, ["up", "down", "oscillator"]),
  CCI: entry(HLC, { period: 14 }, oscillators.createCci),
  WILLR: entry(HLC, { period: 14 }, oscillators.createWilliamsR),
  STOCH: entry(HLC, { fastK: 5, slowK: 3, slowD: 3 }, oscillators.createStochastic, ["k", "d"]),
  STOCHF: entry(
    HLC,
    { fastK: 5, fastD: 3 },
    (fastK, fastD) => oscillators.createStochastic(fastK!, 1, fastD!),
    ["k", "d"],
  ),
  ULTOSC: entry(HLC, { short: 7, middle: 14, long: 28 }, oscillators.createUltimateOscillator),
  BOP: entry(OHLC, {}, prices.createBalanceOfPower),
  AVGPRICE: entry(OHLC, {}, prices.createAveragePrice),
  MEDPRICE: entry(HL, {}, prices.createMedianPrice),
  TYPPRICE: entry(HLC, {}, prices.createTypicalPrice),
  WCLPRICE: entry(HLC, {}, prices.createWeightedClose),
  OBV: entry(["close", "volume"], {}, volume.createObv),
  AD: entry(HLCV, {}, volume.createAccumulationDistribution),
  ADOSC: entry(HLCV, { fast: 3, slow: 10 }, volume.createChaikinOscillator),
  MFI: entry(HLCV, { period: 14 }, volume.createMoneyFlowIndex),
} as const satisfies Record<string, IndicatorEntry>;

export type IndicatorName = keyof typeof INDICATORS;
type Params = Readonly<Record<string, number>>;

/** Streaming form: feed it bar by bar. Parameters that are not given are TA-Lib's defaults. */
export function createIndicator(name: IndicatorName, params: Params = {}): AnyIndicator {
  const { create, params: defaults }: IndicatorEntry = INDICATORS[name];
  const unknown = Object.keys(params).find((key) => !(key in defaults));
  if (unknown !== undefined) {
    const known = Object.keys(defaults).join(", ") || "none";
    throw new RangeError(`${name}: parameter "${unknown}" is unknown; known are ${known}`);
  }
  return create(params);
}

/**
 * Batch form over whole columns: one Float64Array per output ("value" when there is one only), NaN while
 * warming up. The same bits as the streaming form, see `indicator.ts`.
 */
export function computeIndicator(
  name: IndicatorName,
  columns: Partial<Record<BarField, Float64Array>>,
  params: Params = {},
): Record<string, Float64Array> {
  const { inputs, outputs }: IndicatorEntry = INDICATORS[name];
  const series = inputs.map((field) => {
    const column = columns[field];
    if (column === undefined) throw new RangeError(`${name} needs the column ${field}`);
    return column;
  });
  const indicator = createIndicator(name, params);
  const rows = series[0]!.length;
  if (outputs.length === 0) {
    const value = new Float64Array(rows);
    indicator.batch(value, ...series);
    return { value };
  }
  const out = Object.fromEntries(outputs.map((output) => [output, new Float64Array(rows)]));
  indicator.batch(out, ...series);
  return out;
}
