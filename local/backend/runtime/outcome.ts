import { createHash } from "node:crypto";
import type { QueryResult } from "../subscriptions/queryCache";
import type { JsonValue } from "../values/encoded";

/** How a call ended, in wire form. `valueText` is encoded JSON text. */
export type Outcome =
  | { ok: true; valueText: string; logLines: string[] }
  | { ok: false; errorMessage: string; errorData: JsonValue | undefined; logLines: string[] };

/** The form of a query's outcome that subscriptions keep and compare. */
export function toQueryResult(outcome: Outcome, journal: string | null): QueryResult {
  const valueText = outcome.ok
    ? outcome.valueText
    : outcome.errorData === undefined
      ? undefined
      : JSON.stringify(outcome.errorData);
  const errorMessage = outcome.ok ? undefined : outcome.errorMessage;
  let fingerprint: string | null = null;
  return {
    ok: outcome.ok,
    valueText,
    errorMessage,
    logLines: outcome.logLines,
    journal,
    /** Made when a subscription asks: a query over HTTP needs none. */
    get fingerprint() {
      // The request id inside an error message differs on each run and must not count as a change.
      fingerprint ??= digestOf([
        valueText ?? "",
        errorMessage?.replace(/^\[Request ID: \w+\]/, "") ?? "",
        ...outcome.logLines,
      ]);
      return fingerprint;
    },
  };
}

function digestOf(parts: string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("base64");
}

/** Inverse of {@link toQueryResult}. */
export function fromQueryResult({ ok, valueText, errorMessage, logLines }: QueryResult): Outcome {
  if (ok) return { ok: true, valueText: valueText!, logLines };
  const errorData = valueText === undefined ? undefined : (JSON.parse(valueText) as JsonValue);
  return { ok: false, errorMessage: errorMessage!, errorData, logLines };
}
