import type { KeyRange } from "../store/store";

/** A touched key that stands for every row there is: an import replaced whole tables. */
export const EVERYTHING = "";

/** A range of row keys; with `admits`, only those of its keys that pass. */
export interface ReadRange extends KeyRange {
  /** Last key that belongs to it, where that is known; then `to` says nothing. */
  through: string | null;
  admits: ((key: string) => boolean) | null;
}

/**
 * What a query consumed, as row keys and key ranges; nothing more, so that a limit narrows it. A range grows while its
 * rows are consumed.
 */
export class ReadSet {
  readonly points = new Set<string>();
  readonly ranges: ReadRange[] = [];

  point(key: string): void {
    this.points.add(key);
  }

  range(from: string, to: string, admits: ReadRange["admits"] = null): ReadRange {
    const range = { from, to, through: null, admits };
    this.ranges.push(range);
    return range;
  }

  /** True when a written row key lies in what was read. */
  contains(key: string): boolean {
    if (this.points.has(key)) return true;
    for (const range of this.ranges) {
      const { from, to, through, admits } = range;
      const isWithin = key >= from && (through === null ? key < to : key <= through);
      if (isWithin && (admits?.(key) ?? true)) return true;
    }
    return false;
  }

  overlaps(touched: ReadonlySet<string>): boolean {
    if (touched.has(EVERYTHING)) return true;
    for (const key of touched) if (this.contains(key)) return true;
    return false;
  }
}
