import { randomBytes } from "node:crypto";

/** The seam of nondeterminism: tests and simulations inject their own. */
export interface Ports {
  /** Milliseconds since the epoch. */
  now(): number;
  randomBytes(length: number): Uint8Array;
  /** Runs `task` after `delayMs`; returns a cancel function. */
  setTimer(delayMs: number, task: () => void): () => void;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemPorts: Ports = {
  now: () => Date.now(),
  randomBytes: (length) => randomBytes(length),
  setTimer(delayMs, task) {
    const timer = setTimeout(task, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
