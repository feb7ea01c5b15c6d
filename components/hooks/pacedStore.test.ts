import { describe, expect, it } from "vitest";
import { createPacedStore } from "./pacedStore";

/** A watch and a clock that the test moves by hand. */
function bench() {
  let now = 0;
  let value: number | undefined;
  let failure: Error | null = null;
  let update = () => {};
  let pending: { callback: () => void; atMs: number } | null = null;
  const store = createPacedStore<number>(
    {
      onUpdate: (callback) => {
        update = callback;
        return () => {
          update = () => {};
        };
      },
      localQueryResult: () => {
        if (failure !== null) throw failure;
        return value;
      },
    },
    100,
    {
      nowMs: () => now,
      set: (callback, delayMs) => {
        pending = { callback, atMs: now + delayMs };
        return pending;
      },
      clear: () => {
        pending = null;
      },
    },
  );
  return {
    store,
    arrive: (next: number) => {
      value = next;
      update();
    },
    fail: (error: Error) => {
      failure = error;
      update();
    },
    advance: (ms: number) => {
      now += ms;
      if (pending !== null && pending.atMs <= now) {
        const { callback } = pending;
        pending = null;
        callback();
      }
    },
  };
}

describe("a paced query", () => {
  it("passes on the first result at once, then at most one per pace, and never loses the newest", () => {
    const { store, arrive, advance } = bench();
    const seen: unknown[] = [];
    store.subscribe(() => seen.push(store.read()));
    arrive(1);
    for (let i = 2; i <= 50; i++) arrive(i);
    expect(seen).toEqual([{ value: 1 }]);
    advance(100);
    expect(seen).toEqual([{ value: 1 }, { value: 50 }]);
    advance(1_000);
    arrive(51);
    expect(seen.at(-1)).toEqual({ value: 51 });
  });

  it("hands on the query's error and forgets a pending update when nobody listens any more", () => {
    const { store, arrive, fail, advance } = bench();
    let calls = 0;
    const stop = store.subscribe(() => {
      calls += 1;
    });
    arrive(1);
    fail(new Error("refused"));
    advance(100);
    expect(store.read()).toEqual({ error: new Error("refused") });
    arrive(2);
    stop();
    advance(1_000);
    expect(calls).toBe(2);
  });
});
