/** Calibration of stated probabilities against outcomes (1 happened, 0 did not). */

/** Stored beside a calibration error. */
export const CALIBRATION_CONVENTION = "expected-calibration-error/equal-width-bins/platt-on-purged-rows";

function assertPairs(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): void {
  if (probabilities.length === 0 || probabilities.length !== outcomes.length) {
    throw new RangeError(
      `${probabilities.length} probabilities for ${outcomes.length} outcomes; give one of each, at least one pair.`,
    );
  }
  for (let i = 0; i < probabilities.length; i++) {
    if (!(probabilities[i]! >= 0 && probabilities[i]! <= 1) || (outcomes[i] !== 0 && outcomes[i] !== 1)) {
      throw new RangeError(
        `Pair ${i} is (${probabilities[i]}, ${outcomes[i]}); want p in [0, 1] and y 0 or 1.`,
      );
    }
  }
}

/** Brier score: mean (p − y)²; 0 is perfect, 0.25 is what p = 0.5 earns. */
export function brierScore(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): number {
  assertPairs(probabilities, outcomes);
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) sum += (probabilities[i]! - outcomes[i]!) ** 2;
  return sum / probabilities.length;
}

export interface ReliabilityBin {
  count: number;
  meanProbability: number;
  frequency: number;
}

/** Reliability table over `bins` bins of equal width on [0, 1]; p = 1 belongs to the last. */
export function reliability(
  probabilities: ArrayLike<number>,
  outcomes: ArrayLike<number>,
  bins: number,
): ReliabilityBin[] {
  assertPairs(probabilities, outcomes);
  const table = Array.from({ length: bins }, () => ({ count: 0, meanProbability: 0, frequency: 0 }));
  for (let i = 0; i < probabilities.length; i++) {
    const bin = table[Math.min(bins - 1, Math.floor(probabilities[i]! * bins))]!;
    bin.count += 1;
    bin.meanProbability += probabilities[i]!;
    bin.frequency += outcomes[i]!;
  }
  for (const bin of table) {
    if (bin.count === 0) continue;
    bin.meanProbability /= bin.count;
    bin.frequency /= bin.count;
  }
  return table;
}

/** Expected calibration error: |mean p − frequency| per bin, weighted by count. */
export function expectedCalibrationError(
  probabilities: ArrayLike<number>,
  outcomes: ArrayLike<number>,
  bins: number,
): number {
  let error = 0;
  for (const bin of reliability(probabilities, outcomes, bins)) {
    error += (bin.count / probabilities.length) * Math.abs(bin.meanProbability - bin.frequency);
  }
  return error;
}

/** Maps a stated probability p to 1 / (1 + exp(-(slope · logit p + intercept))). */
export interface PlattScale {
  slope: number;
  intercept: number;
}

const EDGE = 1e-6;
const logit = (p: number) => {
  const inside = Math.min(1 - EDGE, Math.max(EDGE, p));
  return Math.log(inside / (1 - inside));
};

export function applyPlatt({ slope, intercept }: PlattScale, probability: number): number {
  return 1 / (1 + Math.exp(-(slope * logit(probability) + intercept)));
}

const NEWTON_STEPS = 50;
/** Keeps a separable or constant sample from running to infinity. */
const RIDGE = 1e-3;

/**
 * Logistic calibration by Newton's method on Platt's smoothed targets. Fit it on a slice that neither the model
 * nor the test has seen, or say where it was fitted. Source: Platt (1999), with Lin, Lin and Weng's targets (2007).
 */
export function fitPlatt(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): PlattScale {
  assertPairs(probabilities, outcomes);
  const count = probabilities.length;
  let positives = 0;
  for (let i = 0; i < count; i++) positives += outcomes[i]!;
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (count - positives + 2);
  let slope = 0;
  let intercept = Math.log((positives + 1) / (count - positives + 1));
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const gradient = [RIDGE * slope, 0];
    const hessian = [RIDGE, 0, RIDGE];
    for (let i = 0; i < count; i++) {
      const x = logit(probabilities[i]!);
      const p = 1 / (1 + Math.exp(-(slope * x + intercept)));
      const miss = p - (outcomes[i] === 1 ? high : low);
      const weight = p * (1 - p);
      gradient[0]! += miss * x;
      gradient[1]! += miss;
      hessian[0]! += weight * x * x;
      hessian[1]! += weight * x;
      hessian[2]! += weight;
    }
    const [a, b, c] = hessian as [number, number, number];
    const determinant = a * c - b * b;
    const slopeStep = (c * gradient[0]! - b * gradient[1]!) / determinant;
    const interceptStep = (a * gradient[1]! - b * gradient[0]!) / determinant;
    slope -= slopeStep;
    intercept -= interceptStep;
    if (Math.abs(slopeStep) + Math.abs(interceptStep) < 1e-10) break;
  }
  return { slope, intercept };
}
