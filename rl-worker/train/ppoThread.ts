/** A training thread beside the main one: makes its environments and does its share of every call. */
import { parentPort, workerData } from "node:worker_threads";
import type { Env } from "../env/types";
import { PpoShare, type ShareStart } from "./ppoShare";
import { Barrier, type Call, type Reply } from "./threads";

/** What the main thread gives a thread at its start. */
export interface PpoThreadData {
  start: Omit<ShareStart, "makeEnv" | "barrier">;
  barrierBlock: Int32Array;
  envModuleUrl: string;
  envData: unknown;
}

const port = parentPort!;
const { start, barrierBlock, envModuleUrl, envData } = workerData.data as PpoThreadData;
const barrier = new Barrier(start.threads, barrierBlock);
const { makeEnvs } = (await import(envModuleUrl)) as { makeEnvs(data: unknown): (index: number) => Env };
const share = new PpoShare({ ...start, barrier, makeEnv: makeEnvs(envData) });

port.on("message", async ({ id, method, args }: Call) => {
  const send = (reply: Reply) => port.postMessage(reply);
  try {
    const run = share[method as "collect"] as (...args: unknown[]) => unknown;
    send({ id, value: await run.apply(share, args) });
  } catch (error) {
    barrier.fail();
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    send({ id, error: { name, message, stack } });
  }
});
port.postMessage("ready");
