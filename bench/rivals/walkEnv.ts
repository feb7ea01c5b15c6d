import { createPrng, prngFromState } from "../../lib/core/prng";
import type { Env } from "../../rl-worker/env/types";

/** Observation width of the table in the issue; the action is one of four. */
export const WALK_WIDTH = 128;
export const WALK_ACTIONS = 4;
const ROWS = 4096;
const EPISODE_STEPS = 1_000;

/**
 * The environment that all rivals of bench/training.ts step: a shared table of observations, a reward that is
 * one of its numbers, episodes of 1,000 steps. It costs next to nothing, so that the algorithm is measured.
 * bench/rivals/ppo_torch.py holds the same in numpy, for all its environments at once.
 */
export function makeEnvs(table: unknown): () => Env {
  const observations = table as Float32Array;
  return () => {
    let prng = createPrng(0);
    let row = 0;
    let left = 0;
    return {
      observationSize: WALK_WIDTH,
      actionCount: WALK_ACTIONS,
      reset(seed) {
        prng = createPrng(seed);
        row = prng.nextInt(ROWS);
        left = EPISODE_STEPS;
      },
      observe(out, offset) {
        out.set(observations.subarray(row * WALK_WIDTH, (row + 1) * WALK_WIDTH), offset);
      },
      step(action) {
        const reward = observations[row * WALK_WIDTH + action]!;
        row = (row + 1 + action) % ROWS;
        left -= 1;
        return { reward, terminated: false, truncated: left === 0 };
      },
      snapshot: () => ({ prng: prng.state(), row, left }),
      restore(state) {
        const from = state as { prng: number[]; row: number; left: number };
        prng = prngFromState(from.prng);
        ({ row, left } = from);
      },
    };
  };
}

/** Standard normal observations in memory that threads share. */
export function walkTable(seed: number): Float32Array {
  const table = new Float32Array(new SharedArrayBuffer(ROWS * WALK_WIDTH * 4));
  const prng = createPrng(seed);
  for (let i = 0; i < table.length; i++) table[i] = prng.nextGaussian();
  return table;
}
