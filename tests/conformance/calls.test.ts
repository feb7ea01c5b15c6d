import { ConvexError } from "convex/values";
import { expect } from "vitest";
import { conformance, failureOf } from "./suite";

conformance("calls", (add) => {
  add("undefined fields of arguments and results are as if they were not there", async (backend) => {
    expect(await backend.query("calls:unchecked", { a: 1, b: undefined })).toEqual({ a: 1 });
    expect(await backend.query("calls:typed", { text: "x", count: undefined })).toBe("fits");
    expect(await backend.query("calls:returnsStrange", { what: "undefinedField" })).toEqual({ a: 1 });
    expect(await backend.query("calls:returnsUndefined")).toBeNull();
  });

  add("results that are no Convex values are refused", async (backend) => {
    for (const what of ["function", "date", "symbolic", "map"]) {
      await failureOf(backend.query("calls:returnsStrange", { what }));
    }
  });

  add("arguments of each kind fit their validator", async (backend, group) => {
    const [row] = await backend.mutation<[string]>("rows:insert", { values: [{ group }] });
    const all = {
      text: "é",
      count: Number.NaN,
      big: 2n ** 62n,
      flag: false,
      nothing: null,
      data: new Uint8Array([0, 255]).buffer,
      list: [1, -0, Number.POSITIVE_INFINITY],
      box: { inner: "", deep: { leaf: 1 } },
      book: { "any key": 1 },
      either: 2,
      shape: { kind: "square", side: 1 },
      fixed: "only",
      row,
      anything: [{ x: null }],
    };
    expect(await backend.query("calls:typed", all)).toBe("fits");
    await backend.mutation("rows:insert", { table: "strict", values: [all] });
  });

  add(
    "an argument that does not fit is named by its path, its value and its validator",
    async (backend, group) => {
      const [strict] = await backend.mutation<[string]>("rows:insert", {
        table: "strict",
        values: [{ text: group }],
      });
      const refusal = async (args: object) => {
        const { message } = await failureOf(backend.query("calls:typed", args));
        expect(message).toMatch(/^\[Request ID: [0-9a-f]{16}\] Server Error\nArgumentValidationError: /);
        return message
          .slice(message.indexOf("ArgumentValidationError: ") + "ArgumentValidationError: ".length)
          .trimEnd();
      };
      expect(await refusal({ text: 1 })).toBe(
        "Value does not match validator.\nPath: .text\nValue: 1.0\nValidator: v.string()",
      );
      expect(await refusal({ text: "x", big: 1 })).toBe(
        "Value does not match validator.\nPath: .big\nValue: 1.0\nValidator: v.int64()",
      );
      expect(await refusal({ text: "x", count: 1n })).toBe(
        "Value does not match validator.\nPath: .count\nValue: 1\nValidator: v.float64()",
      );
      expect(await refusal({ text: "x", nothing: false })).toBe(
        "Value does not match validator.\nPath: .nothing\nValue: false\nValidator: v.null()",
      );
      expect(await refusal({ text: "x", list: [1, "2"] })).toBe(
        'Value does not match validator.\nPath: .list[1]\nValue: "2"\nValidator: v.float64()',
      );
      expect(await refusal({ text: "x", book: { a: "b" } })).toBe(
        'Value does not match validator.\nPath: .book.values()\nValue: "b"\nValidator: v.float64()',
      );
      expect(await refusal({ text: "x", either: true })).toBe(
        "Value does not match validator.\nPath: .either\nValue: true\nValidator: v.union(v.string(), v.float64())",
      );
      expect(await refusal({ text: "x", fixed: "other" })).toMatch(
        /^`"other"` does not match literal validator `v\.literal\("only"\)`\./,
      );
      expect(await refusal({ text: "x", row: "nonsense" })).toBe(
        'Value does not match validator.\nPath: .row\nValue: "nonsense"\nValidator: v.id("rows")',
      );
      expect(await refusal({ text: "x", row: strict })).toMatch(
        new RegExp(
          `^Found ID "${strict}" from table \`strict\`, which does not match the table name in validator \`v\\.id\\("rows"\\)\`\\.`,
        ),
      );
      expect(await refusal({ text: "x", box: {} })).toBe(
        "Object is missing the required field `inner`. Consider wrapping the field validator in `v.optional(...)` if this is expected.\n" +
          "Path: .box\nObject: {}\nValidator: v.object({deep: v.optional(v.object({leaf: v.float64()})), inner: v.string()})",
      );
      expect(await refusal({ text: "x", box: { inner: "a", deep: { leaf: 1, more: [2] } } })).toBe(
        "Object contains extra field `more` that is not in the validator.\n" +
          "Path: .box.deep\nObject: {leaf: 1.0, more: [2.0]}\nValidator: v.object({leaf: v.float64()})",
      );
      expect(await refusal({ text: "x", shape: { kind: "square" } })).toMatch(
        /^Object is missing the required field `side`\./,
      );
      expect(await refusal({})).toMatch(
        /^Object is missing the required field `text`\. .*\n\nObject: \{\}\nValidator: v\.object\(\{/,
      );
      expect(await refusal({ text: "x", unknown: 1 })).toMatch(
        /^Object contains extra field `unknown` that is not in the validator\.\n\nObject: \{text: "x", unknown: 1\.0\}\nValidator: v\.object\(\{/,
      );
    },
    ["validatorWording"],
  );

  add(
    "a result that does not fit is refused in the same words",
    async (backend) => {
      const refusal = async (path: string) =>
        (await failureOf(backend.query(path))).message.replace(/^.*\n/, "").trimEnd();
      expect(await refusal("calls:wrongReturn")).toBe(
        'ReturnsValidationError: Value does not match validator.\n\nValue: "not a number"\nValidator: v.float64()',
      );
      expect(await refusal("calls:wrongReturnDeep")).toBe(
        "ReturnsValidationError: Value does not match validator.\nPath: .box.list[1]\nValue: 1.0\nValidator: v.string()",
      );
    },
    ["validatorWording"],
  );

  add("arguments and results that do not fit are refused", async (backend) => {
    await failureOf(backend.query("calls:typed", { text: 1 }));
    await failureOf(backend.query("calls:typed", {}));
    await failureOf(backend.query("calls:typed", { text: "x", unknown: 1 }));
    await failureOf(backend.query("calls:wrongReturn"));
    await failureOf(backend.query("calls:wrongReturnDeep"));
  });

  add(
    "a document that does not fit its table is refused with the table's name, and leaves nothing",
    async (backend, group) => {
      const refusal = async (value: object) =>
        (
          await failureOf(
            backend.mutation("rows:insert", { table: "strict", values: [{ text: group }, value] }),
          )
        ).message;
      expect(await refusal({ text: 5 })).toContain(
        'Failed to insert or update a document in table "strict" because it does not match the schema: Value does not match validator.\nPath: .text\nValue: 5.0\nValidator: v.string()',
      );
      expect(await refusal({ text: "x", extra: 1 })).toContain(
        "Object contains extra field `extra` that is not in the validator.",
      );
      const left = await backend.query("rows:scan", {
        scan: { table: "strict", index: "by_text", range: [{ op: "eq", field: "text", value: group }] },
      });
      expect(left).toEqual([]);
    },
    ["validatorWording"],
  );

  add(
    "errors of functions arrive with their kind and their message",
    async (backend) => {
      const refusal = async (how: string) => (await failureOf(backend.query("calls:fail", { how }))).message;
      expect(await refusal("error")).toMatch(
        /^\[Request ID: [0-9a-f]{16}\] Server Error\nUncaught Error: boom\n {4}at handler \(\.\.\/convex\/calls\.ts:\d+:\d+\)/,
      );
      expect(await refusal("type")).toContain("\nUncaught TypeError: wrong type");
      expect(await refusal("string")).toContain("just text");
    },
    ["wording"],
  );

  add("ConvexErrors carry their data from every kind of function", async (backend, group) => {
    const data = async (call: Promise<unknown>) => {
      const error = await failureOf(call);
      expect(error).toBeInstanceOf(ConvexError);
      return error.data;
    };
    expect(await data(backend.query("calls:fail", { how: "convexText" }))).toBe("text data");
    expect(await data(backend.query("calls:fail", { how: "convexObject" }))).toEqual({
      code: 7n,
      list: [1, null],
      deep: { nan: Number.NaN },
    });
    expect(await data(backend.query("calls:fail", { how: "convexNull" }))).toBeNull();
    expect(await data(backend.mutation("calls:failMutation", { group }))).toEqual({ refused: true });
    expect(await data(backend.action("calls:failAction"))).toEqual({ fromAction: true });
    expect(
      await backend.query("rows:scan", {
        scan: { index: "by_group", range: [{ op: "eq", field: "group", value: group }] },
      }),
    ).toEqual([]);
  });

  add(
    "queries and mutations nest: pending writes are seen, a failed part leaves nothing, the rest stays",
    async (backend, group) => {
      expect(await backend.mutation("calls:nestedRollback", { group })).toEqual({
        seenInside: 2,
        caught: { rolled: "back" },
        after: 2,
      });
      expect(await backend.query("calls:nestedQuery", { group })).toMatchObject({ rows: 2 });
      const jobs = await backend.query("rows:systemScan", {
        scan: { table: "_scheduled_functions", order: "desc", end: 3 },
      });
      expect(jobs.filter((job: { name: string }) => /secretMutation/.test(job.name)).length).toBeGreaterThan(
        0,
      );
    },
  );

  add("what a committed inner part wrote goes with the failed part around it", async (backend, group) => {
    expect(await backend.mutation("calls:nestedTwice", { group })).toBe(0);
  });

  add("parts that start together run one after another", async (backend, group) => {
    expect(await backend.mutation("calls:nestedParallel", { group, count: 12 })).toBe(12);
  });

  add("actions call all kinds of functions and catch their ConvexErrors", async (backend, group) => {
    expect(await backend.action("calls:compose", { group })).toEqual({
      caught: { rolled: "back" },
      inner: "secret action",
      rows: 1,
    });
  });

  add("a function handle calls what it was made from", async (backend, group) => {
    await backend.mutation("rows:insert", { values: [{ group }] });
    const { handle, count } = await backend.mutation("calls:viaHandle", { group });
    expect(handle).toMatch(/^function:\/\//);
    expect(count).toBe(1);
  });

  add(
    "what does not exist, is internal or of another kind cannot be called",
    async (backend) => {
      const refusal = async (call: Promise<unknown>) => (await failureOf(call)).message;
      for (const path of ["calls:nowhere", "nowhere:at", "calls:secret"]) {
        expect(await refusal(backend.query(path))).toContain(
          `Could not find public function for '${path}'. Did you forget to run \`npx convex dev\` or \`npx convex deploy\`?`,
        );
      }
      expect(await refusal(backend.mutation("calls:secretMutation"))).toContain(
        "Could not find public function for 'calls:secretMutation'",
      );
      expect(await refusal(backend.mutation("calls:echo", { value: 1 }))).toMatch(
        /Trying to execute calls(\.js)?:echo as Mutation, but it is defined as Query\./,
      );
      expect(await refusal(backend.query("calls:callAnything", { path: "calls:nowhere" }))).toMatch(
        /calls(\.js)?:nowhere/,
      );
    },
    ["wording"],
  );
});
