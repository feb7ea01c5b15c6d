import { ln } from "../core/math";
import { createAtr } from "../indicators/range";
import { timeframeMs } from "../market/timeframe";
import type { Candle, Timeframe } from "../market/types";
import { type BarContext, createColumn } from "./kinds";
import type { FeatureSetSpec } from "./types";

/** Period of the ATR that scales features and protective stops. */
export const ATR_PERIOD = 14;

export interface FeatureStream {
  /**
   * Takes the next closed bar; returns its feature row, or null for the first `warmupBars` bars. The row
   * is a fresh array. Throws RangeError when the bar is not later than the one before, and Error (naming
   * column and bar) when a value after the warm-up is not finite: it is never replaced silently.
   */
  push(candle: Candle): Float64Array | null;
  /** ATR(14) at the last bar in price units; NaN before it exists. */
  atr(): number;
}

/** Streaming twin of `computeFeatures`: the same bars give the same bits. */
export function createFeatureStream(spec: FeatureSetSpec): FeatureStream {
  const stepper = createFeatureStepper(spec);
  return {
    push(candle) {
      const row = new Float64Array(spec.columns.length);
      return stepper.step(candle, row, 0) ? row : null;
    },
    atr: stepper.atr,
  };
}

/**
 * The one implementation behind batch and stream: `step` writes a row to out[offset ..] and says whether
 * it may be used; while warming up it writes NaN.
 */
export function createFeatureStepper(spec: FeatureSetSpec) {
  const columns = spec.columns.map(createColumn);
  const atr = createAtr(ATR_PERIOD);
  const bar: BarContext = {
    candle: { openTimeMs: Number.NEGATIVE_INFINITY, open: 0, high: 0, low: 0, close: 0, volume: 0 },
    logReturn: 0,
    atr: Number.NaN,
    sincePreviousMs: 0,
    shortestStepMs: Number.POSITIVE_INFINITY,
  };
  let bars = 0;

  function step(candle: Candle, out: Float64Array, offset: number): boolean {
    const previous = bar.candle;
    if (!(candle.openTimeMs > previous.openTimeMs)) {
      throw new RangeError(`features: bar ${candle.openTimeMs} is not later than bar ${previous.openTimeMs}`);
    }
    if (bars > 0) {
      bar.logReturn = ln(candle.close / previous.close);
      bar.sincePreviousMs = candle.openTimeMs - previous.openTimeMs;
      bar.shortestStepMs = Math.min(bar.shortestStepMs, bar.sincePreviousMs);
    }
    bar.candle = candle;
    bar.atr = atr.next(candle.high, candle.low, candle.close);
    const warm = bars++ >= spec.warmupBars;
    for (let c = 0; c < columns.length; c++) {
      // Every column sees every bar, also while warming up, because it carries state.
      const value = columns[c]!(bar);
      out[offset + c] = warm ? value : Number.NaN;
      if (warm && !Number.isFinite(value)) {
        throw new Error(
          `features: ${spec.columns[c]!.name} is ${value} at bar ${candle.openTimeMs}; check the candle and the warm-up`,
        );
      }
    }
    return warm;
  }

  return { step, atr: () => bar.atr };
}

/**
 * Where to start feeding bars so that features are warm at `fromMs`: 2 * warmupBars bar lengths earlier,
 * aligned. Twice, because a market closed about a third of the week needs more clock time than bars.
 * Indicators carry their seeds, so whoever wants the same bits must start at the same bar.
 */
export function featureStartMs(fromMs: number, timeframe: Timeframe, spec: FeatureSetSpec): number {
  const step = timeframeMs(timeframe);
  return Math.max(0, Math.floor(fromMs / step) * step - 2 * spec.warmupBars * step);
}
