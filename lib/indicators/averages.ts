import type { SeriesIndicator } from "./indicator";
import { createEma, createSma } from "./series";
import { RollingWindow, requirePeriod } from "./window";
import { weightedColumn, windowWeighted } from "./windowSums";

/** Moving averages beyond the simple and the exponential one; conventions are TA-Lib's. */

class WeightedAverage implements SeriesIndicator {
  private readonly window: RollingWindow;
  private readonly weights: Float64Array;
  constructor(
    period: number,
    private readonly divisor: number,
    weight: (i: number) => number,
  ) {
    requirePeriod(period, 2);
    this.window = new RollingWindow(period);
    this.weights = Float64Array.from({ length: period }, (_, i) => weight(i));
  }
  next(value: number): number {
    const { window } = this;
    if (!window.push(value)) return Number.NaN;
    return windowWeighted(window.values, window.from, this.weights) / this.divisor;
  }
  batch(out: Float64Array, values: Float64Array): void {
    weightedColumn(out, values, this.weights);
    for (let i = 0; i < out.length; i++) out[i] = out[i]! / this.divisor;
  }
}

/** Weighted moving average: the newest of `period` values weighs most. First value at index period - 1. */
export function createWma(period: number): SeriesIndicator {
  return new WeightedAverage(period, (period * (period + 1)) / 2, (i) => i + 1);
}

/** Triangular moving average: weights rise to the middle of the window and fall again. */
export function createTrima(period: number): SeriesIndicator {
  const half = Math.ceil(period / 2);
  const divisor = period % 2 === 1 ? half * half : half * (half + 1);
  return new WeightedAverage(period, divisor, (i) => Math.min(i + 1, period - i));
}

/** The EMA of `period`, the EMA of it, and so on. */
class EmaChain {
  readonly values: Float64Array;
  private seen = 0;
  private readonly links: SeriesIndicator[];
  constructor(
    private readonly period: number,
    readonly length: number,
  ) {
    requirePeriod(period, 2);
    this.links = Array.from({ length }, () => createEma(period));
    this.values = new Float64Array(length).fill(Number.NaN);
  }
  /** Takes the next value; false until the last of the chain has started. */
  push(value: number): boolean {
    const { links, values, length } = this;
    let inside = value;
    const index = this.seen++;
    for (let i = 0; i < length && index >= i * (this.period - 1); i++) {
      inside = links[i]!.next(inside);
      values[i] = inside;
    }
    return index >= length * (this.period - 1);
  }
}

class Dema implements SeriesIndicator {
  private readonly chain: EmaChain;
  constructor(period: number) {
    this.chain = new EmaChain(period, 2);
  }
  next(value: number): number {
    const { chain } = this;
    return chain.push(value) ? 2 * chain.values[0]! - chain.values[1]! : Number.NaN;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Double EMA, 2 EMA - EMA(EMA); first value at index 2 (period - 1). */
export function createDema(period: number): SeriesIndicator {
  return new Dema(period);
}

class Tema implements SeriesIndicator {
  private readonly chain: EmaChain;
  constructor(period: number) {
    this.chain = new EmaChain(period, 3);
  }
  next(value: number): number {
    const { chain } = this;
    if (!chain.push(value)) return Number.NaN;
    return chain.values[2]! + (3 * chain.values[0]! - 3 * chain.values[1]!);
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Triple EMA, 3 EMA - 3 EMA(EMA) + EMA(EMA(EMA)); first value at index 3 (period - 1). */
export function createTema(period: number): SeriesIndicator {
  return new Tema(period);
}

class Tillson implements SeriesIndicator {
  private readonly chain: EmaChain;
  private readonly c1: number;
  private readonly c2: number;
  private readonly c3: number;
  private readonly c4: number;
  constructor(period: number, factor: number) {
    this.chain = new EmaChain(period, 6);
    const square = factor * factor;
    this.c1 = -(square * factor);
    this.c2 = 3 * (square - this.c1);
    this.c3 = -6 * square - 3 * (factor - this.c1);
    this.c4 = 1 + 3 * factor - this.c1 + 3 * square;
  }
  next(value: number): number {
    const { chain, c1, c2, c3, c4 } = this;
    if (!chain.push(value)) return Number.NaN;
    const { values } = chain;
    return c1 * values[5]! + c2 * values[4]! + c3 * values[3]! + c4 * values[2]!;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Tillson's T3 of six EMAs with volume factor `factor` (0.7 is usual); first value at index 6 (period - 1). */
export function createT3(period: number, factor: number): SeriesIndicator {
  return new Tillson(period, factor);
}

class Trix implements SeriesIndicator {
  private readonly chain: EmaChain;
  private before = Number.NaN;
  constructor(period: number) {
    this.chain = new EmaChain(period, 3);
  }
  next(value: number): number {
    const { before, chain } = this;
    const now = chain.push(value) ? chain.values[2]! : Number.NaN;
    this.before = now;
    return before === 0 ? 0 : (now / before - 1) * 100;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** One-bar rate of change in percent of a triple EMA; first value at index 3 (period - 1) + 1. */
export function createTrix(period: number): SeriesIndicator {
  return new Trix(period);
}

const KAMA_SLOW = 2 / 31;
const KAMA_FAST = 2 / 3;

class Kama implements SeriesIndicator {
  private readonly window: RollingWindow;
  private average = Number.NaN;
  private count = 0;
  constructor(private readonly period: number) {
    requirePeriod(period, 2);
    this.window = new RollingWindow(period + 1);
  }
  next(value: number): number {
    const { window, period } = this;
    // The average starts at the value before the first full window.
    if (this.count < period) this.average = value;
    this.count++;
    if (!window.push(value)) return Number.NaN;
    const { values, from } = window;
    let path = 0;
    for (let i = from + 1; i <= from + period; i++) path += Math.abs(values[i]! - values[i - 1]!);
    const move = value - values[from]!;
    const efficiency = path <= move || path === 0 ? 1 : Math.abs(move / path);
    const factor = efficiency * (KAMA_FAST - KAMA_SLOW) + KAMA_SLOW;
    this.average = (value - this.average) * (factor * factor) + this.average;
    return this.average;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Kaufman's adaptive moving average between EMA(2) and EMA(30); first value at index `period`. */
export function createKama(period: number): SeriesIndicator {
  return new Kama(period);
}

class AverageDistance implements SeriesIndicator {
  private readonly fast: SeriesIndicator;
  private readonly slow: SeriesIndicator;
  constructor(
    fast: number,
    slow: number,
    private readonly inPercent: number,
  ) {
    requirePeriod(fast, 2);
    requirePeriod(slow, 2);
    this.fast = createSma(fast);
    this.slow = createSma(slow);
  }
  next(value: number): number {
    const fast = this.fast.next(value);
    const slow = this.slow.next(value);
    if (this.inPercent === 0) return fast - slow;
    return slow === 0 ? 0 : ((fast - slow) / slow) * 100;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Fast minus slow simple average (TA-Lib's default type), in the unit of the series. */
export function createApo(fast: number, slow: number): SeriesIndicator {
  return new AverageDistance(fast, slow, 0);
}

/** Fast minus slow simple average in percent of the slow one. */
export function createPpo(fast: number, slow: number): SeriesIndicator {
  return new AverageDistance(fast, slow, 1);
}
