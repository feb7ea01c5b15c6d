import { compareValues, type Value } from "convex/values";
import fc from "fast-check";
import { expect } from "vitest";
import { convexValue } from "../backend/arbitraries";
import type { Backend } from "./drivers/driver";
import { conformance } from "./suite";

/** A row of the model: values by field, absent when undefined. */
interface Row {
  tag: number;
  values: Array<Value | undefined>;
}
interface Bound {
  op: "gt" | "gte" | "lt" | "lte";
  value: Value | undefined;
}
interface Question {
  equal: Array<Value | undefined>;
  bounds: Bound[];
  order: "asc" | "desc";
}

const FIELDS = ["a", "b", "c"];
/** Index by the number of its fields after the group. */
const INDEXES = { 1: "by_a", 3: "by_abc" } as const;

/** One ascending line through every type and its corners: undefined < null < int64 < float64 < boolean < string < bytes < array < object. */
const LADDER: Array<Value | undefined> = [
  undefined,
  null,
  ...[-(2n ** 63n), -1n, 0n, 1n, 2n ** 63n - 1n],
  ...[Number.NEGATIVE_INFINITY, -1.5, -Number.MIN_VALUE, -0, 0, Number.MIN_VALUE, 1, Number.MAX_VALUE],
  ...[Number.POSITIVE_INFINITY, Number.NaN],
  ...[false, true],
  ...["", "\u0000", "\u0000a", "a", "a\u0000", "aa", "b", "é", "\u00ff", "\ud7ff", "\ue000", "\uffff"],
  ...["\u{10000}", "😀", "\u{10ffff}"],
  ...[[], [0], [0, 0], [1], [1, 0], [255]].map((list) => Uint8Array.from(list).buffer as ArrayBuffer),
  ...([[], [null], [null, null], [1n], [1], ["a"], [[]]] as Value[]),
  ...([{}, { a: 1 }, { a: 1, b: 0 }, { a: 2 }, { b: 0 }] as Value[]),
];

function compare(a: Row, b: Row): number {
  for (let i = 0; i < a.values.length; i++) {
    const order = compareValues(a.values[i], b.values[i]);
    if (order !== 0) return order;
  }
  return a.tag - b.tag;
}

function holds({ op, value }: Bound, actual: Value | undefined): boolean {
  const order = compareValues(actual, value);
  if (op === "gt") return order > 0;
  if (op === "gte") return order >= 0;
  return op === "lt" ? order < 0 : order <= 0;
}

function answer(rows: Row[], { equal, bounds, order }: Question): number[] {
  const found = rows
    .filter(({ values }) => equal.every((value, i) => compareValues(values[i], value) === 0))
    .filter(({ values }) => bounds.every((bound) => holds(bound, values[equal.length])))
    .sort(compare);
  if (order === "desc") found.reverse();
  return found.map(({ tag }) => tag);
}

