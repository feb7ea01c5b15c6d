import { createSma, createWilder, type SeriesIndicator, WindowFigure } from "./series";
import { RollingWindow, requirePeriod } from "./window";

/** Momentum of one series, of closes as a rule; conventions are TA-Lib's. */

/** Value minus the one `period` before. */
export function createMomentum(period: number): SeriesIndicator {
  requirePeriod(period, 1);
  return new WindowFigure(period + 1, 2, (window, value) => value - window.oldest());
}

/** Rate of change as a fraction: (value - before) / before. */
export function createRocFraction(period: number): SeriesIndicator {
  requirePeriod(period, 1);
  return new WindowFigure(period + 1, 2, (window, value) => {
    const before = window.oldest();
    return before === 0 ? 0 : (value - before) / before;
  });
}

/** Ratio to the value `period` before. */
export function createRocRatio(period: number): SeriesIndicator {
  requirePeriod(period, 1);
  return new WindowFigure(period + 1, 2, (window, value) => {
    const before = window.oldest();
    return before === 0 ? 0 : value / before;
  });
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

class StochRsi {
  private readonly window: RollingWindow;
  private readonly smooth: SeriesIndicator;
  private readonly out: StochasticValue = { k: Number.NaN, d: Number.NaN };
  private seen = 0;
  constructor(
    private readonly rsi: SeriesIndicator,
    private readonly period: number,
    fastK: number,
    fastD: number,
  ) {
    this.window = new RollingWindow(fastK);
    this.smooth = createSma(fastD);
  }
  next(value: number): StochasticValue {
    const { out, window } = this;
    const strength = this.rsi.next(value);
    if (this.seen++ < this.period || !window.push(strength)) return out;
    const k = positionInRange(strength, window.min(), window.max());
    out.d = this.smooth.next(k);
    // TA-Lib starts both lines together.
    out.k = Number.isNaN(out.d) ? Number.NaN : k;
    return out;
  }
}

/** Stochastic of an RSI: where it stands in its own range of `fastK` values. The object is reused. */
export function createStochRsi(
  rsi: SeriesIndicator,
  period: number,
  fastK: number,
  fastD: number,
): { next(value: number): StochasticValue } {
  return new StochRsi(rsi, period, fastK, fastD);
}
