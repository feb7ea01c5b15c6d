/**
 * Starts a crash-only process again when it dies: its jobs are leased, so the next one goes on where it was. A
 * process that keeps dying is given up, and the desk with it.
 */
import type { Child } from "./child";

const RESTARTS_MAX = 5;
/** A process that lived this long has its earlier deaths forgiven. */
const HEALTHY_AFTER_MS = 60_000;
const BACKOFF_MAX_MS = 30_000;

/** A child that stands for all the processes started in its place; it has exited when they are given up. */
export async function supervise(start: () => Promise<Child>, say: (line: string) => void): Promise<Child> {
  const stopping = new AbortController();
  let current = await start();
  const { name } = current;

  async function untilGivenUp(): Promise<number> {
    let failures = 0;
    for (;;) {
      const startedAtMs = performance.now();
      const code = await current.exited;
      if (stopping.signal.aborted) return code;
      if (performance.now() - startedAtMs > HEALTHY_AFTER_MS) failures = 0;
      failures += 1;
      if (failures > RESTARTS_MAX) return code;
      const delayMs = Math.min(BACKOFF_MAX_MS, 1_000 * 2 ** (failures - 1));
      say(`The ${name} ended unexpectedly (code ${code}); starting it again in ${delayMs / 1000} s ...`);
      await sleep(delayMs, stopping.signal);
      if (stopping.signal.aborted) return code;
      try {
        current = await start();
        say(`The ${name} runs again.`);
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
      }
    }
  }

  return {
    name,
    readyLine: current.readyLine,
    exited: untilGivenUp(),
    async stop(graceMs) {
      stopping.abort();
      await current.stop(graceMs);
    },
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
