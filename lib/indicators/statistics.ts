import { type SeriesIndicator, WindowFigure } from "./series";
import type { RollingWindow } from "./window";

/** Figures of a rolling window; first values at index period - 1. */

export const createSum = (period: number): SeriesIndicator => new WindowFigure(period, 2, (w) => w.sum());
export const createMax = (period: number): SeriesIndicator => new WindowFigure(period, 2, (w) => w.max());
export const createMin = (period: number): SeriesIndicator => new WindowFigure(period, 2, (w) => w.min());

/** Middle of the highest and the lowest value. */
export const createMidpoint = (period: number): SeriesIndicator =>
  new WindowFigure(period, 2, (w) => (w.max() + w.min()) / 2);

/** Population variance. */
export const createVariance = (period: number): SeriesIndicator =>
  new WindowFigure(period, 1, (w) => w.variance(w.mean()));

/** Population standard deviation times `width`. */
export const createDeviation = (period: number, width: number): SeriesIndicator =>
  new WindowFigure(period, 2, (w) => Math.sqrt(w.variance(w.mean())) * width);

/** Least-squares line through the window, x = 0 at the oldest value; in TA-Lib's order of operations. */
function fitLine({ values, from, period }: RollingWindow): { slope: number; intercept: number } {
  const sumX = period * (period - 1) * 0.5;
  const sumXSquared = (period * (period - 1) * (2 * period - 1)) / 6;
  const divisor = sumX * sumX - period * sumXSquared;
  let sumXY = 0;
  let sumY = 0;
  for (let i = 0; i < period; i++) {
    const value = values[from + i]!;
    sumY += value;
    // TA-Lib counts x backwards from the newest value; its formula for the slope carries that sign.
    sumXY += (period - 1 - i) * value;
  }
  const slope = (period * sumXY - sumX * sumY) / divisor;
  return { slope, intercept: (sumY - slope * sumX) / period };
}

function lineFigure(period: number, at: (line: { slope: number; intercept: number }) => number) {
  return new WindowFigure(period, 2, (window) => at(fitLine(window)));
}

/** End of the regression line at the newest value. */
export const createLinearRegression = (period: number): SeriesIndicator =>
  lineFigure(period, ({ slope, intercept }) => intercept + slope * (period - 1));

/** Slope of the regression line per bar. */
export const createLinearSlope = (period: number): SeriesIndicator => lineFigure(period, (l) => l.slope);

/** Regression line at the oldest value. */
export const createLinearIntercept = (period: number): SeriesIndicator =>
  lineFigure(period, (l) => l.intercept);

/** Time series forecast: the regression line one bar ahead of the newest value (a forecast from the past). */
export const createForecast = (period: number): SeriesIndicator =>
  lineFigure(period, ({ slope, intercept }) => intercept + slope * period);
