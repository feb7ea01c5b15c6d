import { url as inspectorUrl } from "node:inspector";
import { Worker } from "node:worker_threads";
import { callStorage } from "../runtime/callState";

const TICKS = 10;
const CURRENT_CALL = "assay.currentCall";

/**
 * Ends the process, with the function's name on stderr, when the main loop has not turned for `limitMs`: code that never
 * yields cannot be stopped from inside, and a supervisor's fresh start serves the others again. Does nothing under a debugger.
 * Returns a function that stops watching.
 */
export function startWatchdog(limitMs: number): () => void {
  if (inspectorUrl() !== undefined) return () => {};
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const beating = setInterval(() => Atomics.add(beats, 0, 1), limitMs / TICKS / 2);
  beating.unref();
  // Evaluated by the debugger while the main loop stands inside the function.
  Object.assign(globalThis, {
    [Symbol.for(CURRENT_CALL)]: () => {
      const call = callStorage.getStore();
      return call ? { path: call.path, requestId: call.root.requestId } : {};
    },
  });
  const currentCall = `globalThis[Symbol.for(${JSON.stringify(CURRENT_CALL)})]()`;
  const worker = new Worker(new URL("./watchdogThread.mjs", import.meta.url), {
    workerData: { beats, limitMs, ticks: TICKS, currentCall },
    execArgv: [],
  });
  worker.unref();
  return () => {
    clearInterval(beating);
    void worker.terminate();
  };
}
