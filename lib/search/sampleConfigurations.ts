/** Random configurations over declared ranges, and the ladder of a successive-halving search. */

import { createPrng } from "../core/prng";
import { err, ok, type Result } from "../core/result";

/** linear and log draw reals, integer draws whole numbers, choice draws one of `choices`. */
export interface SearchRange {
  name: string;
  scale: "linear" | "log" | "integer" | "choice";
  min: number;
  max: number;
  choices: number[];
}

export const SEARCH_LIMITS = { configurationsMax: 32, rangesMax: 12, rungsMax: 5 } as const;

/** The first range that cannot be drawn from, as field and message; ok when all can. */
export function checkRanges(
  ranges: readonly SearchRange[],
): Result<true, { field: string; message: string }> {
  if (ranges.length < 1 || ranges.length > SEARCH_LIMITS.rangesMax) {
    return err({ field: "ranges", message: `give 1 to ${SEARCH_LIMITS.rangesMax} ranges` });
  }
  const names = new Set<string>();
  for (const { name, scale, min, max, choices } of ranges) {
    const field = `ranges.${name}`;
    if (name === "" || names.has(name))
      return err({ field, message: `${field} is named twice or not at all` });
    names.add(name);
    if (scale === "choice") {
      if (choices.length < 1 || choices.length > 32)
        return err({ field, message: `${field} needs 1 to 32 choices` });
      continue;
    }
    if (!(min < max)) return err({ field, message: `${field} needs min below max` });
    if (scale === "log" && !(min > 0))
      return err({ field, message: `${field} needs min above 0 to be drawn on a log scale` });
    if (scale === "integer" && !(Number.isInteger(min) && Number.isInteger(max)))
      return err({ field, message: `${field} needs whole numbers as min and max` });
  }
  return ok(true);
}

/**
 * `count` configurations, each value drawn independently (Bergstra and Bengio, 2012); the same seed gives the
 * same ones. `ranges` must have passed `checkRanges`.
 */
export function sampleConfigurations(
  ranges: readonly SearchRange[],
  count: number,
  seed: number,
): Record<string, number>[] {
  const random = createPrng(seed);
  return Array.from({ length: count }, () =>
    Object.fromEntries(ranges.map((range) => [range.name, valueAt(range, random.nextFloat())])),
  );
}

/** The value at a share u of [0, 1) of the range's width, on its scale. */
export function valueAt({ scale, min, max, choices }: SearchRange, u: number): number {
  switch (scale) {
    case "choice":
      return choices[Math.floor(u * choices.length)]!;
    case "integer":
      return min + Math.floor(u * (max - min + 1));
    case "log":
      // A power of the ratio needs no logarithm of the host's.
      return Math.min(max, min * (max / min) ** u);
    case "linear":
      return min + u * (max - min);
  }
}

/** The share of the range's width at which a real or whole value lies, in [0, 1]; the inverse of `valueAt`. */
export function unitOf({ scale, min, max }: SearchRange, value: number): number {
  if (scale === "log") return Math.log(value / min) / Math.log(max / min);
  if (scale === "integer") return (value - min + 0.5) / (max - min + 1);
  return (value - min) / (max - min);
}

export interface Rung {
  steps: number;
  configurations: number;
}

/**
 * Successive halving (Jamieson and Talwalkar, 2016): every rung trains `reduction` times as long and keeps one in
 * `reduction` of the configurations, down to one. `rungs` 1 is plain random search.
 */
export function halvingLadder(
  configurations: number,
  firstSteps: number,
  reduction: number,
  rungs: number,
): Rung[] {
  const ladder: Rung[] = [];
  let left = configurations;
  let steps = firstSteps;
  for (let i = 0; i < rungs; i++) {
    ladder.push({ steps, configurations: left });
    if (left === 1) break;
    left = Math.max(1, Math.ceil(left / reduction));
    steps *= reduction;
  }
  return ladder;
}

/** Indices of the best `keep` by score, best first; a configuration without a score (it failed) is last. */
export function survivors(scores: readonly (number | null)[], keep: number): number[] {
  return scores
    .map((score, index) => ({ score: score ?? Number.NEGATIVE_INFINITY, index }))
    .filter(({ score }) => score > Number.NEGATIVE_INFINITY)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, keep)
    .map(({ index }) => index);
}
