import { compareValues, type Value } from "convex/values";
import fc from "fast-check";
import { expect } from "vitest";
import { convexValue } from "../backend/arbitraries";
import { conformance, failureOf } from "./suite";

conformance("documents", (add) => {
  add("any value comes back as it was written", async (backend, group) => {
    await fc.assert(
      fc.asyncProperty(fc.array(convexValue, { minLength: 1, maxLength: 20 }), async (values) => {
        const ids = await backend.mutation<string[]>("rows:insert", {
          values: values.map((a) => ({ group, a })),
        });
        const rows = await Promise.all(ids.slice(0, 4).map((id) => backend.query("rows:get", { id })));
        for (const [i, row] of rows.entries()) expect(compareValues(row.a, values[i])).toBe(0);
        expect(await backend.query("calls:echo", { value: values })).toEqual(values as Value[]);
      }),
      { numRuns: 15 },
    );
  });

  add("a document gets an id of its table and a creation time that grows", async (backend, group) => {
    const before = Date.now();
    const ids = await backend.mutation<string[]>("rows:insert", {
      values: [{ group }, { group }, { group }],
    });
    const rows = await Promise.all(ids.map((id) => backend.query("rows:get", { id })));
    expect(new Set(ids).size).toBe(3);
    const times = rows.map((row) => row._creationTime);
    expect(times[0]).toBeGreaterThan(before - 60_000);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(new Set(times).size).toBe(3);
    expect(rows[0]).toEqual({ _id: ids[0], _creationTime: times[0], group });
  });

  add(
    "patch merges, removes what is undefined and keeps the rest; replace keeps nothing but the system fields",
    async (backend, group) => {
      const [id] = await backend.mutation<[string]>("rows:insert", {
        values: [{ group, a: 1, b: { x: 1 }, c: [1] }],
      });
      const { _id, _creationTime } = await backend.query("rows:get", { id });
      await backend.mutation("rows:patch", {
        id,
        fields: { a: 2, b: { y: 2 }, d: null },
        removed: ["c", "never"],
      });
      expect(await backend.query("rows:get", { id })).toEqual({
        _id,
        _creationTime,
        group,
        a: 2,
        b: { y: 2 },
        d: null,
      });
      await backend.mutation("rows:patch", { id, fields: {} });
      expect(await backend.query("rows:get", { id })).toMatchObject({ a: 2 });
      await backend.mutation("rows:replace", { id, value: { group, only: true } });
      expect(await backend.query("rows:get", { id })).toEqual({ _id, _creationTime, group, only: true });
      await backend.mutation("rows:replace", { id, value: { _id, _creationTime, group, again: 1 } });
      expect(await backend.query("rows:get", { id })).toEqual({ _id, _creationTime, group, again: 1 });
      await backend.mutation("rows:patch", { id, fields: { _id, _creationTime, a: 5 } });
      expect(await backend.query("rows:get", { id })).toEqual({ _id, _creationTime, group, again: 1, a: 5 });
      await backend.mutation("rows:remove", { ids: [id] });
      expect(await backend.query("rows:get", { id })).toBeNull();
    },
  );

  add("a mutation reads its own writes through every kind of read", async (backend, group) => {
    expect(await backend.mutation("rows:readOwnWrites", { group })).toEqual({
      inserted: [1, 2],
      patched: [0, 1],
      deleted: [0],
      gone: null,
      replaced: [9],
      paged: 1,
    });
  });

  add("an iteration goes on while the mutation writes to the rows it passes", async (backend, group) => {
    expect(await backend.mutation("rows:writeWhileReading", { group })).toEqual([1, 2, 3]);
  });

  add(
    "writing to a document that is gone is refused with its id",
    async (backend, group) => {
      const [id] = await backend.mutation<[string]>("rows:insert", { values: [{ group }] });
      await backend.mutation("rows:remove", { ids: [id] });
      const refusal = async (path: string, args: object) =>
        (await failureOf(backend.mutation(path, args))).message;
      expect(await refusal("rows:patch", { id, fields: { a: 1 } })).toContain(
        `Update on nonexistent document ID ${id}`,
      );
      expect(await refusal("rows:replace", { id, value: { group } })).toContain(
        `Replace on nonexistent document ID ${id}`,
      );
      expect(await refusal("rows:remove", { ids: [id] })).toContain(
        `Delete on nonexistent document ID ${id}`,
      );
    },
    ["wording"],
  );

  add("system fields cannot be given or changed", async (backend, group) => {
    const [id, other] = await backend.mutation<string[]>("rows:insert", { values: [{ group }, { group }] });
    await failureOf(backend.mutation("rows:patch", { id, fields: { _id: other } }));
    await failureOf(backend.mutation("rows:patch", { id, fields: { _creationTime: 1 } }));
    await failureOf(backend.mutation("rows:replace", { id, value: { _id: other, group } }));
    await failureOf(backend.mutation("rows:replace", { id, value: { _creationTime: 1, group } }));
    expect(await backend.query("rows:get", { id })).toMatchObject({ _id: id, group });
  });

  add(
    "a document with an id, a reserved or an impossible field name is refused",
    async (backend, group) => {
      const refusal = async (value: object) =>
        (await failureOf(backend.mutation("rows:insert", { values: [value] }))).message;
      const [id] = await backend.mutation<[string]>("rows:insert", { values: [{ group }] });
      await refusal({ group, _id: id });
      await refusal({ group, _creationTime: 1 });
      expect(await refusal({ group, _hidden: 1 })).toContain(
        "Field '_hidden' starts with an underscore, which is only allowed for system fields like '_id'",
      );
      expect(await refusal({ group, $dollar: 1 })).toMatch(
        /Field name \$dollar starts with (a )?'\$', which is reserved/,
      );
      expect(await refusal({ group, inner: { $dollar: 1 } })).toMatch(/starts with (a )?'\$'/);
      expect(await refusal({ group, inner: { "a\nb": 1 } })).toMatch(/invalid character/);
      expect(await refusal({ group, inner: { é: 1 } })).toMatch(/invalid character/);
      await refusal({ group, "": 1 });
      await backend.mutation("rows:insert", {
        values: [{ group, inner: { "any printable name!": 1, _under: 2 } }],
      });
    },
    ["limits"],
  );

  add("a nested record may hold names that JavaScript reserves", async (backend, group) => {
    const names = ["constructor", "toString", "hasOwnProperty", "valueOf", "length", "then"];
    const book = Object.fromEntries(names.map((name, i) => [name, i]));
    const [id] = await backend.mutation<[string]>("rows:insert", { values: [{ group, a: book }] });
    expect((await backend.query("rows:get", { id })).a).toEqual(book);
    await backend.mutation("rows:insert", { table: "strict", values: [{ text: group, book }] });
  });

  add("a missing field of an object that inherits one is missing", async (backend, group) => {
    const [id] = await backend.mutation<[string]>("rows:insert", { values: [{ group }] });
    const range = [{ op: "eq", field: "group", value: group }];
    const filters = [["eq", ["field", "constructor"], ["undefined"]]];
    const found = await backend.query("rows:scan", { scan: { index: "by_group", range, filters } });
    expect(found.map((row: { _id: string }) => row._id)).toEqual([id]);
  });
});

