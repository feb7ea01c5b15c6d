import type { HighLowIndicator } from "./indicator";

/** Wilder's parabolic stop and reverse, with TA-Lib's way of starting. */

class ParabolicSar implements HighLowIndicator {
  private bar = -1;
  /** 1 while long, 0 while short. */
  private long = 0;
  private stop = Number.NaN;
  private extreme = 0;
  private factor: number;
  private high = 0;
  private low = 0;
  constructor(
    private readonly acceleration: number,
    private readonly maximum: number,
  ) {
    if (!(acceleration > 0 && maximum >= acceleration)) {
      throw new RangeError(`sar: acceleration must be above 0 and at most ${maximum}, got ${acceleration}`);
    }
    this.factor = acceleration;
  }

  next(high: number, low: number): number {
    this.bar++;
    if (this.bar === 0) {
      this.high = high;
      this.low = low;
      return Number.NaN;
    }
    if (this.bar === 1) {
      const up = high - this.high;
      const down = this.low - low;
      this.long = down > 0 && up < down ? 0 : 1;
      this.extreme = this.long === 1 ? high : low;
      this.stop = this.long === 1 ? this.low : this.high;
      // TA-Lib takes the second bar for the one before it as well.
      this.high = high;
      this.low = low;
    }
    const highBefore = this.high;
    const lowBefore = this.low;
    this.high = high;
    this.low = low;
    if (this.long === 1 ? low <= this.stop : high >= this.stop) return this.reverse(highBefore, lowBefore);
    const current = this.stop;
    const isFurther = this.long === 1 ? high > this.extreme : low < this.extreme;
    if (isFurther) {
      this.extreme = this.long === 1 ? high : low;
      this.factor = Math.min(this.factor + this.acceleration, this.maximum);
    }
    this.advance(highBefore, lowBefore);
    return current;
  }

  batch(out: Float64Array, high: Float64Array, low: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.next(high[i]!, low[i]!);
  }

  private reverse(highBefore: number, lowBefore: number): number {
    this.long = 1 - this.long;
    this.stop = this.extreme;
    this.limit(highBefore, lowBefore);
    const current = this.stop;
    this.factor = this.acceleration;
    this.extreme = this.long === 1 ? this.high : this.low;
    this.advance(highBefore, lowBefore);
    return current;
  }

  private advance(highBefore: number, lowBefore: number): void {
    this.stop = this.stop + this.factor * (this.extreme - this.stop);
    this.limit(highBefore, lowBefore);
  }

  /** The stop never lies inside the range of this bar or of the one before. */
  private limit(highBefore: number, lowBefore: number): void {
    this.stop =
      this.long === 1 ? Math.min(this.stop, lowBefore, this.low) : Math.max(this.stop, highBefore, this.high);
  }
}

/** Parabolic SAR (0.02 and 0.2 are usual); first value at index 1. */
export function createSar(acceleration: number, maximum: number): HighLowIndicator {
  return new ParabolicSar(acceleration, maximum);
}
