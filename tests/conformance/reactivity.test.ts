import type { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { compareValues, type Value } from "convex/values";
import fc from "fast-check";
import { expect } from "vitest";
import type { Backend, Watch } from "./drivers/driver";
import { conformance } from "./suite";

/** A row of the model. Creation is the order of insertion, which ends every index. */
interface Row {
  id: string;
  created: number;
  a: Value | undefined;
  b: Value | undefined;
}

interface Question {
  order: "asc" | "desc";
  lower: Value | null;
  upper: Value | null;
  /** Rows taken, or null for all. */
  limit: number | null;
  /** Drops rows whose `b` is not this one before the limit counts. */
  onlyB: Value | null;
}

const compareKeys = (x: Row, y: Row) => compareValues(x.a, y.a) || x.created - y.created;

function inRange(row: Row, { lower, upper }: Question): boolean {
  return (
    (lower === null || compareValues(row.a, lower) >= 0) &&
    (upper === null || compareValues(row.a, upper) < 0)
  );
}

/** The rows that a scan passes over, in its order: up to the one that fills its limit. */
function passed(rows: Row[], question: Question): { consumed: Row[]; found: Row[]; isFull: boolean } {
  const ordered = rows.filter((row) => inRange(row, question)).sort(compareKeys);
  if (question.order === "desc") ordered.reverse();
  const consumed: Row[] = [];
  const found: Row[] = [];
  for (const row of ordered) {
    if (found.length === question.limit) break;
    consumed.push(row);
    if (question.onlyB === null || compareValues(row.b, question.onlyB) === 0) found.push(row);
  }
  return { consumed, found, isFull: question.limit !== null && found.length >= question.limit };
}

/** Whether a write of `row` (as it was or as it is) lies in what the scan passed over. */
function touches(row: Row, before: Row[], question: Question): boolean {
  const { consumed, isFull } = passed(before, question);
  if (question.limit === 0 || !inRange(row, question)) return false;
  if (!isFull) return true;
  const last = compareKeys(row, consumed.at(-1)!);
  return question.order === "asc" ? last <= 0 : last >= 0;
}

const small = fc.constantFrom<Value>(0, 1, 2, 3, "x", null);
const question: fc.Arbitrary<Question> = fc.record({
  order: fc.constantFrom("asc" as const, "desc" as const),
  lower: fc.option(fc.constantFrom<Value>(0, 1, 2)),
  upper: fc.option(fc.constantFrom<Value>(2, 3, "x")),
  limit: fc.option(fc.integer({ min: 0, max: 4 })),
  onlyB: fc.option(fc.constantFrom<Value>(0, 1), { freq: 3 }),
});
type Change =
  | { do: "insert"; a: Value; b: Value }
  | { do: "patch"; pick: number; a: Value }
  | { do: "same"; pick: number }
  | { do: "remove"; pick: number };
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("insert" as const), a: small, b: fc.constantFrom<Value>(0, 1) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("patch" as const), pick: fc.nat(30), a: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("same" as const), pick: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), pick: fc.nat(30) }) },
);

interface Answer {
  rows: unknown;
  run: number;
}

function scanOf(group: string, { order, lower, upper, limit, onlyB }: Question) {
  return {
    index: "by_a",
    order,
    range: [
      { op: "eq", field: "group", value: group },
      ...(lower === null ? [] : [{ op: "gte", field: "a", value: lower }]),
      ...(upper === null ? [] : [{ op: "lt", field: "a", value: upper }]),
    ],
    filters: onlyB === null ? [] : [["eq", ["field", "b"], ["literal", onlyB]]],
    end: limit === null ? "collect" : limit,
  };
}

/** Calls a mutation on the watching socket: its promise comes after the transition that shows its effects. */
async function write(client: ConvexClient, path: string, args: object): Promise<unknown> {
  const result = await client.mutation(
    makeFunctionReference<"mutation">(path),
    args as Record<string, Value>,
  );
  await new Promise((resolve) => setTimeout(resolve));
  return result;
}

const latest = <T>(watch: Watch<T>): T => {
  const last = watch.seen.at(-1)!;
  if ("error" in last) throw last.error;
  return last.value;
};