conformance("ids", (add) => {
  add("normalizeId knows the ids of its table and nothing else", async (backend, group) => {
    const [row] = await backend.mutation<[string]>("rows:insert", { values: [{ group }] });
    const [strict] = await backend.mutation<[string]>("rows:insert", {
      table: "strict",
      values: [{ text: group }],
    });
    const normal = (table: string, id: string) => backend.query("rows:normalize", { table, id });
    expect(await normal("rows", row)).toBe(row);
    expect(await normal("strict", strict)).toBe(strict);
    expect(await normal("rows", strict)).toBeNull();
    expect(await normal("rows", "nonsense")).toBeNull();
    expect(await normal("rows", "")).toBeNull();
    expect(await normal("rows", `${row.slice(0, -1)}${row.endsWith("0") ? "1" : "0"}`)).toBeNull();
    expect(await normal("rows", row.toUpperCase())).toBeNull();
    await backend.mutation("rows:remove", { ids: [row] });
    expect(await normal("rows", row)).toBe(row);
  });

  add(
    "an id of another table, of a system table or of none is refused where a table is named",
    async (backend, group) => {
      const [row] = await backend.mutation<[string]>("rows:insert", { values: [{ group }] });
      const [strict] = await backend.mutation<[string]>("rows:insert", {
        table: "strict",
        values: [{ text: group }],
      });
      const job = await backend.mutation<string>("jobs:scheduleAndCancel", { group });
      const inTable = (op: string, table: string, id: string, value?: object) =>
        backend.mutation("rows:inTable", { op, table, id, ...(value ? { value } : {}) });
      expect(await inTable("get", "rows", row)).toMatchObject({ _id: row });
      for (const [op, value] of [["get"], ["patch", { a: 1 }], ["replace", { group }], ["delete"]] as const) {
        expect((await failureOf(inTable(op, "rows", strict, value))).message).toContain(
          `Invalid argument \`id\` for \`db.${op}\`: expected to be an Id<"rows">, got Id<"strict"> instead.`,
        );
      }
      await inTable("patch", "rows", row, { a: 3 });
      expect(await inTable("get", "rows", row)).toMatchObject({ a: 3 });
      expect((await failureOf(backend.query("rows:get", { id: job }))).message).toContain("db.system.");
      expect((await failureOf(backend.query("rows:systemGet", { id: row }))).message).toContain("db.system.");
      expect((await failureOf(backend.query("rows:get", { id: "nonsense" }))).message).toContain(
        "Invalid argument `id` for `db.get`",
      );
      expect((await failureOf(backend.mutation("rows:remove", { ids: [job] }))).message).toMatch(/system/i);
    },
    ["wording"],
  );

  add("a system table is read through db.system only, and never written", async (backend, group) => {
    const job = await backend.mutation<string>("jobs:schedule", { group, a: 1, delayMs: 3_600_000 });
    const row = await backend.query("rows:systemGet", { id: job });
    expect(row).toMatchObject({
      _id: job,
      name: expect.stringMatching(/^jobs(\.js)?:record$/),
      args: [{ group, a: 1 }],
      state: { kind: "pending" },
    });
    expect(row.scheduledTime).toBeGreaterThan(Date.now());
    expect(row.completedTime).toBeUndefined();
    const all = await backend.query("rows:systemScan", {
      scan: { table: "_scheduled_functions", order: "desc", end: 50 },
    });
    expect(all.map((entry: { _id: string }) => entry._id)).toContain(job);
    expect(await backend.query("rows:normalizeSystem", { table: "_scheduled_functions", id: job })).toBe(job);
    await backend.mutation("jobs:cancel", { id: job });
    expect(await backend.query("rows:systemGet", { id: job })).toMatchObject({ state: { kind: "canceled" } });
  });

  add(
    "reading a system table through db is refused, as is writing to one",
    async (backend) => {
      await failureOf(backend.query("rows:scan", { scan: { table: "_scheduled_functions", end: 1 } }));
      await failureOf(backend.query("rows:systemScan", { scan: { table: "rows", end: 1 } }));
      await failureOf(backend.query("rows:systemScan", { scan: { table: "_indexes", end: 1 } }));
      await failureOf(backend.mutation("rows:insert", { table: "_storage", values: [{}] }));
    },
    ["wording"],
  );

  add(
    "commit timestamps are what the document was committed at, in one order for all",
    async (backend, group) => {
      for (let i = 0; i < 3; i++) await backend.mutation("environment:stamp", { group });
      const stamps = await backend.query<Array<{ at: bigint }>>("environment:stamps", { group });
      expect(stamps).toHaveLength(3);
      expect(stamps.every(({ at }) => typeof at === "bigint")).toBe(true);
      expect(new Set(stamps.map(({ at }) => at)).size).toBe(3);
    },
  );
});
