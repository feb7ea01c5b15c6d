import { compareValues, type Value } from "convex/values";
import { expect } from "vitest";
import type { Backend } from "./drivers/driver";
import { conformance, failureOf } from "./suite";

const field = (name: string) => ["field", name];
const literal = (value: unknown) => ["literal", value];

/** Tags of the group's rows that pass the filters. */
async function passing(backend: Backend, group: string, ...filters: unknown[]): Promise<unknown[]> {
  const [tags] = await backend.query("rows:tags", {
    scans: [{ index: "by_a", range: [{ op: "eq", field: "group", value: group }], filters }],
  });
  return tags;
}

const MIXED: Array<Value | undefined> = [
  undefined,
  null,
  3n,
  -2,
  0,
  2.5,
  Number.NaN,
  false,
  true,
  "",
  "é",
  new Uint8Array([1]).buffer as ArrayBuffer,
  [1, 2],
  { k: "v" },
];

async function insertMixed(backend: Backend, group: string) {
  await backend.mutation("rows:insert", {
    values: MIXED.map((value, tag) => ({ group, tag, ...(value === undefined ? {} : { a: value }) })),
  });
}

const HOLDS: Record<string, (order: number) => boolean> = {
  eq: (order) => order === 0,
  neq: (order) => order !== 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
};

conformance("filters", (add) => {
  add(
    "each comparison of each kind of value with each other one follows the order of values",
    async (backend, group) => {
      await insertMixed(backend, group);
      const order = (tags: number[]) => [...tags].sort((a, b) => a - b);
      for (const [op, holds] of Object.entries(HOLDS)) {
        for (const right of MIXED) {
          const expected = MIXED.flatMap((left, tag) => (holds(compareValues(left, right)) ? [tag] : []));
          const found = await passing(backend, group, [
            op,
            field("a"),
            right === undefined ? ["undefined"] : literal(right),
          ]);
          expect([op, right, order(found as number[])]).toEqual([op, right, expected]);
        }
      }
    },
  );

  add("arithmetic on floats and on int64s", async (backend, group) => {
    await backend.mutation("rows:insert", {
      values: [
        { group, tag: "float", a: 7, b: 2, i: false },
        { group, tag: "int", a: 7n, b: 2n, i: true },
      ],
    });
    const only = (tag: string, expression: unknown) =>
      ["and", ["eq", field("tag"), literal(tag)], expression] as unknown;
    const equals = (op: string, value: unknown) => ["eq", [op, field("a"), field("b")], literal(value)];
    for (const [op, float, int] of [
      ["add", 9, 9n],
      ["sub", 5, 5n],
      ["mul", 14, 14n],
      ["div", 3.5, 3n],
      ["mod", 1, 1n],
    ] as const) {
      expect([op, await passing(backend, group, only("float", equals(op, float)))]).toEqual([op, ["float"]]);
      expect([op, await passing(backend, group, only("int", equals(op, int)))]).toEqual([op, ["int"]]);
    }
  });

  add("negation on floats and on int64s", async (backend, group) => {
    await backend.mutation("rows:insert", {
      values: [
        { group, tag: "float", a: 7 },
        { group, tag: "int", a: 7n },
      ],
    });
    expect(await passing(backend, group, ["eq", ["neg", field("a")], literal(-7)])).toEqual(["float"]);
    expect(await passing(backend, group, ["eq", ["neg", field("a")], literal(-7n)])).toEqual(["int"]);
  });

  add("and, or, not, nested fields and filters in a row", async (backend, group) => {
    await backend.mutation("rows:insert", {
      values: [
        { group, tag: 1, a: 1, nested: { x: { y: true } } },
        { group, tag: 2, a: 2, nested: { x: { y: false } } },
        { group, tag: 3, a: 3 },
      ],
    });
    const isTwo = ["eq", field("a"), literal(2)];
    const isThree = ["eq", field("a"), literal(3)];
    expect(await passing(backend, group, ["or", isTwo, isThree])).toEqual([2, 3]);
    expect(await passing(backend, group, ["not", isTwo])).toEqual([1, 3]);
    expect(await passing(backend, group, ["and"])).toEqual([1, 2, 3]);
    expect(await passing(backend, group, ["or"])).toEqual([]);
    expect(
      await passing(backend, group, ["gt", field("a"), literal(1)], ["lt", field("a"), literal(3)]),
    ).toEqual([2]);
    expect(await passing(backend, group, ["eq", field("nested.x.y"), literal(true)])).toEqual([1]);
    expect(await passing(backend, group, ["eq", field("nested.x.y"), ["undefined"]])).toEqual([3]);
    expect(await passing(backend, group, literal(true))).toEqual([1, 2, 3]);
    expect(await passing(backend, group, literal(false))).toEqual([]);
  });

  add("and stops at its first false part, or at its first true one", async (backend, group) => {
    await backend.mutation("rows:insert", { values: [{ group, tag: 1, a: 1 }] });
    const crash = ["gt", ["add", field("a"), literal("x")], literal(0)];
    expect(await passing(backend, group, ["and", literal(false), crash])).toEqual([]);
    expect(await passing(backend, group, ["or", literal(true), crash])).toEqual([1]);
  });

  add(
    "a take after a filter counts what passed; a filter after it sees what was taken",
    async (backend, group) => {
      await backend.mutation("rows:insert", { values: [1, 2, 3, 4].map((tag) => ({ group, tag, a: tag })) });
      const [tags] = await backend.query("rows:tags", {
        scans: [
          {
            index: "by_a",
            range: [{ op: "eq", field: "group", value: group }],
            filters: [["gt", field("a"), literal(1)]],
            end: 2,
          },
        ],
      });
      expect(tags).toEqual([2, 3]);
    },
  );

  add(
    "values of the wrong kind are named",
    async (backend, group) => {
      await backend.mutation("rows:insert", { values: [{ group, tag: 1, a: 1, b: 1n }] });
      const refusal = async (expression: unknown) =>
        (await failureOf(passing(backend, group, expression))).message;
      expect(await refusal(["gt", ["add", field("a"), literal("x")], literal(0)])).toContain(
        'Cannot add 1.0 (type Float64) and "x" (type String)',
      );
      expect(await refusal(["gt", ["sub", field("a"), field("b")], literal(0)])).toContain(
        "Cannot subtract 1.0 (type Float64) and 1 (type Int64)",
      );
      expect(await refusal(["gt", ["mul", field("none"), field("b")], literal(0)])).toContain(
        "Cannot multiply undefined (type undefined) and 1 (type Int64)",
      );
      expect(await refusal(["gt", ["neg", literal(null)], literal(0)])).toContain(
        "Cannot negate null (type Null)",
      );
      expect(await refusal(["not", field("a")])).toContain(
        "Cannot use value 1.0 (type Float64) as a Boolean",
      );
      expect(await refusal(field("none"))).toContain(
        "Cannot use value undefined (type undefined) as a Boolean",
      );
      expect(await refusal(["and", literal(true), literal([1])])).toContain(
        "Cannot use value [1.0] (type Array) as a Boolean",
      );
    },
    ["wording"],
  );
});
