/**
 * Starts a crash-only process again when it dies: the worker's jobs are leased and the backend keeps all that it acknowledged,
 * so the next one goes on where it was. A process that keeps dying is given up, and the desk with it.
 */
import type { Child } from "./child";

const RESTARTS_MAX = 5;
/** A process that lived this long has its earlier deaths forgiven. */
const HEALTHY_AFTER_MS = 60_000;
const BACKOFF_MAX_MS = 30_000;

/**
 * A child that stands for all the processes started in its place; it has exited when they are given up, and its last words then
 * say why. Stopping it ends a start that is under way, too.
 */
export async function supervise(
  start: (signal: AbortSignal) => Promise<Child>,
  say: (line: string) => void,
): Promise<Child> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let current = await start(signal);
  let lastWords = current.lastWords;
  const { name } = current;

  /** Starts the next process; false when it is not worth another try, or the desk stops. */
  async function replace(failures: number, why: string): Promise<boolean> {
    if (signal.aborted || failures > RESTARTS_MAX) return false;
    const delayMs = Math.min(BACKOFF_MAX_MS, 1_000 * 2 ** (failures - 1));
    say(`${why}; starting it again in ${delayMs / 1000} s ...`);
    await sleep(delayMs, signal);
    if (signal.aborted) return false;
    try {
      current = await start(signal);
      lastWords = current.lastWords;
      say(`The ${name} runs again.`);
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      lastWords = () => reason;
      return false;
    }
  }

  async function untilGivenUp(): Promise<number> {
    let failures = 0;
    for (;;) {
      const startedAtMs = performance.now();
      const code = await current.exited;
      if (performance.now() - startedAtMs > HEALTHY_AFTER_MS) failures = 0;
      let why = `The ${name} ended unexpectedly (code ${code})`;
      const sentence = lastSentence(lastWords());
      if (sentence !== null) why = `${sentence}\n${why}`;
      while (!(await replace(++failures, why))) {
        if (signal.aborted || failures > RESTARTS_MAX) return code;
        why = lastWords();
      }
    }
  }

  const exited = untilGivenUp();
  return {
    name,
    readyLine: current.readyLine,
    exited,
    lastWords: () => lastWords(),
    async stop(graceMs) {
      stopping.abort();
      await current.stop(graceMs);
      await exited;
    },
  };
}

/** The last line when it was written for people; log lines are JSON. */
function lastSentence(words: string): string | null {
  const line = words.split("\n").at(-1) ?? "";
  return line === "" || line.startsWith("{") ? null : line;
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
