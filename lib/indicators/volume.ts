import { RollingWindow, requirePeriod } from "./window";

/** Indicators of high, low, close and volume. */
export interface VolumeIndicator {
  next(high: number, low: number, close: number, volume: number): number;
}

class Obv {
  private total = 0;
  private previous = Number.NaN;
  private count = 0;
  next(close: number, volume: number): number {
    if (this.count++ === 0) this.total = volume;
    else if (close > this.previous) this.total += volume;
    else if (close < this.previous) this.total -= volume;
    this.previous = close;
    return this.total;
  }
}

/** On-balance volume; starts with the volume of the first bar. */
export function createObv(): { next(close: number, volume: number): number } {
  return new Obv();
}

class AccumulationDistribution implements VolumeIndicator {
  private total = 0;
  next(high: number, low: number, close: number, volume: number): number {
    const range = high - low;
    if (!(range <= 0)) this.total += ((close - low - (high - close)) / range) * volume;
    return this.total;
  }
}

/** Accumulation/distribution line. */
export function createAccumulationDistribution(): VolumeIndicator {
  return new AccumulationDistribution();
}

class ChaikinOscillator implements VolumeIndicator {
  private readonly line = createAccumulationDistribution();
  private fastAverage = 0;
  private slowAverage = 0;
  private count = 0;
  constructor(
    private readonly fast: number,
    private readonly slow: number,
  ) {
    requirePeriod(fast, 2);
    requirePeriod(slow, 2);
  }
  next(high: number, low: number, close: number, volume: number): number {
    const value = this.line.next(high, low, close, volume);
    if (this.count++ === 0) {
      this.fastAverage = value;
      this.slowAverage = value;
    } else {
      const fastFactor = 2 / (this.fast + 1);
      const slowFactor = 2 / (this.slow + 1);
      this.fastAverage = fastFactor * value + (1 - fastFactor) * this.fastAverage;
      this.slowAverage = slowFactor * value + (1 - slowFactor) * this.slowAverage;
    }
    return this.count < Math.max(this.fast, this.slow) ? Number.NaN : this.fastAverage - this.slowAverage;
  }
}

/** Chaikin's oscillator: fast minus slow EMA of the accumulation/distribution line, seeded with its first value. */
export function createChaikinOscillator(fast: number, slow: number): VolumeIndicator {
  return new ChaikinOscillator(fast, slow);
}

class MoneyFlowIndex implements VolumeIndicator {
  private readonly up: RollingWindow;
  private readonly down: RollingWindow;
  private previous = Number.NaN;
  private count = 0;
  constructor(period: number) {
    requirePeriod(period, 2);
    this.up = new RollingWindow(period);
    this.down = new RollingWindow(period);
  }
  next(high: number, low: number, close: number, volume: number): number {
    const typical = (high + low + close) / 3;
    const change = typical - this.previous;
    this.previous = typical;
    if (this.count++ === 0) return Number.NaN;
    const flow = typical * volume;
    this.up.push(change > 0 ? flow : 0);
    if (!this.down.push(change < 0 ? flow : 0)) return Number.NaN;
    const up = this.up.sum();
    const total = up + this.down.sum();
    return total < 1 ? 0 : 100 * (up / total);
  }
}

/** Money flow index, 0..100; first value at index `period`. */
export function createMoneyFlowIndex(period: number): VolumeIndicator {
  return new MoneyFlowIndex(period);
}
