import { createPrng, type Prng } from "../core/prng";

/** Stored beside every value computed here. */
export const SPA_CONVENTION = "hansen-2005-spa/consistent/studentised/stationary-bootstrap";

/**
 * Hansen's test for superior predictive ability (2005): is the best of several models better than a benchmark,
 * given that several were tried? Statistic studentised by a stationary-bootstrap variance.
 */
export interface SpaResult {
  /** Mean loss of the benchmark minus mean loss of each model. */
  meanAdvantage: number[];
  /** Long-run deviation ω̂ of each. */
  deviation: number[];
  /** Models below their threshold −√((ω̂²/n)·2 ln ln n) are too bad to matter in the consistent p. */
  thresholds: number[];
  statistic: number;
  pLower: number;
  /** The one to report. */
  pConsistent: number;
  pUpper: number;
}

export interface SpaOptions {
  /** Row-major, `rows` periods by `columns`; column 0 is the benchmark's loss. */
  losses: ArrayLike<number>;
  rows: number;
  columns: number;
  /** Restart probability q = 1 / mean block length. */
  restartProbability: number;
  draws: number;
  seed: number;
}

/** Throws when the shape does not fit or a parameter is out of range. */
export function superiorPredictiveAbility(options: SpaOptions): SpaResult {
  const { losses, rows, columns, restartProbability: q, draws, seed } = options;
  if (losses.length !== rows * columns || columns < 2 || rows < 3) {
    throw new RangeError(
      `${losses.length} losses do not make ${rows} rows (>= 3) of ${columns} columns (>= 2).`,
    );
  }
  if (!(q > 0 && q <= 1) || !(draws >= 1)) {
    throw new RangeError(`restartProbability must be in (0, 1] and draws >= 1; got ${q} and ${draws}.`);
  }
  const models = columns - 1;
  const advantage = Array.from({ length: models }, (_, k) =>
    Float64Array.from({ length: rows }, (_, t) => losses[t * columns]! - losses[t * columns + k + 1]!),
  );
  const means = advantage.map((series) => series.reduce((sum, value) => sum + value, 0) / rows);
  const deviation = advantage.map((series, k) => longRunDeviation(series, means[k]!, q));
  const root = Math.sqrt(rows);
  const thresholds = deviation.map((omega) => -omega * Math.sqrt((2 * Math.log(Math.log(rows))) / rows));
  const studentised = (value: number, k: number) => (deviation[k]! > 0 ? (root * value) / deviation[k]! : 0);
  const statistic = Math.max(0, ...means.map(studentised));

  const centre = {
    lower: means.map((mean) => Math.max(mean, 0)),
    consistent: means.map((mean, k) => (mean >= thresholds[k]! ? mean : 0)),
    upper: means,
  };
  const exceed = { lower: 0, consistent: 0, upper: 0 };
  const random = createPrng(seed);
  const indices = new Int32Array(rows);
  for (let draw = 0; draw < draws; draw++) {
    fillStationaryIndices(indices, q, random);
    const resampled = advantage.map((series) => meanOf(series, indices));
    for (const kind of ["lower", "consistent", "upper"] as const) {
      const centred = resampled.map((mean, k) => studentised(mean - centre[kind][k]!, k));
      // A tie counts: with a statistic of 0 no model is better, and p must be 1 however bad they are.
      if (Math.max(0, ...centred) >= statistic) exceed[kind] += 1;
    }
  }
  return {
    meanAdvantage: means,
    deviation,
    thresholds,
    statistic,
    pLower: exceed.lower / draws,
    pConsistent: exceed.consistent / draws,
    pUpper: exceed.upper / draws,
  };
}

/** ω̂² = γ̂0 + 2Σ κ(n,i)γ̂ᵢ with κ = ((n−i)/n)(1−q)^i + (i/n)(1−q)^(n−i). */
function longRunDeviation(series: Float64Array, mean: number, q: number): number {
  const n = series.length;
  const autocovariance = (lag: number) => {
    let sum = 0;
    for (let t = lag; t < n; t++) sum += (series[t]! - mean) * (series[t - lag]! - mean);
    return sum / n;
  };
  let variance = autocovariance(0);
  for (let i = 1; i < n; i++) {
    const kernel = ((n - i) / n) * (1 - q) ** i + (i / n) * (1 - q) ** (n - i);
    variance += 2 * kernel * autocovariance(i);
  }
  return Math.sqrt(Math.max(0, variance));
}

/** Politis and Romano's stationary bootstrap: blocks of geometric length, wrapping at the end. */
function fillStationaryIndices(indices: Int32Array, q: number, random: Prng): void {
  const n = indices.length;
  let index = random.nextInt(n);
  for (let t = 0; t < n; t++) {
    if (t > 0) index = random.nextFloat() < q ? random.nextInt(n) : (index + 1) % n;
    indices[t] = index;
  }
}

function meanOf(series: Float64Array, indices: Int32Array): number {
  let sum = 0;
  for (let t = 0; t < indices.length; t++) sum += series[indices[t]!]!;
  return sum / indices.length;
}
