import type { VolumeIndicator } from "./indicator";
import { typicalPrice } from "./prices";
import { RollingWindow, requirePeriod } from "./window";
import { sumColumn } from "./windowSums";

class Obv {
  private total = 0;
  private previous = Number.NaN;
  private count = 0;
  next(close: number, volume: number): number {
    if (this.count++ === 0) this.total = volume;
    // No branch: nobody can guess which way a price goes, and a processor that guesses wrong starts over.
    else this.total += volume * (Number(close > this.previous) - Number(close < this.previous));
    this.previous = close;
    return this.total;
  }
  batch(out: Float64Array, close: Float64Array, volume: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(close[i]!, volume[i]!);
  }
}

/** On-balance volume; starts with the volume of the first bar. */
export function createObv(): Obv {
  return new Obv();
}

class AccumulationDistribution implements VolumeIndicator {
  private total = 0;
  next(high: number, low: number, close: number, volume: number): number {
    const range = high - low;
    if (!(range <= 0)) this.total += ((close - low - (high - close)) / range) * volume;
    return this.total;
  }
  batch(
    out: Float64Array,
    high: Float64Array,
    low: Float64Array,
    close: Float64Array,
    volume: Float64Array,
  ): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!, close[i]!, volume[i]!);
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
  batch(
    out: Float64Array,
    high: Float64Array,
    low: Float64Array,
    close: Float64Array,
    volume: Float64Array,
  ): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!, close[i]!, volume[i]!);
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
  /** Change of the typical price. */
  private moved(typical: number): number {
    const change = typical - this.previous;
    this.previous = typical;
    return change;
  }
  private of(up: number, down: number): number {
    const total = up + down;
    return total < 1 ? 0 : 100 * (up / total);
  }
  next(high: number, low: number, close: number, volume: number): number {
    const typical = typicalPrice(high, low, close);
    const change = this.moved(typical);
    if (this.count++ === 0) return Number.NaN;
    const flow = typical * volume;
    this.up.push(flow * Number(change > 0));
    if (!this.down.push(flow * Number(change < 0))) return Number.NaN;
    return this.of(this.up.sum(), this.down.sum());
  }
  batch(
    out: Float64Array,
    high: Float64Array,
    low: Float64Array,
    close: Float64Array,
    volume: Float64Array,
  ): void {
    const { period } = this.up;
    const rows = out.length;
    const ups = new Float64Array(rows);
    const downs = new Float64Array(rows);
    for (let i = 0; i < rows; i++) {
      const typical = typicalPrice(high[i]!, low[i]!, close[i]!);
      const change = this.moved(typical);
      // No branch, as in `Obv`.
      const flow = typical * volume[i]!;
      ups[i] = flow * Number(change > 0);
      downs[i] = flow * Number(change < 0);
    }
    // The first bar has no flow, so the first window starts at the second one.
    const downSums = new Float64Array(rows);
    sumColumn(out.subarray(1), ups.subarray(1), period);
    sumColumn(downSums.subarray(1), downs.subarray(1), period);
    out.fill(Number.NaN, 0, 1);
    for (let i = period; i < rows; i++) out[i] = this.of(out[i]!, downSums[i]!);
  }
}

/** Money flow index, 0..100; first value at index `period`. */
export function createMoneyFlowIndex(period: number): VolumeIndicator {
  return new MoneyFlowIndex(period);
}
