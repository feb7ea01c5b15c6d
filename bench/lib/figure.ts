import { float64ToBytes } from "../../lib/core/bytes";
import { sha256Hex } from "../../lib/core/sha256";

/** One measured figure. `resultHash` is of what was computed, so that a faster wrong answer shows. */
export interface BenchFigure {
  name: string;
  value: number;
  unit: string;
  /** Samples behind the value, which is their median unless the name says otherwise. */
  n: number;
  resultHash: string;
}

/** Prints one figure as one JSON line on stdout. */
export function printFigure(figure: BenchFigure): void {
  if (!Number.isFinite(figure.value)) throw new Error(`${figure.name} is ${figure.value}`);
  const value = Number(figure.value.toPrecision(5));
  process.stdout.write(`${JSON.stringify({ ...figure, value })}\n`);
}

/** Middle value; the mean of the two middle ones when there is an even number. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("median needs at least one value");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Median milliseconds of one call of each candidate. Rounds alternate between the candidates, so that a
 * noisy neighbour on the machine meets all of them alike; a first round warms up and is not counted.
 */
export function medianMs<K extends string>(
  candidates: Record<K, () => void>,
  { rounds, callsPerRound }: { rounds: number; callsPerRound: number },
): Record<K, number> {
  const names = Object.keys(candidates) as K[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, number[]>;
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const started = performance.now();
      for (let i = 0; i < callsPerRound; i++) candidates[name]();
      if (round > 0) samples[name].push((performance.now() - started) / callsPerRound);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(samples[name])])) as Record<K, number>;
}

/** Short SHA-256 over the bits of numbers. */
export function hashNumbers(values: ArrayLike<number>): string {
  return sha256Hex(float64ToBytes(Float64Array.from(values))).slice(0, 16);
}
