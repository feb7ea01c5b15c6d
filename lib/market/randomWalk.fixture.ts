import { createPrng } from "../core/prng";
import { createColumns } from "./columns";
import type { CandleColumns } from "./types";

/** Test data: a gold-like walk on a 0.01 grid with sound bars; `holeEvery` > 0 skips some slots. */
export function randomWalk(rows: number, barMs: number, seed = 1, holeEvery = 0): CandleColumns {
  const prng = createPrng(seed);
  const columns = createColumns(rows);
  let slot = Math.floor(1_700_000_000_000 / barMs);
  let price = 190_000;
  for (let i = 0; i < rows; i++) {
    if (holeEvery > 0 && prng.nextInt(holeEvery) === 0) slot += 1 + prng.nextInt(200);
    const open = price + prng.nextInt(11) - 5;
    const close = open + Math.round(prng.nextGaussian() * 60);
    columns.openTimeMs[i] = slot++ * barMs;
    columns.open[i] = open / 100;
    columns.high[i] = (Math.max(open, close) + prng.nextInt(40)) / 100;
    columns.low[i] = (Math.min(open, close) - prng.nextInt(40)) / 100;
    columns.close[i] = close / 100;
    columns.volume[i] = prng.nextInt(900);
    price = close;
  }
  return columns;
}
