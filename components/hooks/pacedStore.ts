/** The part of a query watch that pacing needs. */
export interface Watch<Value> {
  onUpdate(callback: () => void): () => void;
  /** Undefined while loading; throws the query's error. */
  localQueryResult(): Value | undefined;
}

export interface Timers {
  nowMs(): number;
  set(callback: () => void, delayMs: number): unknown;
  clear(handle: unknown): void;
}

export type Reading<Value> = { value: Value | undefined } | { error: unknown };

/**
 * Passes on the first result at once and later ones at most every `paceMs`, always ending with the newest: a
 * replay at full speed changes its rows hundreds of times a second, and no eye and no chart needs all of them.
 */
export function createPacedStore<Value>(watch: Watch<Value>, paceMs: number, timers: Timers) {
  let reading: Reading<Value> = read();
  let takenAtMs = Number.NEGATIVE_INFINITY;

  function read(): Reading<Value> {
    try {
      return { value: watch.localQueryResult() };
    } catch (error) {
      return { error };
    }
  }

  return {
    read: () => reading,
    subscribe(listener: () => void): () => void {
      let timer: unknown = null;
      const take = () => {
        timer = null;
        takenAtMs = timers.nowMs();
        reading = read();
        listener();
      };
      const stop = watch.onUpdate(() => {
        if (timer !== null) return;
        const waitMs = takenAtMs + paceMs - timers.nowMs();
        if (waitMs <= 0) take();
        else timer = timers.set(take, waitMs);
      });
      // A result may have come between the first reading and now.
      const current = read();
      const isSame = "value" in current && "value" in reading && current.value === reading.value;
      if (!isSame) reading = current;
      return () => {
        if (timer !== null) timers.clear(timer);
        stop();
      };
    },
  };
}
