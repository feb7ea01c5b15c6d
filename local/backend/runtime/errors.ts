import type { JsonValue } from "../values/encoded";
import { functionFrames } from "./sourceMaps";

const CONVEX_ERROR = Symbol.for("ConvexError");

/** A function's failure, ready to be told to its caller. */
export class FunctionFailure extends Error {
  constructor(
    message: string,
    /** Encoded `data` of a ConvexError; undefined for every other error. */
    readonly data: JsonValue | undefined,
  ) {
    super(message);
  }
}

interface ErrorLike {
  name?: string;
  message?: string;
  stack?: string;
  data?: unknown;
}

/** Turns whatever user code threw into a FunctionFailure, keeping the data of a ConvexError. */
export function toFailure(thrown: unknown): FunctionFailure {
  if (thrown instanceof FunctionFailure) return thrown;
  if (thrown === null || typeof thrown !== "object")
    return new FunctionFailure(`Uncaught ${String(thrown)}`, undefined);
  const error = thrown as ErrorLike;
  if (CONVEX_ERROR in thrown) {
    // The library leaves the data as JSON text when an invocation fails with it.
    const text = typeof error.data === "string" ? error.data : JSON.stringify(error.data ?? null);
    return new FunctionFailure(
      `Uncaught ConvexError: ${error.message ?? text}${functionFrames(error.stack)}`,
      JSON.parse(text) as JsonValue,
    );
  }
  const name = error.name ?? "Error";
  return new FunctionFailure(
    `Uncaught ${name}: ${error.message ?? ""}${functionFrames(error.stack)}`,
    undefined,
  );
}

/** A request that reached no function: answered with an HTTP status, `code` and `message`. */
export class RequestError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
