import type { HighLowIndicator, RangeIndicator } from "./indicator";

/** Prices of one bar; they remember nothing. */

/** Typical price: the mean of high, low and close. */
export function typicalPrice(high: number, low: number, close: number): number {
  return (high + low + close) / 3;
}

class TypicalPrice implements RangeIndicator {
  next(high: number, low: number, close: number): number {
    return typicalPrice(high, low, close);
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = typicalPrice(high[i]!, low[i]!, close[i]!);
  }
}

export const createTypicalPrice = (): RangeIndicator => new TypicalPrice();

class WeightedClose implements RangeIndicator {
  next(high: number, low: number, close: number): number {
    return (high + low + close * 2) / 4;
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!, close[i]!);
  }
}

/** Mean of high, low and twice the close. */
export const createWeightedClose = (): RangeIndicator => new WeightedClose();

class MedianPrice implements HighLowIndicator {
  next(high: number, low: number): number {
    return (high + low) / 2;
  }
  batch(out: Float64Array, high: Float64Array, low: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!);
  }
}

/** Middle of high and low. */
export const createMedianPrice = (): HighLowIndicator => new MedianPrice();

/** Indicators of open, high, low and close. */
export interface BarIndicator {
  next(open: number, high: number, low: number, close: number): number;
  batch(
    out: Float64Array,
    open: Float64Array,
    high: Float64Array,
    low: Float64Array,
    close: Float64Array,
  ): void;
}

class AveragePrice implements BarIndicator {
  next(open: number, high: number, low: number, close: number): number {
    return (high + low + close + open) / 4;
  }
  batch(
    out: Float64Array,
    open: Float64Array,
    high: Float64Array,
    low: Float64Array,
    close: Float64Array,
  ): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(open[i]!, high[i]!, low[i]!, close[i]!);
  }
}

/** Mean of the bar's four prices. */
export const createAveragePrice = (): BarIndicator => new AveragePrice();

class BalanceOfPower implements BarIndicator {
  next(open: number, high: number, low: number, close: number): number {
    return high - low < 1e-14 ? 0 : (close - open) / (high - low);
  }
  batch(
    out: Float64Array,
    open: Float64Array,
    high: Float64Array,
    low: Float64Array,
    close: Float64Array,
  ): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(open[i]!, high[i]!, low[i]!, close[i]!);
  }
}

/** Balance of power: the body of the bar as a share of its range, 0 where there is none. */
export const createBalanceOfPower = (): BarIndicator => new BalanceOfPower();
