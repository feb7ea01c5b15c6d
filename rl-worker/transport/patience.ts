/** What a caller does that the desk told to come back later: waits that long, says so, and asks again. */
import { asAppError } from "../../lib/contract/errors";
import type { Clock } from "../runtime/clock";

/** Beyond either, the refusal is the caller's answer. */
export const PATIENCE = { waits: 8, totalMs: 60_000 } as const;

export interface Waiting {
  clock: Pick<Clock, "sleep">;
  /** Is told of each wait before it begins. */
  onWait: (message: string) => void;
}

function retryAfterMs(error: unknown): number | null {
  const refused = asAppError((error as { data?: unknown } | null)?.data);
  return refused?.code === "RATE_LIMITED" ? (refused.retryAfterMs ?? null) : null;
}

/**
 * Makes a call again after each RATE_LIMITED, as long after as the refusal says; at most `PATIENCE.waits` times and
 * for `PATIENCE.totalMs` in all. A refused mutation has written nothing, so repeating it doubles nothing.
 */
export async function withPatience<T>(call: () => Promise<T>, { clock, onWait }: Waiting): Promise<T> {
  let waitedMs = 0;
  for (let waits = 0; ; waits++) {
    try {
      return await call();
    } catch (error) {
      const waitMs = retryAfterMs(error);
      if (waitMs === null || waits >= PATIENCE.waits || waitedMs + waitMs > PATIENCE.totalMs) throw error;
      const { message } = (error as { data: { message: string } }).data;
      onWait(`${message}; waiting`);
      await clock.sleep(waitMs);
      waitedMs += waitMs;
    }
  }
}
