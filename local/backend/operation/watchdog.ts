import { url as inspectorUrl } from "node:inspector";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { currentCall } from "../runtime/callContext";

const TICK_MS = 50;
const PROBE = "assay.watchdog";
const MB = 1 << 20;

export interface WatchdogLimits {
  /** For how long the main loop may stand still, ms; 0 does not watch it. */
  maxBlockedMs: number;
  /** What the process may hold on to in objects and buffers, MB; 0 does not watch it. */
  maxHeapMb: number;
}

/** The limit that is watched: the engine's own ends the process with a stack dump, so ours stays well below it. */
export function heapLimitMb(wantedMb: number): number {
  return Math.min(wantedMb, Math.floor(getHeapStatistics().heap_size_limit / MB / 2));
}

function usedMb(): number {
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MB;
}

/** The engine's full collection, which it shows to contexts made while a flag is set. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  return collect;
}

/**
 * Ends the process, with the function's name on stderr, when the main loop has not turned for too long or the process holds too much:
 * code that never yields or never lets go cannot be stopped from inside, and a supervisor's fresh start serves the others again. Does
 * nothing under a debugger. Returns a function that stops watching.
 */
export function startWatchdog({ maxBlockedMs, maxHeapMb }: WatchdogLimits): () => void {
  if (inspectorUrl() !== undefined || (maxBlockedMs === 0 && maxHeapMb === 0)) return () => {};
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const beating = setInterval(() => Atomics.add(beats, 0, 1), TICK_MS / 2);
  beating.unref();
  const collectGarbage = garbageCollector();
  // Evaluated by the debugger, also while the main loop stands inside a function.
  Object.assign(globalThis, {
    [Symbol.for(PROBE)]: {
      call() {
        const call = currentCall();
        return call ? { path: call.path, requestId: call.root.requestId } : {};
      },
      usedMb,
      /** Without garbage; takes about a second for a gigabyte. */
      heldMb() {
        collectGarbage();
        return usedMb();
      },
    },
  });
  const worker = new Worker(new URL("./watchdogThread.mjs", import.meta.url), {
    workerData: {
      beats,
      tickMs: TICK_MS,
      maxBlockedMs,
      maxHeapMb: heapLimitMb(maxHeapMb),
      probe: `globalThis[Symbol.for(${JSON.stringify(PROBE)})]`,
    },
    execArgv: [],
  });
  worker.unref();
  return () => {
    clearInterval(beating);
    void worker.terminate();
  };
}
