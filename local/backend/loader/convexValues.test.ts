import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { convexValue } from "../../../tests/backend/arbitraries";
import { convexValues, fasterValues } from "./convexValues";

interface Values {
  convexToJson(value: unknown): unknown;
  jsonToConvex(value: unknown): unknown;
  patchValueToJson(value: unknown): unknown;
  convexOrUndefinedToJson(value: unknown): unknown;
}

const file = fileURLToPath(new URL("../../../node_modules/convex/dist/esm/values/value.js", import.meta.url));

async function load(plugins: Plugin[]): Promise<Values> {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "values",
    plugins,
  });
  return new Function(`${outputFiles[0]!.text}; return values;`)() as Values;
}

let theirs: Values;
let ours: Values;

beforeAll(async () => {
  theirs = await load([]);
  ours = await load([convexValues]);
});

/** Everything that can be seen of a value, as text: field order, and the prototype that a field `__proto__` has set. */
function shape(value: unknown): string {
  if (value === null || typeof value !== "object")
    return Object.is(value, -0) ? "-0" : `${typeof value} ${String(value)}`;
  if (value instanceof ArrayBuffer) return `bytes ${Buffer.from(value).toString("hex")}`;
  const prototype = Object.getPrototypeOf(value) as unknown;
  const isUsual = prototype === Object.prototype || prototype === Array.prototype;
  const fields = Reflect.ownKeys(value).map(
    (name) => `${String(name)}: ${shape(Reflect.getOwnPropertyDescriptor(value, name)!.value)}`,
  );
  return `${Array.isArray(value)} {${fields.join(", ")}}${isUsual ? "" : ` of ${shape(prototype)}`}`;
}

/** What a conversion gives or says. */
function told(convert: () => unknown): string {
  try {
    return shape(convert());
  } catch (error) {
    return `error ${(error as Error).message}`;
  }
}

function expectSame(name: keyof Values, make: () => unknown): void {
  const mine = told(() => ours[name](make()));
  expect(mine).toBe(told(() => theirs[name](make())));
}

const fieldName = fc.oneof(
  fc.stringMatching(/^[a-z_]{1,2}$/),
  fc.constantFrom(
    "",
    "$bytes",
    "$integer",
    "$float",
    "$commitTs",
    "$set",
    "$map",
    "$x",
    "é",
    "\n",
    "10",
    "9",
  ),
  fc.constantFrom("__proto__", "constructor", "toString", "k".repeat(1024), "k".repeat(1025)),
);
const scalar = fc.constantFrom<unknown[]>(
  ...[
    null,
    true,
    0,
    -0,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "",
    "text",
    "AAAAAAAAAAA=",
    "AAAAAAAA8H8=",
  ],
);
/** JSON as nobody should send it: any field names, wrappers that hold anything. */
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(fieldName, tie("value")), { maxLength: 4 }).map((fields) => {
      const made: Record<string, unknown> = {};
      for (const [name, value] of fields)
        Object.defineProperty(made, name, { value, enumerable: true, writable: true, configurable: true });
      return made;
    }),
  ),
})).value;

class Mine {}
const unsupported = fc.constantFrom<unknown[]>(
  ...[
    undefined,
    new Mine(),
    new Date(0),
    new Set([1]),
    new Map([[1, 2]]),
    Symbol.for("x"),
    () => 1,
    /x/,
    2n ** 63n,
  ],
);
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    unsupported,
    convexValue,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fieldName, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

describe("the library's value conversion, as functions get it", () => {
  it("gives what the library gives for every Convex value, both ways", () => {
    fc.assert(
      fc.property(convexValue, (value) => {
        expectSame("convexToJson", () => value);
        const encoded = theirs.convexToJson(value);
        expectSame("jsonToConvex", () => encoded);
        expect(told(() => ours.convexToJson(ours.jsonToConvex(encoded)))).toBe(told(() => encoded));
      }),
      { numRuns: 300 },
    );
  });

  it("gives or refuses, in the library's words, any JSON", () => {
    fc.assert(
      fc.property(json, (value) => expectSame("jsonToConvex", () => value)),
      { numRuns: 600 },
    );
  });

  it("gives or refuses, in the library's words, anything that a function may hand over", () => {
    fc.assert(
      fc.property(anything, (value) => {
        for (const name of ["convexToJson", "patchValueToJson", "convexOrUndefinedToJson"] as const)
          expectSame(name, () => value);
      }),
      { numRuns: 600 },
    );
  });

  it("reads every field once, all of them before it looks into any", () => {
    const readsOf = ({ convexToJson }: Values, names: string[]) => {
      const reads: string[] = [];
      const made = (prefix: string, inner: unknown) => {
        const object = {};
        for (const name of names) {
          const get = () => {
            reads.push(prefix + name);
            return inner;
          };
          Object.defineProperty(object, name, { get, enumerable: true });
        }
        return object;
      };
      convexToJson(made("", made("inner.", 1)));
      return reads;
    };
    for (const names of [
      ["a", "b", "c"],
      ["c", "a"],
      ["10", "9"],
    ])
      expect(readsOf(ours, names)).toEqual(readsOf(theirs, names));
  });

  it("is the library's own text for a version that is not known", () => {
    const text = readFileSync(file, "utf8");
    expect(fasterValues(text)).not.toBe(text);
    expect(fasterValues(`${text}\n`)).toBe(`${text}\n`);
  });
});
