import { createHash } from "node:crypto";
import { median, printFigure } from "./figure";

/** Short hash of what was computed. */
export function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

/** Nearest-rank percentile. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * fraction) - 1)]!;
}

/** Milliseconds of each of `rounds` runs of `work`, after `warmUpRounds` that are not counted (their rounds are negative). */
export async function sample(
  rounds: number,
  work: (round: number) => unknown,
  warmUpRounds = 10,
): Promise<number[]> {
  const samples: number[] = [];
  for (let round = -warmUpRounds; round < rounds; round++) {
    const started = performance.now();
    await work(round);
    if (round >= 0) samples.push(performance.now() - started);
  }
  return samples;
}

/** Prints the median and the given percentiles of samples in milliseconds; `result` is hashed. */
export function printLatency(name: string, samples: number[], result: unknown, percentiles = [95]): void {
  const n = samples.length;
  const resultHash = digest(result);
  printFigure({ name: `${name}, p50`, value: median(samples), unit: "ms", n, resultHash });
  for (const p of percentiles) {
    printFigure({ name: `${name}, p${p}`, value: percentile(samples, p / 100), unit: "ms", n, resultHash });
  }
}

/** Prints how many of something happened in a second. */
export function printRate(name: string, n: number, seconds: number, unit: string, result: unknown): void {
  printFigure({ name, value: n / seconds, unit, n, resultHash: digest(result) });
}
