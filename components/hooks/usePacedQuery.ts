"use client";
import { useConvex } from "convex/react";
import { type FunctionReference, getFunctionName } from "convex/server";
import { convexToJson, type Value } from "convex/values";
import { useMemo, useSyncExternalStore } from "react";
import { createPacedStore, type Timers, type Watch } from "./pacedStore";

/** Eight times a second reads as continuous. */
const PACE_MS = 125;

const TIMERS: Timers = {
  nowMs: () => performance.now(),
  set: (callback, delayMs) => setTimeout(callback, delayMs),
  clear: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
};

const IDLE: Watch<never> = { onUpdate: () => () => {}, localQueryResult: () => undefined };

/** Like `useQuery`, but renders at most eight times a second; for what a replay at full speed changes. */
export function usePacedQuery<Query extends FunctionReference<"query">>(
  query: Query,
  args: Query["_args"] | "skip",
): Query["_returnType"] | undefined {
  const convex = useConvex();
  const name = getFunctionName(query);
  const key = args === "skip" ? "skip" : JSON.stringify(convexToJson(args as Value));
  // biome-ignore lint/correctness/useExhaustiveDependencies: name and key stand for query and args
  const store = useMemo(
    () =>
      createPacedStore<Query["_returnType"]>(
        args === "skip" ? IDLE : convex.watchQuery(query, args),
        PACE_MS,
        TIMERS,
      ),
    [convex, name, key],
  );
  const reading = useSyncExternalStore(store.subscribe, store.read, store.read);
  if ("error" in reading) throw reading.error;
  return reading.value;
}
