import type { JsonObject } from "../values/encoded";
import { currentCall } from "./callContext";
import type { CallState } from "./callState";
import { FunctionFailure } from "./errors";
import { callSyscalls } from "./syscallsCalls";
import { databaseSyscalls, readNext, syncDatabaseSyscalls } from "./syscallsDatabase";
import { environmentSyscalls } from "./syscallsEnvironment";
import { storageJsSyscalls, storageSyscalls } from "./syscallsStorage";

export type SyncSyscall = (state: CallState, args: JsonObject) => string;
/** Resolves to JSON text, so that stored documents pass through without being parsed. */
export type AsyncSyscall = (state: CallState, args: JsonObject) => Promise<string> | string;

const syncTable: Record<string, SyncSyscall> = syncDatabaseSyscalls;
const asyncTable: Record<string, AsyncSyscall> = {
  ...databaseSyscalls,
  ...callSyscalls,
  ...storageSyscalls,
  ...environmentSyscalls,
};

function callingFunction(): CallState {
  const state = currentCall();
  if (!state) throw new Error("Convex functions cannot touch the database outside of a function call.");
  return state;
}

/** The library rethrows `data` as a ConvexError. */
function forUserCode(error: unknown): Error {
  if (error instanceof FunctionFailure && error.data !== undefined) {
    return Object.assign(new Error(error.message), { data: error.data });
  }
  return error instanceof Error ? error : new Error(String(error));
}

export function syscall(op: string, argsText: string): string {
  const run = Object.hasOwn(syncTable, op) ? syncTable[op] : undefined;
  if (!run) throw new Error(`Unknown operation ${op}`);
  return run(callingFunction(), JSON.parse(argsText) as JsonObject);
}

function perform(state: CallState, op: string, argsText: string): Promise<string> | string {
  const run = Object.hasOwn(asyncTable, op) ? asyncTable[op] : undefined;
  if (!run) throw new Error(`Unknown async operation ${op}`);
  return run(state, JSON.parse(argsText) as JsonObject);
}

/** The library awaits the answer, so text that is known at once is returned as it is: no promise is made for it. */
export function asyncSyscall(op: string, argsText: string): Promise<string> | string {
  const state = callingFunction();
  try {
    const answer = op === "1.0/queryStreamNext" ? readNext(state, argsText) : perform(state, op, argsText);
    if (typeof answer === "string") return answer;
    // What the backend does for the function is not the function's computing; what is known at once is too short to measure.
    const { meter } = state.root;
    meter?.pause();
    return answer.then(
      (text) => {
        meter?.resume();
        return text;
      },
      (error: unknown) => {
        meter?.resume();
        throw forUserCode(error);
      },
    );
  } catch (error) {
    throw forUserCode(error);
  }
}

export async function jsSyscall(op: string, args: Record<string, unknown>): Promise<unknown> {
  const run = Object.hasOwn(storageJsSyscalls, op) ? storageJsSyscalls[op] : undefined;
  if (!run) throw new Error(`Unknown operation ${op}`);
  return await run(callingFunction(), args);
}