async function watching<T>(
  backend: Backend,
  client: ConvexClient,
  path: string,
  args: object,
): Promise<Watch<T>> {
  const watch = backend.watch<T>(path, args, client);
  while (watch.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  return watch;
}

conformance("reactivity", (add) => {
  add(
    "a query runs again if and only if a write touches what it read, and shows what a fresh run shows",
    async (backend, group) => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(question, { minLength: 6, maxLength: 6 }),
          fc.array(change, { minLength: 12, maxLength: 25 }),
          async (questions, changes) => {
            const own = `${group} ${run++}`;
            const client = backend.client();
            const asked = questions.map((wanted) => scanOf(own, wanted));
            const watches = await Promise.all(
              asked.map((scan) => watching<Answer>(backend, client, "watch:scan", { scan })),
            );
            let rows: Row[] = [];
            let created = 0;
            for (const taken of changes) {
              const before = rows;
              const runs = watches.map((watch) => watch.seen.length);
              const written: Row[] = [];
              if (taken.do === "insert") {
                const value = { group: own, a: taken.a, b: taken.b };
                const [id] = (await write(client, "rows:insert", { values: [value] })) as [string];
                const row = { id, created: created++, a: taken.a, b: taken.b };
                rows = [...rows, row];
                written.push(row);
              } else {
                const target = rows[taken.pick % Math.max(1, rows.length)];
                if (!target) continue;
                written.push(target);
                if (taken.do === "remove") {
                  await write(client, "rows:remove", { ids: [target.id] });
                  rows = rows.filter((row) => row !== target);
                } else {
                  const after = { ...target, a: taken.do === "same" ? target.a : taken.a };
                  await write(client, "rows:patch", {
                    id: target.id,
                    fields: taken.do === "same" ? {} : { a: after.a },
                  });
                  rows = rows.map((row) => (row === target ? after : row));
                  written.push(after);
                }
              }
              const expected = questions.map((wanted) => written.some((row) => touches(row, before, wanted)));
              const ran = watches.map((watch, i) => watch.seen.length > runs[i]!);
              expect([taken, ran]).toEqual([taken, expected]);
            }
            const shown = watches.map((watch) => latest(watch).rows);
            const fresh = await Promise.all(asked.map((scan) => backend.query("rows:scan", { scan })));
            expect(shown).toEqual(fresh);
            for (const [i, wanted] of questions.entries()) {
              const ids = (shown[i] as Array<{ _id: string }>).map((row) => row._id);
              expect(ids).toEqual(passed(rows, wanted).found.map((row) => row.id));
            }
            await client.close();
          },
        ),
        { numRuns: 10 },
      );
    },
    ["subscriptions"],
  );

  add(
    "a point read depends on its row, found or not, and on nothing beside it",
    async (backend, group) => {
      const client = backend.client();
      const [one, two] = (await write(client, "rows:insert", {
        values: [
          { group, a: 1 },
          { group, a: 2 },
        ],
      })) as [string, string];
      const watch = await watching<Answer>(backend, client, "watch:get", { id: one });
      await write(client, "rows:patch", { id: two, fields: { a: 3 } });
      await write(client, "rows:insert", { values: [{ group, a: 4 }] });
      expect(watch.seen).toHaveLength(1);
      await write(client, "rows:patch", { id: one, fields: { a: 5 } });
      expect(watch.seen).toHaveLength(2);
      await write(client, "rows:remove", { ids: [one] });
      expect(watch.seen).toHaveLength(3);
      expect(latest(watch).rows).toBeNull();
      await write(client, "rows:remove", { ids: [two] });
      expect(watch.seen).toHaveLength(3);
    },
    ["subscriptions"],
  );

  add(
    "a nested query's reads are its caller's",
    async (backend, group) => {
      const client = backend.client();
      const range = [{ op: "eq", field: "group", value: group }];
      const watch = await watching<Answer>(backend, client, "watch:nested", {
        scan: { index: "by_group", range },
      });
      await write(client, "rows:insert", { values: [{ group: `${group} other` }] });
      expect(watch.seen).toHaveLength(1);
      await write(client, "rows:insert", { values: [{ group }] });
      expect(latest(watch).rows).toHaveLength(1);
    },
    ["subscriptions"],
  );

  add(
    "a query that failed runs again when what it read changes",
    async (backend, group) => {
      const client = backend.client();
      const watch = await watching<Answer>(backend, client, "watch:orFail", { group });
      expect("error" in watch.seen[0]!).toBe(true);
      const [id] = (await write(client, "rows:insert", { values: [{ group, a: 1 }] })) as [string];
      expect(latest(watch).rows).toMatchObject({ a: 1 });
      await write(client, "rows:remove", { ids: [id] });
      expect("error" in watch.seen.at(-1)!).toBe(true);
    },
    ["subscriptions"],
  );

  add(
    "a query that reads nothing never runs again, and a failed mutation runs none",
    async (backend, group) => {
      const client = backend.client();
      const nothing = await watching<Answer>(backend, client, "watch:nothing", {});
      for (let a = 0; a < 5; a++) await write(client, "rows:insert", { values: [{ group, a }] });
      expect(nothing.seen).toHaveLength(1);
      const range = [{ op: "eq", field: "group", value: group }];
      const watch = await watching<Answer>(backend, client, "watch:scan", {
        scan: { index: "by_group", range },
      });
      await write(client, "calls:failMutation", { group }).catch(() => null);
      await write(client, "rows:insert", { values: [{ group: `${group} other` }] });
      expect(watch.seen).toHaveLength(1);
    },
    ["subscriptions"],
  );

  add(
    "the state of a scheduled function can be watched",
    async (backend, group) => {
      const client = backend.client();
      const id = (await write(client, "jobs:schedule", { group, a: 1, delayMs: 30 })) as string;
      const watch = backend.watch<{ state: { kind: string } }>("rows:systemGet", { id }, client);
      await watch.until((job) => job.state.kind === "success");
    },
    ["subscriptions"],
  );

  add(
    "a watched query with a page, and a nested one with its own, keep both",
    async (backend, group) => {
      const client = backend.client();
      await write(client, "rows:insert", { values: [1, 2, 3, 4].map((a) => ({ group, a })) });
      const scan = { index: "by_a", range: [{ op: "eq", field: "group", value: group }] };
      const watch = await watching<{ inner: number; outer: number }>(backend, client, "watch:nestedPages", {
        scan,
        paginationOpts: { numItems: 2, cursor: null },
      });
      expect(latest(watch)).toMatchObject({ inner: 2, outer: 2 });
      await write(client, "rows:insert", { values: [{ group, a: 3.5 }] });
      expect(latest(watch)).toMatchObject({ inner: 2, outer: 3 });
    },
    ["subscriptions"],
  );

  add(
    "live pages side by side stay without gap and overlap while rows come and go at their borders",
    async (backend, group) => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom("asc", "desc"),
          fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 6, maxLength: 14 }),
          fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 8, maxLength: 14 }),
          async (order, start, flips) => {
            const own = `${group} ${run++}`;
            const client = backend.client();
            const ids = new Map<number, string>();
            const insert = async (numbers: number[]) => {
              const values = numbers.map((a) => ({ group: own, a }));
              const created = (await write(client, "rows:insert", { values })) as string[];
              created.forEach((id, i) => void ids.set(numbers[i]!, id));
            };
            await insert(start);
            const scan = { index: "by_a", order, range: [{ op: "eq", field: "group", value: own }] };
            type Page = { rows: { page: Array<{ a: number }>; isDone: boolean; continueCursor: string } };
            const pages: Array<Watch<Page>> = [];
            for (let cursor: string | null = null; ; ) {
              const paginationOpts = { numItems: 3, cursor };
              const watch: Watch<Page> = await watching<Page>(backend, client, "watch:page", {
                scan,
                paginationOpts,
              });
              pages.push(watch);
              const { rows } = latest(watch);
              if (rows.isDone) break;
              cursor = rows.continueCursor;
            }
            for (const number of flips) {
              const known = ids.get(number);
              if (known) {
                await write(client, "rows:remove", { ids: [known] });
                ids.delete(number);
              } else await insert([number]);
              const shown = pages.flatMap((watch) => latest(watch).rows.page.map(({ a }) => a));
              const expected = [...ids.keys()].sort((a, b) => (order === "asc" ? a - b : b - a));
              expect(shown).toEqual(expected);
            }
            await client.close();
          },
        ),
        { numRuns: 8 },
      );
    },
    ["subscriptions"],
  );
});
