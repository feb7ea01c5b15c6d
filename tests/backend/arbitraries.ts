import type { Value } from "convex/values";
import fc from "fast-check";

const float = fc.oneof(
  fc.double(),
  fc.constantFrom(
    0,
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    1,
    -1,
    Number.MIN_VALUE,
  ),
);
const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom("a", "b", "\u0000", "\u00ff", "é", "\uffff", "😀", "\u{10ffff}") }),
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc.array(fc.constantFrom(0, 1, 255), { maxLength: 6 }).map((list) => Uint8Array.from(list)),
);
const fieldName = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,3}$/);

/** Any Convex value, with the edge cases of every type and nesting of a few levels. */
export const convexValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    float,
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.integer({ min: -3, max: 3 }),
    text,
    bytes.map((list) => list.slice().buffer as ArrayBuffer),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fieldName, tie("value"), { maxKeys: 3 }),
  ),
})).value;
