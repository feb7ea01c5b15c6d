/**
 * What all indicators share. `next` takes the next bar's inputs and gives the indicator at it, NaN while it
 * warms up. `batch` writes the same bits for whole columns; it needs a fresh indicator and leaves it spent.
 *
 * Most `batch` methods are the plain loop over `next`. It is written out in every class on purpose: an engine
 * compiles a loop once, and a shared one would be compiled for all indicators together, with a look-up and a
 * call for every bar. Fields are numbers, Float64Arrays or objects of such fields, so that `exportState` reads
 * all of them.
 */
export interface SeriesIndicator {
  next(value: number): number;
  batch(out: Float64Array, values: Float64Array): void;
}

/** Indicators of high, low and close. */
export interface RangeIndicator {
  next(high: number, low: number, close: number): number;
  batch(out: Float64Array, high: Float64Array, low: Float64Array, close: Float64Array): void;
}

/** Indicators of high and low. */
export interface HighLowIndicator {
  next(high: number, low: number): number;
  batch(out: Float64Array, high: Float64Array, low: Float64Array): void;
}

/** Indicators of high, low, close and volume. */
export interface VolumeIndicator {
  next(high: number, low: number, close: number, volume: number): number;
  batch(
    out: Float64Array,
    high: Float64Array,
    low: Float64Array,
    close: Float64Array,
    volume: Float64Array,
  ): void;
}

/** One column for each field of what `next` gives. */
export type ColumnsOf<T> = { readonly [K in keyof T]: Float64Array };

/** An indicator of one series that gives several values in an object, which the next call reuses. */
export interface SeriesLines<T> {
  next(value: number): T;
  batch(out: ColumnsOf<T>, values: Float64Array): void;
}

/** An indicator of high, low and close that gives several values in an object, which the next call reuses. */
export interface RangeLines<T> {
  next(high: number, low: number, close: number): T;
  batch(out: ColumnsOf<T>, high: Float64Array, low: Float64Array, close: Float64Array): void;
}