function withoutUndefined(entries: Array<[string, Value | undefined]>) {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function scanOf(group: string, width: 1 | 3, { equal, bounds, order }: Question) {
  const bound = (op: string, field: string, value: Value | undefined) => ({
    op,
    field,
    ...(value === undefined ? {} : { value }),
  });
  return {
    index: INDEXES[width],
    order,
    range: [
      bound("eq", "group", group),
      ...equal.map((value, i) => bound("eq", FIELDS[i]!, value)),
      ...bounds.map(({ op, value }) => bound(op, FIELDS[equal.length]!, value)),
    ],
  };
}

async function store(backend: Backend, group: string, rows: Row[]): Promise<void> {
  const documents = rows.map(({ tag, values }) => ({
    ...withoutUndefined(values.map((value, i) => [FIELDS[i]!, value])),
    group,
    tag,
  }));
  await backend.mutation("rows:insert", { values: documents });
}

const few = fc.constantFrom<Value | undefined>(undefined, null, 1n, 0, 1, 2, "x", true, [1], { a: 1 });
const any: fc.Arbitrary<Value | undefined> = fc.oneof(few, fc.constantFrom(...LADDER), convexValue);
const lower = fc.option(fc.record({ op: fc.constantFrom("gt" as const, "gte" as const), value: any }));
const upper = fc.option(fc.record({ op: fc.constantFrom("lt" as const, "lte" as const), value: any }));
const question = (width: number) =>
  fc
    .record({
      equal: fc.array(few, { maxLength: width }),
      lower,
      upper,
      swapped: fc.boolean(),
      order: fc.constantFrom("asc" as const, "desc" as const),
    })
    .map(({ equal, lower, upper, swapped, order }): Question => {
      const bounds = [lower, upper].filter((bound) => bound !== null);
      // Every field is bound by equality: no field is left for a bound.
      return { equal, bounds: equal.length === width ? [] : swapped ? bounds.reverse() : bounds, order };
    });

conformance("ordering", (add) => {
  add(
    "every type and its corners stand in Convex's order, both ways, with the values intact",
    async (backend, group) => {
      const shuffled = LADDER.map((value, i) => ({ tag: i, values: [value] })).sort(
        (a, b) => ((a.tag * 37) % 47) - ((b.tag * 37) % 47),
      );
      await store(backend, group, shuffled);
      const rows = await backend.query("rows:scan", {
        scan: { index: "by_a", range: [{ op: "eq", field: "group", value: group }] },
      });
      expect(rows.map((row: { tag: number }) => row.tag)).toEqual(LADDER.map((_, i) => i));
      for (const [i, row] of rows.entries()) {
        if (LADDER[i] === undefined) expect("a" in row).toBe(false);
        else expect(compareValues(row.a, LADDER[i])).toBe(0);
      }
      const [down] = await backend.query("rows:tags", {
        scans: [scanOf(group, 1, { equal: [], bounds: [], order: "desc" })],
      });
      expect(down).toEqual(LADDER.map((_, i) => i).reverse());
    },
  );

  add("each bound at each corner cuts the order exactly there", async (backend, group) => {
    const rows = LADDER.map((value, tag) => ({ tag, values: [value] }));
    await store(backend, group, rows);
    const questions = LADDER.flatMap((value) =>
      (["gt", "gte", "lt", "lte"] as const).map(
        (op): Question => ({ equal: [], bounds: [{ op, value }], order: "asc" }),
      ),
    );
    const answers = await backend.query("rows:tags", {
      scans: questions.map((asked) => scanOf(group, 1, asked)),
    });
    expect(answers).toEqual(questions.map((asked) => answer(rows, asked)));
  });

  for (const width of [1, 3] as const) {
    add(
      `a range over ${width} field(s) of any values equals a sort and a filter of them all`,
      async (backend, group) => {
        let run = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(width === 1 ? any : few, { minLength: width, maxLength: width }), {
              minLength: 1,
              maxLength: 24,
            }),
            fc.array(question(width), { minLength: 12, maxLength: 12 }),
            async (values, questions) => {
              const own = `${group} ${width} ${run++}`;
              const rows = values.map((list, tag) => ({ tag, values: list }));
              await store(backend, own, rows);
              const answers = await backend.query("rows:tags", {
                scans: questions.map((asked) => scanOf(own, width, asked)),
              });
              expect(answers).toEqual(questions.map((asked) => answer(rows, asked)));
            },
          ),
          { numRuns: 25, endOnFailure: true },
        );
      },
    );
  }

  add(
    "rows of equal keys come in the order of their insertion, as do rows without an index",
    async (backend, group) => {
      const rows = Array.from({ length: 20 }, (_, tag) => ({ tag, values: [1 as Value] }));
      await store(backend, group, rows);
      const equal = { index: "by_a", range: [{ op: "eq", field: "group", value: group }] };
      const filters = [["eq", ["field", "group"], ["literal", group]]];
      const [indexed, scanned, created] = await backend.query("rows:tags", {
        scans: [equal, { filters }, { index: "by_creation_time", order: "desc", filters }],
      });
      expect(indexed).toEqual(rows.map(({ tag }) => tag));
      expect(scanned).toEqual(indexed);
      expect(created).toEqual([...indexed].reverse());
    },
  );
});
