/**
 * Tree-structured Parzen estimators: configurations are split into the better quarter and the rest, each value's
 * density is estimated in both, l(x) and g(x), and what is proposed next is the likeliest under l relative to g.
 * Source: Bergstra, Bardenet, Bengio, Kégl, "Algorithms for Hyper-Parameter Optimization" (2011), section 4. Every
 * range is estimated apart; the prior over its whole width is one more kernel of each mixture.
 */
import { createPrng, type Prng } from "../core/prng";
import { normalCdf, normalPdf } from "../stats/normal";
import { type SearchRange, sampleConfigurations, unitOf, valueAt } from "./sampleConfigurations";

/** A configuration that was tried, by its order of proposal; null where it failed, which counts as the worst. */
export interface Observed {
  configuration: Record<string, number>;
  score: number | null;
}

/** Share of the trials that l is estimated from. */
const BETTER_SHARE = 0.25;
/** Values drawn from l, of which the one with the largest l / g is proposed. */
const CANDIDATES = 24;
/** Random configurations before the first estimate: a quarter of all, and at least this many. */
const RANDOM_MIN = 4;
/** Configurations proposed at a time, which as many workers can share. */
const BATCH = 4;

/**
 * The configurations to try after `observed`, all of which have ended; none when there are `total` of them. The same
 * observations and seed give the same proposals, whoever asks and whichever trial ended first.
 */
export function proposeConfigurations(
  ranges: readonly SearchRange[],
  observed: readonly Observed[],
  total: number,
  seed: number,
): Record<string, number>[] {
  const random = Math.min(total, Math.max(RANDOM_MIN, Math.ceil(total / 4)));
  if (observed.length < random) {
    return sampleConfigurations(ranges, random, seed).slice(observed.length);
  }
  const proposed: Record<string, number>[] = [];
  while (proposed.length < BATCH && observed.length + proposed.length < total) {
    // Those under way count as failed until they have a score, so that a batch does not propose one place four times.
    const pending = proposed.map((configuration) => ({ configuration, score: null }));
    const known = [...observed, ...pending];
    proposed.push(proposal(ranges, known, createPrng(seed * 10_007 + known.length)));
  }
  return proposed;
}

function proposal(ranges: readonly SearchRange[], known: readonly Observed[], random: Prng) {
  const scored = known.filter(({ score }) => score !== null).sort((a, b) => b.score! - a.score!);
  const better = new Set(scored.slice(0, Math.max(1, Math.ceil(BETTER_SHARE * scored.length))));
  const values = (name: string, ofBetter: boolean) =>
    known.filter((row) => better.has(row) === ofBetter).map(({ configuration }) => configuration[name]!);
  return Object.fromEntries(
    ranges.map((range) => {
      const [good, rest] = [values(range.name, true), values(range.name, false)];
      return [
        range.name,
        range.scale === "choice" ? choice(range, good, rest, random) : real(range, good, rest, random),
      ];
    }),
  );
}

/** Categorical: counts with one of each before anything was seen; the largest l / g among those drawn from l. */
function choice({ choices }: SearchRange, good: number[], rest: number[], random: Prng): number {
  const shares = (seen: number[]) => {
    const counts = choices.map((value) => 1 + seen.filter((other) => other === value).length);
    const sum = counts.reduce((total, count) => total + count, 0);
    return counts.map((count) => count / sum);
  };
  const [l, g] = [shares(good), shares(rest)];
  const draw = () => {
    let left = random.nextFloat();
    for (const [index, share] of l.entries()) {
      left -= share;
      if (left < 0) return index;
    }
    return l.length - 1;
  };
  return choices[bestOf(draw, (index) => l[index]! / g[index]!)]!;
}

function real(range: SearchRange, good: number[], rest: number[], random: Prng): number {
  const [l, g] = [good, rest].map((seen) => parzen(seen.map((value) => unitOf(range, value))));
  const draw = () => {
    const { centre, width } = l!.kernels[random.nextInt(l!.kernels.length)]!;
    for (;;) {
      const u = centre + width * random.nextGaussian();
      if (u >= 0 && u < 1) return u;
    }
  };
  return valueAt(
    range,
    bestOf(draw, (u) => l!.density(u) / g!.density(u)),
  );
}

function bestOf(draw: () => number, ratio: (value: number) => number): number {
  let best = draw();
  let bestRatio = ratio(best);
  for (let i = 1; i < CANDIDATES; i++) {
    const next = draw();
    const nextRatio = ratio(next);
    if (nextRatio > bestRatio) [best, bestRatio] = [next, nextRatio];
  }
  return best;
}

interface Kernel {
  centre: number;
  width: number;
}

/**
 * Gaussians truncated to [0, 1], one for each value and one for the prior, all of one weight. Each is as wide as the
 * farther of its two neighbours (the ends of the range are neighbours too), within 1/100 or 1/(n+1), and 1.
 */
function parzen(values: readonly number[]): { kernels: Kernel[]; density(u: number): number } {
  const prior = { centre: 0.5, width: 1 };
  const sorted = [...values, prior.centre].sort((a, b) => a - b);
  const narrowest = 1 / Math.min(100, values.length + 2);
  const kernels = values.map((centre) => {
    const at = sorted.indexOf(centre);
    const below = centre - (sorted[at - 1] ?? 0);
    const above = (sorted[at + 1] ?? 1) - centre;
    return { centre, width: Math.min(1, Math.max(narrowest, below, above)) };
  });
  kernels.push(prior);
  const masses = kernels.map(
    ({ centre, width }) => normalCdf((1 - centre) / width) - normalCdf(-centre / width),
  );
  return {
    kernels,
    density: (u) =>
      kernels.reduce(
        (sum, { centre, width }, i) => sum + normalPdf((u - centre) / width) / (width * masses[i]!),
        0,
      ) / kernels.length,
  };
}
