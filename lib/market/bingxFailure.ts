/** What went wrong with a read of the exchange, by what one may do next. */
export type BingxFailureKind = "rateLimited" | "timeout" | "network" | "badPayload" | "refused" | "unknown";

export interface BingxFailure {
  kind: BingxFailureKind;
  /** Redacted; safe to store and to show. */
  message: string;
  /** When the exchange will answer again, if it said so (100410). */
  unblockAtMs: number | null;
}

const MAX_MESSAGE = 300;

/**
 * Removes what an exchange error may carry and nobody may see (S-10): ccxt puts the signed URL into messages.
 * Query strings go entirely, as do key-like header and JSON fields; the rest is cut to 300 characters.
 */
export function redactExchangeText(text: string): string {
  return text
    .replace(/\?[^\s"'<>]*/g, "?[redacted]")
    .replace(
      /(signature|apiKey|api_key|secret|X-BX-APIKEY|listenKey|authorization)(["']?\s*[=:]\s*["']?)[^\s"',;&}]+/gi,
      "$1$2[redacted]",
    )
    .replace(/\b[A-Za-z0-9_-]{40,}\b/g, "[redacted]")
    .slice(0, MAX_MESSAGE);
}

/**
 * Classifies an error thrown by ccxt's bingx class from its class name and text. ccxt's own classes mislead here:
 * a rate limit in the body is OperationFailed, a 504 code an ExchangeError.
 */
export function classifyBingxError(name: string, text: string): BingxFailure {
  const message = redactExchangeText(text);
  const unblock = /unblocked after (\d{13})/.exec(text);
  const unblockAtMs = unblock ? Number(unblock[1]) : null;
  return { kind: kindOf(name, text), message, unblockAtMs };
}

function kindOf(name: string, text: string): BingxFailureKind {
  if (/"code":\s*"?100410\b/.test(text) || name === "DDoSProtection" || name === "RateLimitExceeded")
    return "rateLimited";
  if (name === "RequestTimeout") return "timeout";
  if (name === "BadResponse" || name === "NullResponse") return "badPayload";
  if (/"code":\s*"?-?[1-9]\d*/.test(text)) return "refused";
  if (name === "NetworkError" || name === "ExchangeNotAvailable" || name === "OperationFailed")
    return "network";
  return "unknown";
}
