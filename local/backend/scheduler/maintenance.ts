import type { Backend } from "../backend";
import { afterKey, afterPrefix } from "../values/keys";

/** First byte of the rows that remember answered requests; see {@link requestKey}. */
const REQUEST_PREFIX = "r";
const KEEP_REQUESTS_MS = 14 * 24 * 3600 * 1000;
/** Records looked at and forgotten in one transaction: it holds up no mutation for more than some milliseconds. */
const STEP = 200;
const PERIOD_MS = 6 * 3600 * 1000;

/** Row of a client's mutation request; written in the same commit as the mutation. */
export function requestKey(sessionId: string, requestId: number): string {
  return `${REQUEST_PREFIX}${Buffer.from(sessionId, "utf8").toString("latin1")}/${requestId}`;
}

/** Forgets request records that no client will ask for again. */
export class Maintenance {
  private cancel: (() => void) | null = null;

  constructor(private readonly backend: Backend) {}

  start(): void {
    this.cancel = this.backend.ports.setTimer(PERIOD_MS, () => {
      this.forgetRequests()
        .catch((error) => this.backend.log("error", "maintenance.failed", { error: String(error) }))
        .finally(() => this.cancel && this.start());
    });
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private async forgetRequests(): Promise<void> {
    const { store, ports, committer } = this.backend;
    const before = ports.now() - KEEP_REQUESTS_MS;
    const to = afterPrefix(REQUEST_PREFIX);
    for (let from = REQUEST_PREFIX; this.cancel; ) {
      const entries = await store.entries({ from, to }, { limit: STEP });
      const old = entries.filter(([, text]) => (JSON.parse(text) as { atMs: number }).atMs < before);
      if (old.length > 0) {
        await committer.submit(async (tx) => {
          for (const [key] of old) tx.layer.raw.set(key, null);
          return { value: null, commit: true };
        });
      }
      if (entries.length < STEP) return;
      from = afterKey(entries.at(-1)![0]);
    }
  }
}
