import { createEma, type SeriesIndicator, WindowFigure } from "./series";
import { RollingWindow, requirePeriod } from "./window";

/** Moving averages beyond the simple and the exponential one; conventions are TA-Lib's. */

/** Weighted moving average: the newest of `period` values weighs most. First value at index period - 1. */
export function createWma(period: number): SeriesIndicator {
  const divisor = (period * (period + 1)) / 2;
  return new WindowFigure(period, 2, ({ values, from }) => {
    let sum = 0;
    for (let i = 0; i < period; i++) sum += values[from + i]! * (i + 1);
    return sum / divisor;
  });
}

/** Triangular moving average: weights rise to the middle of the window and fall again. */
export function createTrima(period: number): SeriesIndicator {
  const half = Math.ceil(period / 2);
  const divisor = period % 2 === 1 ? half * half : half * (half + 1);
  return new WindowFigure(period, 2, ({ values, from }) => {
    let sum = 0;
    for (let i = 0; i < period; i++) sum += values[from + i]! * Math.min(i + 1, period - i);
    return sum / divisor;
  });
}

class EmaChain {
  /** The EMA of `period`, the EMA of it, and so on. */
  readonly values: Float64Array;
  private seen = 0;
  private readonly links: SeriesIndicator[];
  constructor(
    private readonly period: number,
    readonly length: number,
  ) {
    this.links = Array.from({ length }, () => createEma(period));
    this.values = new Float64Array(length).fill(Number.NaN);
  }
  /** Takes the next value; false until the last of the chain has started. */
  push(value: number): boolean {
    let inside = value;
    const index = this.seen++;
    for (let i = 0; i < this.length && index >= i * (this.period - 1); i++) {
      inside = this.links[i]!.next(inside);
      this.values[i] = inside;
    }
    return index >= this.length * (this.period - 1);
  }
}

class ChainFigure implements SeriesIndicator {
  private readonly chain: EmaChain;
  declare private readonly read: (emas: Float64Array) => number;
  constructor(period: number, length: number, read: (emas: Float64Array) => number) {
    requirePeriod(period, 2);
    this.chain = new EmaChain(period, length);
    Object.defineProperty(this, "read", { value: read, enumerable: false });
  }
  next(value: number): number {
    return this.chain.push(value) ? this.read(this.chain.values) : Number.NaN;
  }
}

/** Double EMA, 2 EMA - EMA(EMA); first value at index 2 (period - 1). */
export function createDema(period: number): SeriesIndicator {
  return new ChainFigure(period, 2, (e) => 2 * e[0]! - e[1]!);
}

/** Triple EMA, 3 EMA - 3 EMA(EMA) + EMA(EMA(EMA)); first value at index 3 (period - 1). */
export function createTema(period: number): SeriesIndicator {
  return new ChainFigure(period, 3, (e) => e[2]! + (3 * e[0]! - 3 * e[1]!));
}

/** Tillson's T3 of six EMAs with volume factor `factor` (0.7 is usual); first value at index 6 (period - 1). */
export function createT3(period: number, factor: number): SeriesIndicator {
  const square = factor * factor;
  const c1 = -(square * factor);
  const c2 = 3 * (square - c1);
  const c3 = -6 * square - 3 * (factor - c1);
  const c4 = 1 + 3 * factor - c1 + 3 * square;
  return new ChainFigure(period, 6, (e) => c1 * e[5]! + c2 * e[4]! + c3 * e[3]! + c4 * e[2]!);
}

class Trix implements SeriesIndicator {
  private readonly smooth: SeriesIndicator;
  private before = Number.NaN;
  constructor(period: number) {
    this.smooth = new ChainFigure(period, 3, (e) => e[2]!);
  }
  next(value: number): number {
    const now = this.smooth.next(value);
    const { before } = this;
    this.before = now;
    return before === 0 ? 0 : (now / before - 1) * 100;
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
}

/** Kaufman's adaptive moving average between EMA(2) and EMA(30); first value at index `period`. */
export function createKama(period: number): SeriesIndicator {
  return new Kama(period);
}

class AverageDistance {
  private readonly fast: SeriesIndicator;
  private readonly slow: SeriesIndicator;
  constructor(
    fast: number,
    slow: number,
    private readonly inPercent: number,
  ) {
    this.fast = new WindowFigure(fast, 2, (window) => window.mean());
    this.slow = new WindowFigure(slow, 2, (window) => window.mean());
  }
  next(value: number): number {
    const fast = this.fast.next(value);
    const slow = this.slow.next(value);
    if (this.inPercent === 0) return fast - slow;
    return slow === 0 ? 0 : ((fast - slow) / slow) * 100;
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
