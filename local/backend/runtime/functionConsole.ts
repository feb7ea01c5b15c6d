import { inspect } from "node:util";
import { LIMITS } from "../transaction/limits";
import { currentCall } from "./callContext";

const LEVELS = {
  debug: "DEBUG",
  log: "LOG",
  info: "INFO",
  warn: "WARN",
  error: "ERROR",
  trace: "LOG",
} as const;
const MAX_LINE_CHARS = 32_768;

function record(level: string, values: unknown[]): void {
  const root = currentCall()?.root;
  if (!root) return;
  const text = values
    .map((value) => inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY }))
    .join(" ");
  const line = `[${level}] ${text.slice(0, MAX_LINE_CHARS)}`;
  const { logLines } = root;
  if (logLines.length === LIMITS.logLines) {
    logLines.push(`[ERROR] 'Log overflow (maximum ${LIMITS.logLines}). Remaining log lines omitted.'`);
  } else if (logLines.length < LIMITS.logLines) logLines.push(line);
}

/** The `console` that functions see: lines go to the call's log lines, never to the host's output. */
export function createFunctionConsole(): Record<string, (...values: unknown[]) => void> {
  const timers = new Map<string, number>();
  const out: Record<string, (...values: unknown[]) => void> = {
    assert: (condition, ...values) => {
      if (!condition) record("ERROR", ["Assertion failed:", ...values]);
    },
    time: (label = "default") => void timers.set(String(label), performance.now()),
    timeEnd: (label = "default") => {
      const started = timers.get(String(label));
      if (started !== undefined) record("INFO", [`${label}: ${(performance.now() - started).toFixed(3)}ms`]);
      timers.delete(String(label));
    },
  };
  for (const [method, level] of Object.entries(LEVELS)) out[method] = (...values) => record(level, values);
  for (const name of ["table", "dir"]) out[name] = (...values) => record("LOG", values);
  for (const name of ["group", "groupCollapsed"]) out[name] = (...values) => record("LOG", values);
  for (const name of ["groupEnd", "count", "countReset", "timeLog"]) out[name] = () => {};
  return out;
}
