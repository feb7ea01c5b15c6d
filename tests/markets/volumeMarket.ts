/**
 * A test double: bars of a market whose next move is told by volume. A hidden regime moves the price up or down
 * by a fixed drift under several times as much noise; the volume of a bar is high before one of the two and low before
 * the other. Which one, `sign` says: a model that learned one world does the wrong thing in the other.
 */
import { createPrng } from "../../lib/core/prng";
import type { Candle } from "../../lib/market/types";
import { exp } from "../../lib/policy/exp";

export interface VolumeMarketOptions {
  seed: number;
  /** Open time of the first bar. */
  fromMs: number;
  bars: number;
  /** 1: high volume comes before rises; -1: before falls. By open time of the bar. */
  signAt(timeMs: number): 1 | -1;
  driftBps: number;
  noiseBps: number;
  switchProbability: number;
}

const MINUTE_MS = 60_000;
const MINUTES = 5;
export const VOLUME_BAR_MS = MINUTES * MINUTE_MS;
const TICK = 100;

/** The minutes of five-minute bars, oldest first; a bar moves evenly, so that its minutes tell nothing more. */
export function volumeMarket(options: VolumeMarketOptions): Candle[] {
  const { seed, fromMs, bars: count, signAt, driftBps, noiseBps, switchProbability } = options;
  const random = createPrng(seed);
  const bars: Candle[] = [];
  let price = 3_000;
  let regime = 1;
  for (let bar = 0; bar < count; bar++) {
    const startMs = fromMs + bar * VOLUME_BAR_MS;
    const move = regime * driftBps + noiseBps * random.nextGaussian();
    const perMinute = exp(move / MINUTES / 10_000);
    if (random.nextFloat() < switchProbability) regime = -regime;
    const level = regime * signAt(startMs) > 0 ? 12 : 6;
    for (let minute = 0; minute < MINUTES; minute++) {
      const open = round(price);
      price *= perMinute;
      const close = round(price);
      const high = round(Math.max(open, close) * 1.00005);
      const low = round(Math.min(open, close) * 0.99995);
      const volume = Math.round(level * (0.9 + 0.2 * random.nextFloat()) * 1e4) / 1e4;
      bars.push({ openTimeMs: startMs + minute * MINUTE_MS, open, high, low, close, volume });
    }
  }
  return bars;
}

const round = (price: number) => Math.round(price * TICK) / TICK;
