/** Calibration of stated probabilities against outcomes (1 happened, 0 did not). */

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
