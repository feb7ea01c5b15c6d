/** An expected outcome as a value: success carries `value`, an expected failure carries `error`. */
export type Result<T, E = string> = { ok: true; value: T } | { ok: false; error: E };

/** Wraps a success. */
export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

/** Wraps an expected failure; unexpected ones are thrown. */
export function err<E>(error: E): { ok: false; error: E } {
  return { ok: false, error };
}
