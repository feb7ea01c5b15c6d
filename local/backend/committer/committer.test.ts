import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../../tests/backend/memoryStore";
import { Catalog } from "../catalog/catalog";
import { systemPorts } from "../ports";
import type { Store, StoreWrite } from "../store/store";
import type { Transaction } from "../transaction/transaction";
import { Committer } from "./committer";

interface Bench {
  committer: Committer;
  batches: StoreWrite[][];
  fatal: unknown[];
  fail(error: Error): void;
  /** Holds the next durable write until the returned function is called. */
  hold(): () => void;
}

function open(now = systemPorts.now): Bench {
  const inner = createMemoryStore();
  const batches: StoreWrite[][] = [];
  const fatal: unknown[] = [];
  let failure: Error | null = null;
  let gate: Promise<void> = Promise.resolve();
  const store: Store = {
    ...inner,
    async write(writes, options) {
      await gate;
      if (failure) throw failure;
      if (options.durable) batches.push(writes);
      await inner.write(writes, options);
    },
  };
  const ports = { ...systemPorts, now };
  const committer = new Committer(store, new Catalog(undefined), ports, (error) => fatal.push(error));
  return {
    committer,
    batches,
    fatal,
    fail: (error) => {
      failure = error;
    },
    hold() {
      let release = () => {};
      gate = new Promise((resolve) => (release = resolve));
      return release;
    },
  };
}

const insert = (n: number) => async (tx: Transaction) => {
  tx.insert("numbers", { n });
  return { value: n, commit: true };
};

describe("the committer", () => {
  it("writes mutations that wait together in one durable batch, and answers them in order", async () => {
    const { committer, batches } = open();
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => committer.submit(insert(n)).then(() => order.push(n))),
    );
    expect(order).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(batches.length).toBeLessThanOrEqual(3);
  });

  it("answers and publishes only after the durable write", async () => {
    const { committer, hold } = open();
    const before = committer.publishedTs;
    const release = hold();
    let answered = false;
    const pending = committer.submit(insert(1)).then((result) => {
      answered = true;
      return result;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([answered, committer.publishedTs]).toEqual([false, before]);
    release();
    const { ts } = await pending;
    expect(ts).toBeGreaterThan(before);
    expect(committer.publishedTs).toBeGreaterThanOrEqual(ts);
  });

  it("stops for good when a durable write fails, with nothing acknowledged (D-09)", async () => {
    const { committer, fatal, fail } = open();
    await committer.submit(insert(1));
    const published = committer.publishedTs;
    fail(new Error("ENOSPC"));
    let acknowledged = false;
    void committer.submit(insert(2)).then(() => {
      acknowledged = true;
    });
    void committer.submit(insert(3)).then(() => {
      acknowledged = true;
    });
    await expect.poll(() => fatal).toEqual([new Error("ENOSPC")]);
    expect([acknowledged, committer.publishedTs]).toEqual([false, published]);
  });

  it("keeps timestamps and creation times strictly increasing when the clock stands still or steps back", async () => {
    let nowMs = 1_700_000_000_000;
    const { committer } = open(() => nowMs);
    const stamps: bigint[] = [];
    const created: number[] = [];
    for (let i = 0; i < 20; i++) {
      if (i === 10) nowMs -= 60_000;
      const { ts } = await committer.submit(async (tx) => {
        for (let k = 0; k < 3; k++) created.push(tx.writes!.nextCreationTime());
        tx.insert("numbers", { i });
        return { value: null, commit: true };
      });
      stamps.push(ts);
    }
    for (let i = 1; i < stamps.length; i++) expect(stamps[i]!).toBeGreaterThan(stamps[i - 1]!);
    for (let i = 1; i < created.length; i++) expect(created[i]!).toBeGreaterThan(created[i - 1]!);
  });

  it("gives mutations of one batch each other's writes, and drops those of the one that failed", async () => {
    const { committer } = open();
    const count = async (tx: Transaction) => {
      const table = tx.namespace.ensureTable("numbers");
      const { rows } = await tx.scan(
        table,
        { from: table.docPrefix, to: `${table.docPrefix}\xff` },
        false,
        100,
      );
      return { value: rows.length, commit: false };
    };
    const results = await Promise.allSettled([
      committer.submit(insert(1)),
      committer.submit(async (tx) => {
        tx.insert("numbers", { n: 2 });
        throw new Error("refused");
      }),
      committer.submit(count),
    ]);
    expect(results[1]).toMatchObject({ status: "rejected", reason: new Error("refused") });
    expect(results[2]).toMatchObject({ value: { value: 1 } });
  });
});
