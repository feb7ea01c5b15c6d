import { canonicalJson } from "../core/canonicalJson";
import { sha256Hex } from "../core/sha256";

/** What makes an order the same order: one decision of one run on one bar. */
export interface OrderIdentity {
  runId: string;
  /** Open time of the decision bar. */
  barOpenTimeMs: number;
  /** The decided action index, or the name of an act that is no decision (e.g. "flatten"). */
  action: number | string;
}

/** BingX: 1 to 40 characters, lower-cased by the server, unique across orders. */
const VALID = /^[a-z0-9]{1,40}$/;

/**
 * Deterministic id (34 characters, lower-case hex after the prefix "as"): the same intent always gets the same
 * id, so a repeated send meets the exchange's own uniqueness check instead of making a second order.
 * Throws on an empty run id or a time that is not a whole number.
 */
export function clientOrderId(identity: OrderIdentity): string {
  const { runId, barOpenTimeMs, action } = identity;
  if (runId === "") throw new RangeError("runId must not be empty; an order belongs to a run.");
  if (!Number.isSafeInteger(barOpenTimeMs)) {
    throw new RangeError(`barOpenTimeMs must be a whole number of UTC milliseconds, got ${barOpenTimeMs}.`);
  }
  return `as${sha256Hex(canonicalJson({ action, barOpenTimeMs, runId })).slice(0, 32)}`;
}

/** True when the exchange would take `id` unchanged. */
export function isValidClientOrderId(id: string): boolean {
  return VALID.test(id);
}
