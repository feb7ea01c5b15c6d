import { createPrng } from "../../lib/core/prng";
import type { FeatureMatrix, Normaliser } from "../../lib/features/types";
import type { CandleColumns } from "../../lib/market/types";

const WARMUP_ROWS = 20;
const WIDTH = 3;

/** Test double: a seeded random walk of minute bars with three made-up features; not a model of any market. */
export function syntheticMarket(
  rows: number,
  seed = 11,
): { candles: CandleColumns; features: FeatureMatrix; atr: Float64Array; normaliser: Normaliser } {
  const random = createPrng(seed);
  const column = () => new Float64Array(rows);
  const candles: CandleColumns = {
    openTimeMs: column(),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
  };
  const values = new Float64Array(rows * WIDTH).fill(Number.NaN);
  const atr = column().fill(Number.NaN);
  let price = 2_000;
  for (let row = 0; row < rows; row++) {
    const close = price * (1 + 0.0005 * random.nextGaussian());
    candles.openTimeMs[row] = 1_700_000_040_000 + row * 60_000;
    candles.open[row] = price;
    candles.close[row] = close;
    candles.high[row] = Math.max(price, close) * (1 + 0.0002 * random.nextFloat());
    candles.low[row] = Math.min(price, close) * (1 - 0.0002 * random.nextFloat());
    candles.volume[row] = 100;
    if (row >= WARMUP_ROWS) {
      atr[row] = 1.5;
      for (let i = 0; i < WIDTH; i++) values[row * WIDTH + i] = random.nextGaussian();
    }
    price = close;
  }
  const names = Array.from({ length: WIDTH }, (_, i) => `f${i}`);
  const normaliser = { mean: names.map(() => 0), std: names.map(() => 1), clip: 5 };
  return { candles, features: { names, rows, width: WIDTH, values }, atr, normaliser };
}
