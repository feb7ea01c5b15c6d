import { expect } from "vitest";
import type { Backend } from "./drivers/driver";
import { conformance, failureOf } from "./suite";

type Bound = [op: string, field: string, value?: unknown];

function scan(bounds: Bound[], index = "by_abc", extra: object = {}) {
  const range = bounds.map(([op, field, ...value]) => ({
    op,
    field,
    ...(value.length ? { value: value[0] } : {}),
  }));
  return { scan: { index, range, ...extra } };
}

const tagsOf = (rows: Array<{ tag: string }>) => rows.map(({ tag }) => tag);

async function threeByThree(backend: Backend, group: string) {
  const values = [1, 2, 3].flatMap((a) => [1, 2, 3].map((b) => ({ group, a, b, c: 0, tag: `${a}${b}` })));
  await backend.mutation("rows:insert", { values });
}

conformance("index ranges", (add) => {
  add("an empty range, a point and everything in between", async (backend, group) => {
    await threeByThree(backend, group);
    const ask = async (...bounds: Bound[]) =>
      tagsOf(await backend.query("rows:scan", scan([["eq", "group", group], ...bounds])));
    expect(await ask()).toEqual(["11", "12", "13", "21", "22", "23", "31", "32", "33"]);
    expect(await ask(["eq", "a", 2])).toEqual(["21", "22", "23"]);
    expect(await ask(["eq", "a", 2], ["eq", "b", 3], ["eq", "c", 0])).toEqual(["23"]);
    expect(await ask(["gt", "a", 1], ["lt", "a", 3])).toEqual(["21", "22", "23"]);
    expect(await ask(["gte", "a", 2], ["lte", "a", 2])).toEqual(["21", "22", "23"]);
    expect(await ask(["eq", "a", 1], ["gt", "b", 1])).toEqual(["12", "13"]);
    expect(await ask(["lte", "a", 1])).toEqual(["11", "12", "13"]);
    expect(await ask(["eq", "a", 4])).toEqual([]);
  });

  add("contradictory bounds are an empty range, not an error", async (backend, group) => {
    await threeByThree(backend, group);
    const ask = async (...bounds: Bound[]) =>
      backend.query("rows:scan", scan([["eq", "group", group], ...bounds]));
    expect(await ask(["gt", "a", 3], ["lt", "a", 1])).toEqual([]);
    expect(await ask(["gt", "a", 2], ["lt", "a", 2])).toEqual([]);
    expect(await ask(["gte", "a", 2], ["lt", "a", 2])).toEqual([]);
    expect(await ask(["gt", "a", 2], ["lte", "a", 2])).toEqual([]);
    expect(await ask(["gt", "a", "text"], ["lt", "a", 1])).toEqual([]);
    expect(await ask(["lt", "a"])).toEqual([]);
  });

  add("undefined bounds speak of missing fields", async (backend, group) => {
    await backend.mutation("rows:insert", {
      values: [
        { group, tag: "none" },
        { group, a: null, tag: "null" },
        { group, a: 1, tag: "one" },
      ],
    });
    const ask = async (...bounds: Bound[]) =>
      tagsOf(await backend.query("rows:scan", scan([["eq", "group", group], ...bounds], "by_a")));
    expect(await ask(["eq", "a"])).toEqual(["none"]);
    expect(await ask(["lte", "a"])).toEqual(["none"]);
    expect(await ask(["gt", "a"])).toEqual(["null", "one"]);
    expect(await ask(["gte", "a"])).toEqual(["none", "null", "one"]);
    expect(await ask(["gt", "a"], ["lt", "a", 1])).toEqual(["null"]);
  });

  add("a nested field path, and a path through something that is no object", async (backend, group) => {
    await backend.mutation("rows:insert", {
      values: [
        { group, nested: { x: { y: 2 } }, tag: "two" },
        { group, nested: { x: 5 }, tag: "no object" },
        { group, tag: "missing" },
        { group, nested: { x: { y: 1 } }, tag: "one" },
        { group, nested: [{ x: { y: 1 } }], tag: "array" },
      ],
    });
    const ask = async (...bounds: Bound[]) =>
      tagsOf(await backend.query("rows:scan", scan([["eq", "group", group], ...bounds], "by_nested")));
    expect(await ask(["gt", "nested.x.y"])).toEqual(["one", "two"]);
    expect(await ask(["eq", "nested.x.y"])).toEqual(["no object", "missing", "array"]);
  });

  add("the built-in indexes take ranges over the creation time and the id", async (backend, group) => {
    const ids = await backend.mutation<string[]>("rows:insert", {
      values: [1, 2, 3].map((a) => ({ group, a, tag: `${a}` })),
    });
    const second = await backend.query("rows:get", { id: ids[1] });
    const by = (bounds: Bound[], index: string) => backend.query("rows:scan", scan(bounds, index));
    expect(tagsOf(await by([["eq", "_id", ids[1]]], "by_id"))).toEqual(["2"]);
    const later = tagsOf(await by([["gt", "_creationTime", second._creationTime]], "by_creation_time"));
    expect(later[0]).toBe("3");
    const until = await by(
      [
        ["gte", "_creationTime", second._creationTime],
        ["lte", "_creationTime", second._creationTime],
      ],
      "by_creation_time",
    );
    expect(tagsOf(until)).toEqual(["2"]);
    const tail = await by(
      [
        ["eq", "group", group],
        ["eq", "a", 3],
        ["gt", "_creationTime", second._creationTime],
      ],
      "by_a",
    );
    expect(tagsOf(tail)).toEqual(["3"]);
  });

  add("take, first, unique and iteration consume what they say", async (backend, group) => {
    await threeByThree(backend, group);
    const ask = (end: unknown, ...bounds: Bound[]) =>
      backend.query("rows:scan", scan([["eq", "group", group], ...bounds], "by_abc", { end }));
    expect(tagsOf(await ask(2))).toEqual(["11", "12"]);
    expect(await ask(0)).toEqual([]);
    expect((await ask("first")).tag).toBe("11");
    expect(await ask("first", ["eq", "a", 9])).toBeNull();
    expect((await ask("unique", ["eq", "a", 1], ["eq", "b", 2])).tag).toBe("12");
    expect(await ask("unique", ["eq", "a", 9])).toBeNull();
    expect(tagsOf(await ask("iterate", ["eq", "a", 3]))).toEqual(["31", "32", "33"]);
    expect((await failureOf(ask("unique", ["eq", "a", 1]))).message).toMatch(
      /unique\(\) query returned more than one result/,
    );
  });

  add("equalities may come in any order, also after a bound", async (backend, group) => {
    await threeByThree(backend, group);
    const ask = async (...bounds: Bound[]) => tagsOf(await backend.query("rows:scan", scan(bounds)));
    expect(await ask(["eq", "a", 2], ["eq", "group", group])).toEqual(["21", "22", "23"]);
    expect(await ask(["gt", "a", 2], ["eq", "group", group])).toEqual(["31", "32", "33"]);
  });

  add(
    "a range that skips a field, leaves the index or bounds twice is refused",
    async (backend, group) => {
      const refusal = async (...bounds: Bound[]) =>
        (await failureOf(backend.query("rows:scan", scan([["eq", "group", group], ...bounds])))).message;
      expect(await refusal(["eq", "b", 1])).toContain(
        'Tried to query index rows.by_abc but the query didn\'t use the index fields in order.\nIndex fields: ["group", "a", "b", "c", "_creationTime"]\nQuery fields: ["group", "b"]\nFirst incorrect field: "b"',
      );
      expect(await refusal(["eq", "other", 1])).toContain(
        'The index range included a comparison with "other", but rows.by_abc with fields ["group", "a", "b", "c", "_creationTime"] doesn\'t index this field.',
      );
      expect(await refusal(["gt", "a", 1], ["gt", "a", 2])).toContain(
        'Already defined lower bound in index range. Can\'t add "a" > 2.0.',
      );
      expect(await refusal(["lt", "a", 1], ["lte", "a", "x"])).toContain(
        'Already defined upper bound in index range. Can\'t add "a" <= "x".',
      );
      expect(await refusal(["eq", "a", 1], ["eq", "a", 1])).toContain(
        'Already defined equality bound in index range. Can\'t add "a" == 1.0.',
      );
      expect(await refusal(["eq", "a", 1], ["gt", "a", 1])).toContain(
        'Already defined inequality bound in index range. Can\'t add "a" == 1.0.',
      );
      expect(await refusal(["gt", "a", 1], ["lt", "b", 1])).toContain(
        'This query against index rows.by_abc attempted to set a range bound on both "a" and "b".',
      );
      expect((await failureOf(backend.query("rows:scan", scan([], "by_nothing")))).message).toContain(
        "Index rows.by_nothing not found.",
      );
    },
    ["wording"],
  );

  add("an order that is set twice is refused by the library", async (backend) => {
    expect((await failureOf(backend.query("rows:misuse"))).message).toMatch(/order/);
  });
});
