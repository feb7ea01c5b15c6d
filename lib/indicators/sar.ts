/** Wilder's parabolic stop and reverse, with TA-Lib's way of starting. */

class ParabolicSar {
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
    const before = { high: this.high, low: this.low };
    this.high = high;
    this.low = low;
    if (this.long === 1 ? low <= this.stop : high >= this.stop) return this.reverse(before);
    const current = this.stop;
    const isFurther = this.long === 1 ? high > this.extreme : low < this.extreme;
    if (isFurther) {
      this.extreme = this.long === 1 ? high : low;
      this.factor = Math.min(this.factor + this.acceleration, this.maximum);
    }
    this.advance(before);
    return current;
  }

  private reverse(before: { high: number; low: number }): number {
    this.long = 1 - this.long;
    this.stop = this.extreme;
    this.limit(before);
    const current = this.stop;
    this.factor = this.acceleration;
    this.extreme = this.long === 1 ? this.high : this.low;
    this.advance(before);
    return current;
  }

  private advance(before: { high: number; low: number }): void {
    this.stop = this.stop + this.factor * (this.extreme - this.stop);
    this.limit(before);
  }

  /** The stop never lies inside the range of this bar or of the one before. */
  private limit(before: { high: number; low: number }): void {
    this.stop =
      this.long === 1
        ? Math.min(this.stop, before.low, this.low)
        : Math.max(this.stop, before.high, this.high);
  }
}

/** Parabolic SAR (0.02 and 0.2 are usual); first value at index 1. */
export function createSar(
  acceleration: number,
  maximum: number,
): { next(high: number, low: number): number } {
  return new ParabolicSar(acceleration, maximum);
}
