/** All shares of a PPO run: starting those of the other threads, and calling every one at once. */
import type { PpoShare, ShareStart } from "./ppoShare";
import type { PpoThreadData } from "./ppoThread";
import type { PpoOptions } from "./ppoTypes";
import { type Barrier, startThread, type Thread, ThreadFailedError } from "./threads";

/** The shares of the other threads; none when the run has one thread. */
export async function startShares(
  { envSource }: PpoOptions,
  start: Omit<ShareStart, "thread" | "makeEnv" | "barrier">,
  barrier: Barrier,
): Promise<Thread[]> {
  if (start.threads === 1) return [];
  if (!envSource)
    throw new RangeError("threads above 1 need envSource, from which a thread makes environments");
  // Beside this module and of its kind: TypeScript in the repository, JavaScript in a build.
  const moduleUrl = new URL(`./ppoThread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
  const data = (thread: number): PpoThreadData => ({
    start: { ...start, thread },
    barrierBlock: barrier.block,
    envModuleUrl: envSource.moduleUrl,
    envData: envSource.data,
  });
  const numbers = Array.from({ length: start.threads - 1 }, (_, i) => i + 1);
  return Promise.all(numbers.map((thread) => startThread(moduleUrl.href, data(thread))));
}

type ShareMethod = "reset" | "restore" | "snapshot" | "collect" | "epoch";

/** Calls a method on all shares at once; the results come in the order of the threads. */
export function callEverywhere(share: PpoShare, others: Thread[], barrier: Barrier) {
  return async <M extends ShareMethod>(
    method: M,
    ...args: Parameters<PpoShare[M]>
  ): Promise<Array<Awaited<ReturnType<PpoShare[M]>>>> => {
    type Value = Awaited<ReturnType<PpoShare[M]>>;
    const theirs = Promise.allSettled(others.map((thread) => thread.call(method, args)));
    const own = share[method] as (...args: unknown[]) => Value | Promise<Value>;
    let ownValue: Value | undefined;
    let ownError: unknown;
    try {
      ownValue = await own.apply(share, args);
    } catch (error) {
      ownError = error;
      barrier.fail();
    }
    const settled = await theirs;
    const failed = settled.find(
      (result) => result.status === "rejected" && !(result.reason instanceof ThreadFailedError),
    );
    // A thread that only gave up because this one failed has nothing to say.
    if (ownError !== undefined && !(ownError instanceof ThreadFailedError)) throw ownError;
    if (failed?.status === "rejected") throw failed.reason;
    if (ownError !== undefined) throw ownError;
    return [ownValue!, ...settled.map((result) => (result as PromiseFulfilledResult<Value>).value)];
  };
}
