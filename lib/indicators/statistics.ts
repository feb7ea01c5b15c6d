import type { SeriesIndicator } from "./indicator";
import { RollingExtreme, RollingWindow, requirePeriod } from "./window";
import { sumColumn, varianceColumns, windowSum, windowWeighted } from "./windowSums";

/** Figures of a rolling window; first values at index period - 1. */

class Sum implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    requirePeriod(period, 2);
    this.window = new RollingWindow(period);
  }
  next(value: number): number {
    return this.window.push(value) ? this.window.sum() : Number.NaN;
  }
  batch(out: Float64Array, values: Float64Array): void {
    sumColumn(out, values, this.window.period);
  }
}

export const createSum = (period: number): SeriesIndicator => new Sum(period);

class Extreme implements SeriesIndicator {
  private readonly extreme: RollingExtreme;
  constructor(period: number, sign: 1 | -1) {
    requirePeriod(period, 2);
    this.extreme = new RollingExtreme(period, sign);
  }
  next(value: number): number {
    return this.extreme.push(value) ? this.extreme.value() : Number.NaN;
  }
  batch(out: Float64Array, values: Float64Array): void {
    this.extreme.batch(out, values);
  }
}

export const createMax = (period: number): SeriesIndicator => new Extreme(period, 1);
export const createMin = (period: number): SeriesIndicator => new Extreme(period, -1);

class Midpoint implements SeriesIndicator {
  private readonly highest: RollingExtreme;
  private readonly lowest: RollingExtreme;
  constructor(period: number) {
    requirePeriod(period, 2);
    this.highest = new RollingExtreme(period, 1);
    this.lowest = new RollingExtreme(period, -1);
  }
  next(value: number): number {
    this.lowest.push(value);
    return this.highest.push(value) ? (this.highest.value() + this.lowest.value()) / 2 : Number.NaN;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** Middle of the highest and the lowest value. */
export const createMidpoint = (period: number): SeriesIndicator => new Midpoint(period);

class Variance implements SeriesIndicator {
  private readonly window: RollingWindow;
  constructor(period: number) {
    this.window = new RollingWindow(period);
  }
  next(value: number): number {
    const { window } = this;
    return window.push(value) ? window.variance(window.mean()) : Number.NaN;
  }
  batch(out: Float64Array, values: Float64Array): void {
    varianceColumns(new Float64Array(values.length), out, values, this.window.period);
  }
}

/** Population variance. */
export const createVariance = (period: number): SeriesIndicator => new Variance(period);

class Deviation implements SeriesIndicator {
  private readonly variance: SeriesIndicator;
  constructor(
    period: number,
    private readonly width: number,
  ) {
    requirePeriod(period, 2);
    this.variance = createVariance(period);
  }
  private of(variance: number): number {
    return Math.sqrt(variance) * this.width;
  }
  next(value: number): number {
    return this.of(this.variance.next(value));
  }
  batch(out: Float64Array, values: Float64Array): void {
    this.variance.batch(out, values);
    for (let i = 0; i < out.length; i++) out[i] = this.of(out[i]!);
  }
}

/** Population standard deviation times `width`. */
export const createDeviation = (period: number, width: number): SeriesIndicator =>
  new Deviation(period, width);

/**
 * Least-squares line through the window, x = 0 at the oldest value, in TA-Lib's order of operations:
 * `height` + `slopes` times its slope, where `height` is the intercept (1) or nothing (0).
 */
class RegressionLine implements SeriesIndicator {
  private readonly window: RollingWindow;
  private readonly weights: Float64Array;
  constructor(
    period: number,
    private readonly height: 0 | 1,
    private readonly slopes: number,
  ) {
    requirePeriod(period, 2);
    this.window = new RollingWindow(period);
    // TA-Lib counts x backwards from the newest value; its formula for the slope carries that sign.
    this.weights = Float64Array.from({ length: period }, (_, i) => period - 1 - i);
  }
  next(value: number): number {
    const { window, weights, height, slopes } = this;
    if (!window.push(value)) return Number.NaN;
    const { values, from, period } = window;
    const sumX = period * (period - 1) * 0.5;
    const sumXSquared = (period * (period - 1) * (2 * period - 1)) / 6;
    const divisor = sumX * sumX - period * sumXSquared;
    const sumY = windowSum(values, from, period);
    const slope = (period * windowWeighted(values, from, weights) - sumX * sumY) / divisor;
    if (height === 0) return slope;
    const intercept = (sumY - slope * sumX) / period;
    return slopes === 0 ? intercept : intercept + slope * slopes;
  }
  batch(out: Float64Array, values: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(values[i]!);
  }
}

/** End of the regression line at the newest value. */
export const createLinearRegression = (period: number): SeriesIndicator =>
  new RegressionLine(period, 1, period - 1);

/** Slope of the regression line per bar. */
export const createLinearSlope = (period: number): SeriesIndicator => new RegressionLine(period, 0, 1);

/** Regression line at the oldest value. */
export const createLinearIntercept = (period: number): SeriesIndicator => new RegressionLine(period, 1, 0);

/** Time series forecast: the regression line one bar ahead of the newest value (a forecast from the past). */
export const createForecast = (period: number): SeriesIndicator => new RegressionLine(period, 1, period);
