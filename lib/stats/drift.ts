/** Distribution shift between a reference and a current sample. */

/** Stands in for an empty bin, so that one missing value does not make the index infinite. */
const EMPTY_SHARE = 1e-4;

/**
 * Population stability index Σ(c − r)·ln(c/r) over the shares of the same bins. Rules of thumb: 0.1 watch,
 * 0.25 act. Throws when the shares differ in number or are not in [0, 1].
 */
export function populationStabilityIndex(reference: ArrayLike<number>, current: ArrayLike<number>): number {
  if (reference.length !== current.length || reference.length === 0) {
    throw new RangeError(`${reference.length} reference shares for ${current.length} current ones.`);
  }
  let sum = 0;
  for (let i = 0; i < reference.length; i++) {
    if (!(reference[i]! >= 0 && reference[i]! <= 1 && current[i]! >= 0 && current[i]! <= 1)) {
      throw new RangeError(`Share ${i} is (${reference[i]}, ${current[i]}); shares lie in [0, 1].`);
    }
    const r = Math.max(reference[i]!, EMPTY_SHARE);
    const c = Math.max(current[i]!, EMPTY_SHARE);
    sum += (c - r) * Math.log(c / r);
  }
  return sum;
}

/** Shares of both samples in `bins` bins bounded by the reference's quantiles. */
export function quantileShares(
  reference: ArrayLike<number>,
  current: ArrayLike<number>,
  bins: number,
): { reference: number[]; current: number[] } {
  const sorted = Float64Array.from(reference).sort();
  const edges = Array.from(
    { length: bins - 1 },
    (_, i) => sorted[Math.min(sorted.length - 1, Math.floor(((i + 1) * sorted.length) / bins))]!,
  );
  return { reference: binShares(edges, reference), current: binShares(edges, current) };
}

/** Share of the sample in each bin; `edges` are the ascending lower bounds of all bins but the first. */
export function binShares(edges: readonly number[], sample: ArrayLike<number>): number[] {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (let i = 0; i < sample.length; i++) {
    let bin = 0;
    while (bin < edges.length && sample[i]! >= edges[bin]!) bin += 1;
    counts[bin]! += 1;
  }
  return counts.map((count) => count / sample.length);
}

/**
 * Two-sample Kolmogorov–Smirnov test: the largest distance of the empirical distributions and its asymptotic
 * p-value with Stephens' small-sample correction (Numerical Recipes, section 14.3).
 */
export function kolmogorovSmirnov(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
): { statistic: number; pValue: number } {
  if (first.length === 0 || second.length === 0)
    throw new RangeError("Both samples need at least one value.");
  const a = Float64Array.from(first).sort();
  const b = Float64Array.from(second).sort();
  let i = 0;
  let j = 0;
  let statistic = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i]!, b[j]!);
    if (Number.isNaN(value)) throw new RangeError("A sample holds NaN.");
    while (i < a.length && a[i]! <= value) i += 1;
    while (j < b.length && b[j]! <= value) j += 1;
    statistic = Math.max(statistic, Math.abs(i / a.length - j / b.length));
  }
  const root = Math.sqrt((a.length * b.length) / (a.length + b.length));
  return { statistic, pValue: kolmogorovTail((root + 0.12 + 0.11 / root) * statistic) };
}

/** P(K > x) of the Kolmogorov distribution: 2 Σ (−1)^(k−1) exp(−2k²x²). */
export function kolmogorovTail(x: number): number {
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) {
    const term = Math.exp(-2 * k * k * x * x);
    sum += k % 2 === 1 ? term : -term;
    if (term < 1e-17) break;
  }
  return Math.min(1, Math.max(0, 2 * sum));
}

/** Benjamini–Hochberg: which hypotheses are refused when the false-discovery rate is held at `rate`. */
export function benjaminiHochberg(pValues: readonly number[], rate: number): boolean[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  let accepted = -1;
  order.forEach(({ p }, i) => {
    if (p <= (rate * (i + 1)) / pValues.length) accepted = i;
  });
  const refused = new Array<boolean>(pValues.length).fill(false);
  for (let i = 0; i <= accepted; i++) refused[order[i]!.index] = true;
  return refused;
}
