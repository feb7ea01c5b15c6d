import fc from "fast-check";
import { expect } from "vitest";
import { conformance } from "./suite";

const OWNERS = ["a", "b", "c", "d"];
const owner = fc.constantFrom(...OWNERS);

type Step =
  | { do: "add"; owner: string; amount: number }
  | { do: "transfer"; from: string; to: string; amount: number }
  | { do: "sumInto"; to: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("add" as const), owner, amount: fc.integer({ min: -3, max: 9 }) }),
  fc.record({
    do: fc.constant("transfer" as const),
    from: owner,
    to: owner,
    amount: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ do: fc.constant("sumInto" as const), to: owner }),
);

type Balances = Record<string, number>;

/** Runs a step on the model; returns its result, or null when the result could not be that. */
function apply(balances: Balances, taken: Step): number {
  if (taken.do === "add") return (balances[taken.owner]! += taken.amount);
  if (taken.do === "sumInto") {
    const sum = OWNERS.filter((name) => name !== taken.to).reduce(
      (total, name) => total + balances[name]!,
      0,
    );
    balances[taken.to] = sum;
    return sum;
  }
  const moved = Math.min(taken.amount, balances[taken.from]!);
  if (taken.from === taken.to || moved === 0) return 0;
  balances[taken.from]! -= moved;
  balances[taken.to]! += moved;
  return moved;
}

/** Whether some order of the steps, each client's own kept, gives these results and this end. */
function hasSerialOrder(clients: Array<Array<[Step, number]>>, start: Balances, end: Balances): boolean {
  const seen = new Set<string>();
  const search = (positions: number[], balances: Balances): boolean => {
    if (positions.every((at, i) => at === clients[i]!.length)) {
      return OWNERS.every((name) => balances[name] === end[name]);
    }
    const state = JSON.stringify([positions, balances]);
    if (seen.has(state)) return false;
    seen.add(state);
    return clients.some((steps, i) => {
      const next = steps[positions[i]!];
      if (!next) return false;
      const after = { ...balances };
      if (apply(after, next[0]) !== next[1]) return false;
      return search(
        positions.map((at, j) => (i === j ? at + 1 : at)),
        after,
      );
    });
  };
  return search(
    clients.map(() => 0),
    start,
  );
}

conformance("serialisability", (add) => {
  add(
    "increments from many clients at once add up, on one row and on many",
    async (backend, group) => {
      await backend.mutation("accounts:open", { group, owners: OWNERS, balance: 0 });
      const calls = Array.from({ length: 200 }, (_, i) =>
        backend.mutation("accounts:add", { group, owner: i % 2 ? "a" : OWNERS[i % 4], amount: 1 }),
      );
      const results = await Promise.all(calls);
      const balances = Object.fromEntries(await backend.query("accounts:balances", { group }));
      expect(balances).toEqual({ a: 150, b: 0, c: 50, d: 0 });
      expect([...results].sort((x, y) => x - y).slice(-1)).toEqual([150]);
    },
    ["concurrency"],
  );

  add(
    "whatever runs at once had an order: results and end are those of some serial run",
    async (backend, group) => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 5 }),
          async (programs) => {
            const own = `${group} ${run++}`;
            await backend.mutation("accounts:open", { group: own, owners: OWNERS, balance: 10 });
            const clients = await Promise.all(
              programs.map(async (program) => {
                const done: Array<[Step, number]> = [];
                for (const taken of program) {
                  const { do: name, ...args } = taken;
                  done.push([
                    taken,
                    await backend.mutation<number>(`accounts:${name}`, { group: own, ...args }),
                  ]);
                }
                return done;
              }),
            );
            const end = Object.fromEntries(await backend.query("accounts:balances", { group: own }));
            const start = Object.fromEntries(OWNERS.map((name) => [name, 10]));
            expect(hasSerialOrder(clients, start, end)).toBe(true);
          },
        ),
        { numRuns: 20 },
      );
    },
    ["concurrency"],
  );

  add(
    "two that both see room do not both take it",
    async (backend, group) => {
      const joins = await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          backend.mutation("accounts:joinIfRoom", { group, owner: `o${i}`, limit: 7 }),
        ),
      );
      expect(joins.filter(Boolean)).toHaveLength(7);
      expect(await backend.query("accounts:balances", { group })).toHaveLength(7);
    },
    ["concurrency"],
  );

  add(
    "no read ever sees half of a transfer",
    async (backend, group) => {
      await backend.mutation("accounts:open", { group, owners: OWNERS, balance: 100 });
      let running = true;
      const writer = (async () => {
        for (let i = 0; i < 60; i++) {
          await backend.mutation("accounts:transfer", {
            group,
            from: OWNERS[i % 4],
            to: OWNERS[(i + 1) % 4],
            amount: i,
          });
        }
        running = false;
      })();
      let reads = 0;
      while (running) {
        const balances = await backend.query<Array<[string, number]>>("accounts:balances", { group });
        expect(balances.reduce((sum, [, balance]) => sum + balance, 0)).toBe(400);
        reads++;
      }
      await writer;
      expect(reads).toBeGreaterThan(3);
    },
    ["concurrency"],
  );
});
