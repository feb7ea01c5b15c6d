/** Series that arrive beside the candles: funding, basis, open interest, and scores from ideas, signals, news and OCR. */

export const SIDE_FEEDS = [
  /** Settled funding rate as a fraction per interval. */
  "funding",
  /** (perpetual or mark - spot or index) / (spot or index), a fraction. */
  "basis",
  /** Open interest in units of the instrument, above 0. */
  "openInterest",
  /** Scores in -1..1: negative says down, positive up. */
  "ideas",
  "signals",
  "news",
  "ocr",
] as const;
export type SideFeedName = (typeof SIDE_FEEDS)[number];

/**
 * One feed's points in ascending order of the time from which the desk could have known them. It is never the
 * time of the event, nor one that the source assigned later: a point may be used at a bar's close only
 * when `availableAtMs` is at or before that close.
 */
export interface SideSeries {
  availableAtMs: Float64Array;
  value: Float64Array;
}

/** Feeds that are absent here are absent in the features, and say so in their presence flags. */
export type SideFeeds = Partial<Record<SideFeedName, SideSeries>>;

/** The newest point of one feed that was available at a bar's close. */
export class SideAsOf {
  /** NaN until there was a point. */
  availableAtMs = Number.NaN;
  value = Number.NaN;
  private closeTimeMs = Number.NEGATIVE_INFINITY;
  // Not state: the points to come are input, like the candles.
  readonly #times: number[] = [];
  readonly #values: number[] = [];
  readonly #feed: SideFeedName;
  #next = 0;

  constructor(feed: SideFeedName) {
    this.#feed = feed;
  }

  /**
   * Adds a point. Throws RangeError when it is not finite, not in order, or arrives after a bar that should
   * have seen it was taken: a row that was already used must stay what it was.
   */
  offer(availableAtMs: number, value: number): void {
    const refuse = (reason: string) => {
      throw new RangeError(`side feed ${this.#feed}: the point of ${availableAtMs} ${reason}`);
    };
    if (!Number.isFinite(availableAtMs) || !Number.isFinite(value))
      refuse(`is ${value}, not a finite number`);
    const last = this.#times.at(-1);
    if (last !== undefined && availableAtMs < last)
      refuse(`comes after that of ${last}; sort by availability`);
    if (availableAtMs <= this.closeTimeMs) refuse(`comes after the bar that closed at ${this.closeTimeMs}`);
    this.#times.push(availableAtMs);
    this.#values.push(value);
  }

  /** Moves on to a bar's close. */
  advance(closeTimeMs: number): void {
    this.closeTimeMs = closeTimeMs;
    while (this.#next < this.#times.length && this.#times[this.#next]! <= closeTimeMs) {
      this.availableAtMs = this.#times[this.#next]!;
      this.value = this.#values[this.#next]!;
      this.#next++;
    }
  }

  /** The point in force now, if it is not older than `maxAgeMs`; else NaN. */
  current(maxAgeMs: number): number {
    return this.closeTimeMs - this.availableAtMs <= maxAgeMs ? this.value : Number.NaN;
  }

  /** Time since the point in force could be known. */
  ageMs(): number {
    return this.closeTimeMs - this.availableAtMs;
  }
}
