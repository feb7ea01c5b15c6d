import { AsyncLocalStorage } from "node:async_hooks";
import { promiseHooks } from "node:v8";
import type { CallState } from "./callState";

/** The call whose code runs now, where a promise brought it here. */
let running: CallState | undefined;

/** On every promise that a call's code made, so that what continues behind it is that call's too. */
const OWNER = Symbol("call");
type Owned = Promise<unknown> & { [OWNER]?: CallState };

/**
 * Calls of "use node" modules, whose code may come back through any callback of Node. It makes every promise of the process
 * dearer from its first use on, so nothing else uses it.
 */
const nodeCalls = new AsyncLocalStorage<CallState>();

let isWatching = false;

/**
 * Default-runtime code comes back through promises, and through the timers and microtasks that globals.ts binds. Following the
 * promises alone costs a range query a sixth less than AsyncLocalStorage, which numbers and stacks them all.
 */
function watchPromises(): void {
  if (isWatching) return;
  isWatching = true;
  promiseHooks.createHook({
    init(promise) {
      if (running !== undefined) (promise as Owned)[OWNER] = running;
    },
    before(promise) {
      running = (promise as Owned)[OWNER];
    },
    after() {
      running = undefined;
    },
  });
}

/** The call that the code running now belongs to; undefined for the backend's own. */
export function currentCall(): CallState | undefined {
  return running ?? nodeCalls.getStore();
}

/** Runs what starts or continues a call's code: it and all that follows from it finds `state` by {@link currentCall}. */
export function runCall<T>(state: CallState, run: () => T): T {
  watchPromises();
  const before = running;
  const isNode = state.runtime === "node";
  running = isNode ? undefined : state;
  try {
    return isNode ? nodeCalls.run(state, run) : run();
  } finally {
    running = before;
  }
}

/** Starts work that outlives the call that woke it and must not be taken for its. */
export function outsideCalls<T>(run: () => T): T {
  const before = running;
  running = undefined;
  try {
    return nodeCalls.exit(run);
  } finally {
    running = before;
  }
}

/** Keeps a callback with the call that made it. What it throws is that call's failure and reaches nobody else. */
export function boundToCall<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
  const state = currentCall();
  if (!state) return callback;
  return (...args) => {
    try {
      runCall(state, () => callback(...args));
    } catch (error) {
      reportLeftBehind(state, error);
    }
  };
}

/** Logs what a function's code threw where no caller waits for it. */
export function reportLeftBehind({ root, path }: CallState, error: unknown): void {
  root.backend.log("error", "function.uncaughtException", {
    path,
    error: (error as Error | null)?.stack ?? String(error),
  });
}
