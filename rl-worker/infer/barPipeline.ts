/**
 * From source bars to decidable bars: aggregation, streaming features and a running hash over everything
 * seen. The same class feeds replayed and live runs, and re-creates a decision's inputs later.
 */
import { canonicalJson } from "../../lib/core/canonicalJson";
import { sha256Hex } from "../../lib/core/sha256";
import { createFeatureStream, type FeatureStream } from "../../lib/features/stream";
import type { FeatureSetSpec } from "../../lib/features/types";
import type { SidePoint } from "../../lib/feeds/cursor";
import { CandleAggregator } from "../../lib/market/aggregate";
import { timeframeMs } from "../../lib/market/timeframe";
import type { Candle, Timeframe } from "../../lib/market/types";

export interface ReadyBar {
  bar: Candle;
  /** One row in the order of the feature set's columns, or null while warming up. */
  features: Float64Array | null;
  /** ATR(14) in price units at this bar's close. */
  atr: number;
  /** SHA-256 chain over all bars of the run's timeframe up to this one, and the feed points that they could know. */
  barsHash: string;
}

const CHAIN_START = "0".repeat(64);

/** Gives the feed points that came into force up to a bar's close; asked bar by bar, in order. */
export interface PointSource {
  upTo(closeMs: number): Promise<SidePoint[]>;
}

export class BarPipeline {
  readonly #aggregator: CandleAggregator | null;
  readonly #stream: FeatureStream;
  readonly #points: PointSource;
  readonly #stepMs: number;
  #barsHash = CHAIN_START;

  constructor(spec: FeatureSetSpec, timeframe: Timeframe, sourceTimeframe: Timeframe, points: PointSource) {
    this.#points = points;
    this.#stepMs = timeframeMs(timeframe);
    this.#aggregator =
      timeframe === sourceTimeframe ? null : new CandleAggregator(timeframe, sourceTimeframe);
    this.#stream = createFeatureStream(spec, { timeframe });
  }

  /** Takes the next closed source bar; gives the bars of the run's timeframe that it closes. */
  async push(source: Candle): Promise<ReadyBar[]> {
    const closed = this.#aggregator === null ? [source] : this.#aggregator.push(source);
    const ready: ReadyBar[] = [];
    for (const bar of closed) {
      const { openTimeMs, open, high, low, close, volume } = bar;
      const points = await this.#points.upTo(openTimeMs + this.#stepMs);
      const known = points.map(({ feed, availableAtMs, value }) => [feed, availableAtMs, value]);
      const link = [this.#barsHash, openTimeMs, open, high, low, close, volume, ...known];
      this.#barsHash = sha256Hex(canonicalJson(link));
      for (const point of points) this.#stream.offer(point.feed, point.availableAtMs, point.value);
      const features = this.#stream.push(bar);
      ready.push({ bar, features, atr: this.#stream.atr(), barsHash: this.#barsHash });
    }
    return ready;
  }
}
