/** BingX's response body. `code` 0 is success; anything else is an error with a sentence in `msg`. */
export interface Envelope {
  code: number;
  msg: string;
  data?: unknown;
  timestamp?: number;
}

/** An error the exchange answers with, in its own shape (HTTP 200 as BingX does it). */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export function success(data: unknown): Envelope {
  return { code: 0, msg: "", data };
}

/** An optional integer query parameter, refused when it is not one or lies outside [min, max]. */
export function integerParam(
  query: URLSearchParams,
  name: string,
  min: number,
  max: number,
): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new ApiError(80014, `Invalid parameters, err: ${name} must be an integer from ${min} to ${max}`);
  }
  return value;
}
