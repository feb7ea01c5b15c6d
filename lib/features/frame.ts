import { CandleAggregator } from "../market/aggregate";
import { timeframeMs } from "../market/timeframe";
import type { Candle, Timeframe } from "../market/types";

/**
 * The closed bars of a higher timeframe as the base bars build them. A higher bar exists from the close of
 * the base bar that ends it, never before. The first bucket of a stream that starts inside it is dropped,
 * because its open, high and low would depend on where the stream happened to start.
 */
export class ContextFrame {
  private count = 0;
  /** End of the newest closed bar; NaN before the first. */
  lastCloseMs = Number.NaN;
  readonly stepMs: number;
  private partialStartMs = Number.NaN;
  private readonly aggregator: CandleAggregator;
  // Input of this step, not state.
  #closed: readonly Candle[] = [];
  #most = 0;

  /** Throws RangeError when the base bars cannot build the timeframe. */
  constructor(timeframe: Timeframe, base: Timeframe) {
    this.stepMs = timeframeMs(timeframe);
    this.aggregator = new CandleAggregator(timeframe, base);
  }

  /** Tells whether `bars` higher bars have closed; they are counted up to the most that a column asks for. */
  presence(bars: number): () => boolean {
    this.#most = Math.max(this.#most, bars);
    return () => this.count >= bars;
  }

  push(candle: Candle): void {
    if (Number.isNaN(this.partialStartMs)) {
      const start = Math.floor(candle.openTimeMs / this.stepMs) * this.stepMs;
      this.partialStartMs = start === candle.openTimeMs ? Number.NEGATIVE_INFINITY : start;
    }
    this.#closed = this.aggregator.push(candle).filter((bar) => bar.openTimeMs !== this.partialStartMs);
    this.count = Math.min(this.#most, this.count + this.#closed.length);
    const last = this.#closed.at(-1);
    if (last === undefined) return;
    this.lastCloseMs = last.openTimeMs + this.stepMs;
    // The bucket that was cut off is over; where the stream began is of no more use.
    this.partialStartMs = Number.NEGATIVE_INFINITY;
  }

  /** Higher bars that the last base bar closed, oldest first. */
  closed(): readonly Candle[] {
    return this.#closed;
  }
}
