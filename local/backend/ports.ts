import { randomBytes } from "node:crypto";

/** The seam of nondeterminism, with the disk (store/disk.ts): tests and simulations inject their own. */
export interface Ports {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds of a clock that only runs forward, for durations. */
  elapsedMs(): number;
  /** Milliseconds of processor time that the process has used. */
  cpuMs(): number;
  randomBytes(length: number): Uint8Array;
  /** Runs `task` after `delayMs`; returns a cancel function. */
  setTimer(delayMs: number, task: () => void): () => void;
  /** Runs `task` after what is already waiting to run. */
  defer(task: () => void): void;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

const POOL_BYTES = 8192;
let pool = randomBytes(0);
let poolAt = 0;

/** Small draws come from a pool: a system call for each would cost more than a whole document write. */
function pooledRandomBytes(length: number): Uint8Array {
  if (length > 64) return randomBytes(length);
  if (poolAt + length > pool.length) {
    pool = randomBytes(POOL_BYTES);
    poolAt = 0;
  }
  poolAt += length;
  return Uint8Array.prototype.slice.call(pool, poolAt - length, poolAt);
}

export const systemPorts: Ports = {
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
  cpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  randomBytes: pooledRandomBytes,
  setTimer(delayMs, task) {
    const timer = setTimeout(task, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
  defer: (task) => void setImmediate(task),
};
