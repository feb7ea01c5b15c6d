import { expect, it } from "vitest";
import { createMemoryStore } from "../../../tests/backend/memoryStore";
import { Catalog } from "../catalog/catalog";
import { Committer } from "../committer/committer";
import { systemPorts } from "../ports";
import type { DatabaseSnapshot } from "./snapshot";
import { Transaction } from "./transaction";

function world() {
  const store = createMemoryStore();
  let trips = 0;
  const counted = {
    ...store,
    snapshot() {
      const snapshot = store.snapshot();
      return {
        ...snapshot,
        keys: (...args: Parameters<typeof snapshot.keys>) => {
          trips++;
          return snapshot.keys(...args);
        },
      };
    },
  };
  const catalog = new Catalog(undefined);
  const committer = new Committer(counted, catalog, systemPorts, (error) => {
    throw error;
  });
  const run = <T>(work: (tx: Transaction) => T) =>
    committer.submit(async (tx) => ({ value: work(tx), commit: true })).then(({ value }) => value);
  const scan = async (snapshot: DatabaseSnapshot) => {
    const table = catalog.root.ensureTable("rows");
    const tx = new Transaction(snapshot, catalog, [], null, null);
    const { prefix } = table.indexes.get("by_creation_time")!;
    const { rows } = await tx.scan(table, { from: prefix, to: `${prefix}\xff` }, false, 10);
    return rows.map(({ document }) => (JSON.parse(document.text) as { n: number }).n);
  };
  return { committer, run, scan, trips: () => trips };
}

it("gives each snapshot its own rows, whichever of them read first", async () => {
  const { committer, run, scan } = world();
  await run((tx) => tx.insert("rows", { n: 1 }));
  const before = committer.snapshot();
  await run((tx) => tx.insert("rows", { n: 2 }));
  const after = committer.snapshot();
  expect(await scan(before)).toEqual([1]);
  expect(await scan(after)).toEqual([1, 2]);
  expect(await scan(before)).toEqual([1]);
  expect(await scan(after)).toEqual([1, 2]);
});

it("forgets what a scan found when a commit lands while it waits for the store", async () => {
  const { committer, run, scan } = world();
  await run((tx) => tx.insert("rows", { n: 1 }));
  const waiting = scan(committer.snapshot());
  await run((tx) => tx.insert("rows", { n: 2 }));
  expect(await waiting).toEqual([1]);
  expect(await scan(committer.snapshot())).toEqual([1, 2]);
});

it("scans the store again only after a commit that adds or removes rows", async () => {
  const { committer, run, scan, trips } = world();
  const id = await run((tx) => tx.insert("rows", { n: 1 }));
  expect(await scan(committer.snapshot())).toEqual([1]);
  const known = trips();
  await run((tx) => tx.patch(...tx.tableOfId(id, "rows", false, "db.patch"), { n: 7 }));
  expect(await scan(committer.snapshot())).toEqual([7]);
  expect(trips()).toBe(known);
  await run((tx) => tx.remove(...tx.tableOfId(id, "rows", false, "db.delete")));
  expect(await scan(committer.snapshot())).toEqual([]);
  expect(trips()).toBe(known + 1);
});
