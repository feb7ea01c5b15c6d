/**
 * Error codes that cross a process border, and the one shape they travel in. Adding a code means adding
 * its row here; consoles and the command line print `message`, programs branch on `code`.
 */
export const ERROR_KINDS = {
  UNAUTHENTICATED: "unauthenticated",
  FORBIDDEN: "forbidden",
  NOT_FOUND: "notFound",
  INVALID_ARGUMENT: "invalid",
  NON_FINITE_NUMBER: "invalid",
  LIMIT_EXCEEDED: "invalid",
  RATE_LIMITED: "limited",
  CONFLICT: "conflict",
  ALREADY_RUNNING: "conflict",
  LEASE_LOST: "fenced",
  KILL_SWITCH_ON: "halted",
  GATES_FAILED: "halted",
  RISK_LIMITS_MISSING: "halted",
  NO_DATA: "invalid",
  NOT_READY: "conflict",
  LINK_INVALID: "forbidden",
  DATASET_HASH_MISMATCH: "corrupt",
  ARTIFACT_HASH_MISMATCH: "corrupt",
  COST_MODEL_HASH_MISMATCH: "corrupt",
} as const;

export type ErrorCode = keyof typeof ERROR_KINDS;

export interface AppErrorData {
  code: ErrorCode;
  kind: (typeof ERROR_KINDS)[ErrorCode];
  message: string;
  /** The argument at fault, when there is one. */
  field?: string;
  /** Of RATE_LIMITED: when the same call can succeed again, ms from now. */
  retryAfterMs?: number;
  [extra: string]: string | number | undefined;
}

/** The data of a `ConvexError`; `message` names the field, the limit and the next step. */
export function appError(code: ErrorCode, message: string, field?: string): AppErrorData {
  const data: AppErrorData = { code, kind: ERROR_KINDS[code], message };
  if (field !== undefined) data.field = field;
  return data;
}

/** The data of a refusal for calling too often: names the limit, and says when to come back. */
export function rateLimitedError(
  limit: string,
  rate: number,
  periodMs: number,
  retryAfterMs: number,
): AppErrorData {
  const message = `Too often: the limit ${limit} is ${rate} in ${periodMs / 1000} s; try again in ${Math.ceil(retryAfterMs / 1000)} s`;
  return { ...appError("RATE_LIMITED", message), limit, retryAfterMs };
}

/** Reads an error's data if it has our shape, else null (never throws). */
export function asAppError(data: unknown): AppErrorData | null {
  if (typeof data !== "object" || data === null) return null;
  const { code, message } = data as { code?: unknown; message?: unknown };
  if (typeof code !== "string" || typeof message !== "string" || !(code in ERROR_KINDS)) return null;
  return data as AppErrorData;
}
