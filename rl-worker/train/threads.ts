import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ThreadChoice } from "../../lib/policy/kernel/choices";

/** Slots of the control block that a crew shares. */
const ARRIVED = 0;
const ROUND = 1;
const FAILED = 2;
/** Looks at the block this often before it sleeps: a minibatch is often shorter than waking a thread takes. */
const SPINS = 20_000;
const CHECK_EVERY_MS = 200;

/** Thrown out of a barrier when another thread of the crew has failed; that thread reports why. */
export class ThreadFailedError extends Error {
  override readonly name = "ThreadFailedError";
}

/** A meeting point of `count` threads over shared memory. With one thread it costs nothing. */
export class Barrier {
  readonly block: Int32Array;

  constructor(
    readonly count: number,
    block?: Int32Array,
  ) {
    this.block = block ?? new Int32Array(new SharedArrayBuffer(12));
  }

  /** Returns once all threads have called it. All they wrote before is visible to all after. */
  meet(): void {
    if (this.count === 1) return;
    const { block } = this;
    const round = Atomics.load(block, ROUND);
    if (Atomics.add(block, ARRIVED, 1) + 1 === this.count) {
      Atomics.store(block, ARRIVED, 0);
      Atomics.add(block, ROUND, 1);
      Atomics.notify(block, ROUND);
      return;
    }
    for (let i = 0; i < SPINS; i++) if (Atomics.load(block, ROUND) !== round) return;
    while (Atomics.load(block, ROUND) === round) {
      if (Atomics.load(block, FAILED) !== 0) throw new ThreadFailedError("another thread failed");
      Atomics.wait(block, ROUND, round, CHECK_EVERY_MS);
    }
  }

  /** Lets every thread that waits, or ever will, give up. */
  fail(): void {
    Atomics.store(this.block, FAILED, 1);
    Atomics.notify(this.block, ROUND);
  }
}

/** Threads to train with: the number asked for, or for `auto` the processors there are, at most `limit`. */
export function threadCount(choice: ThreadChoice, limit: number): number {
  const count = choice === "auto" ? Math.min(availableParallelism(), limit) : choice;
  if (!Number.isInteger(count) || count < 1 || count > limit) {
    throw new RangeError(
      `threads must be an integer in 1 .. ${limit} (gradientLanes) or auto, got ${choice}`,
    );
  }
  return count;
}

export interface Call {
  id: number;
  method: string;
  args: unknown[];
}

/** Errors travel as text: a clone would lose its class. */
export type Reply =
  | { id: number; value: unknown }
  | { id: number; error: { name: string; message: string; stack?: string } };

/** A thread that answers calls in order. */
export interface Thread {
  call(method: string, args: unknown[]): Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Starts `moduleUrl`, a module of this repository in TypeScript or built, as a thread with its `data`.
 * Resolves when the module's first message says that it is ready; what it throws rejects the call under way.
 */
export function startThread(moduleUrl: string, data: unknown): Promise<Thread> {
  // Plain JavaScript that installs the TypeScript loader itself: whatever started this process, tsx or a test
  // runner, its own loader does not reach into a new thread.
  const bootstrap = new URL("./thread.mjs", import.meta.url);
  const worker = new Worker(bootstrap, { workerData: { moduleUrl, data }, execArgv: [] });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let nextId = 0;
  let failure: unknown;
  const thread: Thread = {
    call(method, args) {
      return new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        const call: Call = { id: nextId++, method, args };
        waiting.set(call.id, { resolve, reject });
        worker.postMessage(call);
      });
    },
    stop: async () => void (await worker.terminate()),
  };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      failure = error;
      reject(error);
      for (const call of waiting.values()) call.reject(error);
      waiting.clear();
    };
    worker.on("error", fail);
    worker.on("exit", (code) => fail(new Error(`a training thread ended with code ${code}`)));
    worker.on("message", (reply: Reply | "ready") => {
      if (reply === "ready") return resolve(thread);
      const call = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ("error" in reply) call?.reject(errorOf(reply.error));
      else call?.resolve(reply.value);
    });
  });
}

function errorOf({ name, message, stack }: { name: string; message: string; stack?: string }): Error {
  if (name === "ThreadFailedError") return new ThreadFailedError(message);
  const error = name === "RangeError" ? new RangeError(message) : new Error(message);
  error.stack = stack;
  return error;
}
