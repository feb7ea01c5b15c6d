import { createAtr } from "../indicators/range";
import { candleAt } from "../market/columns";
import type { CandleColumns } from "../market/types";
import { ATR_PERIOD, createFeatureStepper, type FeatureInputs } from "./stream";
import type { FeatureMatrix, FeatureSetSpec } from "./types";

/**
 * Features of every bar: row i belongs to candle i and depends on candles 0 .. i only. The first
 * `warmupBars` rows hold NaN. Bit-equal to `createFeatureStream`; throws as that does.
 */
export function computeFeatures(
  columns: CandleColumns,
  spec: FeatureSetSpec,
  inputs: FeatureInputs = {},
): FeatureMatrix {
  const rows = columns.openTimeMs.length;
  const width = spec.columns.length;
  const values = new Float64Array(rows * width);
  const stepper = createFeatureStepper(spec, inputs);
  for (let i = 0; i < rows; i++) stepper.step(candleAt(columns, i), values, i * width);
  return { names: spec.columns.map((column) => column.name), rows, width, values };
}

/** ATR(14) of every bar in price units, NaN for the first 14; equals the stream's `atr()`. */
export function computeAtr(columns: CandleColumns): Float64Array {
  const out = new Float64Array(columns.close.length);
  createAtr(ATR_PERIOD).batch(out, columns.high, columns.low, columns.close);
  return out;
}
