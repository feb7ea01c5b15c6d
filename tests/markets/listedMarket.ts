/** A test double: an exchange's market whose minutes are given, for one symbol; every other symbol never trades. */
import type { Candle } from "../../lib/market/types";
import { MINUTE_MS } from "../../local/exchange/market/hours";
import { MarketSimulator } from "../../local/exchange/market/simulator";

export class ListedMarket extends MarketSimulator {
  readonly #bars: Map<number, Candle>;

  constructor(
    readonly symbol: string,
    bars: readonly Candle[],
  ) {
    super(1, bars[0]!.openTimeMs);
    this.#bars = new Map(bars.map((bar) => [bar.openTimeMs, bar]));
  }

  /** Closed minutes only: nothing is known of a bar before its end. */
  override minuteBar(symbol: string, openTimeMs: number, nowMs: number): Candle | null {
    if (symbol !== this.symbol || openTimeMs + MINUTE_MS > nowMs) return null;
    return this.#bars.get(openTimeMs) ?? null;
  }
}
