import type { ColumnsOf, SeriesIndicator, SeriesLines } from "./indicator";
import { createSma, createWilder } from "./series";
import { RollingExtreme, RollingWindow, requirePeriod } from "./window";

/** Momentum of one series, of closes as a rule; conventions are TA-Lib's. */

/** The last `period` values and the one before them. */
function createLag(period: number): RollingWindow {
  requirePeriod(period, 1);
  return new RollingWindow(period + 1);
}

class Momentum implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    this.window = createLag(period);
  }
  next(value: number): number {
    return this.window.push(value) ? value - this.window.oldest() : Number.NaN;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Value minus the one `period` before. */
export function createMomentum(period: number): SeriesIndicator {
  return new Momentum(period);
}

class RocPercent implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    this.window = createLag(period);
  }
  next(value: number): number {
    if (!this.window.push(value)) return Number.NaN;
    const before = this.window.oldest();
    return before === 0 ? 0 : (value / before - 1) * 100;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Rate of change in percent over `period` values: (value / value[period ago] - 1) * 100. */
export function createRoc(period: number): SeriesIndicator {
  return new RocPercent(period);
}

class RocFraction implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    this.window = createLag(period);
  }
  next(value: number): number {
    if (!this.window.push(value)) return Number.NaN;
    const before = this.window.oldest();
    return before === 0 ? 0 : (value - before) / before;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Rate of change as a fraction: (value - before) / before. */
export function createRocFraction(period: number): SeriesIndicator {
  return new RocFraction(period);
}

class RocRatio implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    this.window = createLag(period);
  }
  next(value: number): number {
    if (!this.window.push(value)) return Number.NaN;
    const before = this.window.oldest();
    return before === 0 ? 0 : value / before;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Ratio to the value `period` before. */
export function createRocRatio(period: number): SeriesIndicator {
  return new RocRatio(period);
}

class Cmo implements SeriesIndicator {
  private readonly gains: SeriesIndicator;
  private readonly losses: SeriesIndicator;
  private previous = Number.NaN;
  private started = 0;
  constructor(period: number) {
    requirePeriod(period, 2);
    this.gains = createWilder(period);
    this.losses = createWilder(period);
  }
  next(value: number): number {
    const change = value - this.previous;
    this.previous = value;
    if (this.started === 0) {
      this.started = 1;
      return Number.NaN;
    }
    const gain = this.gains.next(change > 0 ? change : 0);
    const loss = this.losses.next(change < 0 ? -change : 0);
    const total = gain + loss;
    return total === 0 ? 0 : 100 * ((gain - loss) / total);
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Chande momentum oscillator with Wilder's smoothing, -100..100; first value at index `period`. */
export function createCmo(period: number): SeriesIndicator {
  return new Cmo(period);
}

export interface StochasticValue {
  k: number;
  d: number;
}

/** Position of a value in a range, 0..100; 0 where there is no range. */
export function positionInRange(value: number, low: number, high: number): number {
  const hundredth = (high - low) / 100;
  return hundredth === 0 ? 0 : (value - low) / hundredth;
}

/** Writes %D, `smooth` of %K from row `first` on, and starts both lines together, as TA-Lib does. */
export function addSecondLine(
  { k, d }: ColumnsOf<StochasticValue>,
  first: number,
  smooth: SeriesIndicator,
): void {
  d.fill(Number.NaN, 0, first);
  smooth.batch(d.subarray(first), k.subarray(first));
  for (let i = 0; i < k.length; i++) if (Number.isNaN(d[i]!)) k[i] = Number.NaN;
}

class StochRsi implements SeriesLines<StochasticValue> {
  private readonly highest: RollingExtreme;
  private readonly lowest: RollingExtreme;
  private readonly smooth: SeriesIndicator;
  private readonly out: StochasticValue = { k: Number.NaN, d: Number.NaN };
  private seen = 0;
  constructor(
    private readonly rsi: SeriesIndicator,
    private readonly period: number,
    private readonly fastK: number,
    fastD: number,
  ) {
    this.highest = new RollingExtreme(fastK, 1);
    this.lowest = new RollingExtreme(fastK, -1);
    this.smooth = createSma(fastD);
  }
  next(value: number): StochasticValue {
    const { out, highest, lowest } = this;
    const strength = this.rsi.next(value);
    if (this.seen++ < this.period) return out;
    lowest.push(strength);
    if (!highest.push(strength)) return out;
    const k = positionInRange(strength, lowest.value(), highest.value());
    out.d = this.smooth.next(k);
    // TA-Lib starts both lines together.
    out.k = Number.isNaN(out.d) ? Number.NaN : k;
    return out;
  }
  batch({ k, d }: ColumnsOf<StochasticValue>, values: Float64Array): void {
    const { highest, lowest, period } = this;
    const strengths = new Float64Array(k.length);
    this.rsi.batch(strengths, values);
    const strongest = new Float64Array(k.length);
    const weakest = new Float64Array(k.length);
    highest.batch(strongest.subarray(period), strengths.subarray(period));
    lowest.batch(weakest.subarray(period), strengths.subarray(period));
    const first = period + this.fastK - 1;
    for (let i = first; i < k.length; i++) {
      k[i] = positionInRange(strengths[i]!, weakest[i]!, strongest[i]!);
    }
    addSecondLine({ k, d }, first, this.smooth);
  }
}

/** Stochastic of an RSI: where it stands in its own range of `fastK` values. */
export function createStochRsi(
  rsi: SeriesIndicator,
  period: number,
  fastK: number,
  fastD: number,
): SeriesLines<StochasticValue> {
  return new StochRsi(rsi, period, fastK, fastD);
}
