"use client";
/** The server's time on the client, ticking once a second for whoever shows an age. */
import { useSyncExternalStore } from "react";

const TICK_MS = 1000;
/** The server's row is up to 10 s old when it is first read; a difference within that says nothing. */
const ROW_AGE_MS = 12_000;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;
let offsetMs = 0;
let nowMs = 0;

function tick(): void {
  nowMs = Date.now() + offsetMs;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === null) {
    nowMs = Date.now() + offsetMs;
    timer = setInterval(tick, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** Tells the clock what the server's clock read just now. */
export function setServerTime(serverMs: number): void {
  const difference = serverMs - Date.now();
  offsetMs = difference <= 2_000 && difference >= -ROW_AGE_MS ? 0 : difference;
}

function read(): number {
  if (nowMs === 0) nowMs = Date.now() + offsetMs;
  return nowMs;
}

/** Server time in milliseconds, once a second; null while the page renders on the server. */
export function useNow(): number | null {
  return useSyncExternalStore<number | null>(subscribe, read, () => null);
}
