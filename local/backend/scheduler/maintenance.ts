import type { Backend } from "../backend";
import { afterKey, afterPrefix } from "../values/keys";

/** First byte of the rows that remember answered requests; see {@link requestKey}. */
const REQUEST_PREFIX = "r";
const KEEP_REQUESTS_MS = 14 * 24 * 3600 * 1000;
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
      void this.forgetRequests().finally(() => this.cancel && this.start());
    });
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private async forgetRequests(): Promise<void> {
    const { store, ports } = this.backend;
    const before = ports.now() - KEEP_REQUESTS_MS;
    const to = afterPrefix(REQUEST_PREFIX);
    for (let from = REQUEST_PREFIX; this.cancel; ) {
      const entries = await store.entries({ from, to }, { limit: 1000 });
      const old = entries.filter(([, text]) => (JSON.parse(text) as { atMs: number }).atMs < before);
      if (old.length > 0) {
        await store.write(
          old.map(([key]) => [key, null]),
          { durable: false },
        );
      }
      if (entries.length < 1000) return;
      from = afterKey(entries.at(-1)![0]);
    }
  }
}
