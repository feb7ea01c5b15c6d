import { ln } from "../core/math";
import { RollingWindow } from "../indicators/window";
import type { Column, ColumnMaking } from "./kinds";

const HOUR_MS = 3_600_000;

/**
 * Kinds that read a side feed. A feed without a point, or whose newest point is older than `maxAgeHours`, is
 * absent: value 0, age 0 and presence flag 0. Nothing is carried on beyond that age and nothing is filled in.
 */
export const SIDE_KINDS: Record<string, (making: ColumnMaking) => Column> = {
  sidePresent: ({ param, side }) => {
    const [feed, maxAgeMs] = [side(), param("maxAgeHours") * HOUR_MS];
    return () => (Number.isNaN(feed.current(maxAgeMs)) ? 0 : 1);
  },
  sideValue: ({ param, side }) => {
    const [feed, maxAgeMs, scale] = [side(), param("maxAgeHours") * HOUR_MS, param("scale")];
    return () => {
      const value = feed.current(maxAgeMs);
      return Number.isNaN(value) ? 0 : value * scale;
    };
  },
  /** Whole bars since the point in force could be known. */
  sideAgeBars: ({ param, side }) => {
    const [feed, maxAgeMs] = [side(), param("maxAgeHours") * HOUR_MS];
    return ({ stepMs }) => (Number.isNaN(feed.current(maxAgeMs)) ? 0 : Math.floor(feed.ageMs() / stepMs));
  },
  sideLogChange: (making) => {
    const change = createLogChange(making);
    return () => {
      const value = change();
      return Number.isNaN(value) ? 0 : value;
    };
  },
  sideLogChangePresent: (making) => {
    const change = createLogChange(making);
    return () => (Number.isNaN(change()) ? 0 : 1);
  },
};

/** ln of the value in force over the one in force `bars` bars ago; NaN when either was absent or not above 0. */
function createLogChange({ param, keep, side }: ColumnMaking): () => number {
  const [feed, maxAgeMs] = [side(), param("maxAgeHours") * HOUR_MS];
  const values = keep(new RollingWindow(param("bars") + 1));
  return () => {
    const now = feed.current(maxAgeMs);
    if (!values.push(now)) return Number.NaN;
    const before = values.oldest();
    return now > 0 && before > 0 ? ln(now / before) : Number.NaN;
  };
}
