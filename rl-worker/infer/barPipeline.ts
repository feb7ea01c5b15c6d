/**
 * From source bars to decidable bars: aggregation, streaming features and a running hash over everything
 * seen. The same class feeds replayed and live runs, and re-creates a decision's inputs later.
 */
import { canonicalJson } from "../../lib/core/canonicalJson";
import { sha256Hex } from "../../lib/core/sha256";
import { createFeatureStream, type FeatureStream } from "../../lib/features/stream";
import type { FeatureSetSpec } from "../../lib/features/types";
import { CandleAggregator } from "../../lib/market/aggregate";
import type { Candle, Timeframe } from "../../lib/market/types";

export interface ReadyBar {
  bar: Candle;
  /** One row in the order of the feature set's columns, or null while warming up. */
  features: Float64Array | null;
  /** ATR(14) in price units at this bar's close. */
  atr: number;
  /** SHA-256 chain over all bars of the run's timeframe up to this one. */
  barsHash: string;
}

const CHAIN_START = "0".repeat(64);

export class BarPipeline {
  readonly #aggregator: CandleAggregator | null;
  readonly #stream: FeatureStream;
  #barsHash = CHAIN_START;

  constructor(spec: FeatureSetSpec, timeframe: Timeframe, sourceTimeframe: Timeframe) {
    this.#aggregator =
      timeframe === sourceTimeframe ? null : new CandleAggregator(timeframe, sourceTimeframe);
    this.#stream = createFeatureStream(spec, { timeframe });
  }

  /** Takes the next closed source bar; gives the bars of the run's timeframe that it closes. */
  push(source: Candle): ReadyBar[] {
    const closed = this.#aggregator === null ? [source] : this.#aggregator.push(source);
    return closed.map((bar) => {
      const { openTimeMs, open, high, low, close, volume } = bar;
      this.#barsHash = sha256Hex(canonicalJson([this.#barsHash, openTimeMs, open, high, low, close, volume]));
      const features = this.#stream.push(bar);
      return { bar, features, atr: this.#stream.atr(), barsHash: this.#barsHash };
    });
  }
}
