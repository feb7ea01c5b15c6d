import { compareValues, convexToJson, type Value } from "convex/values";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convexValue } from "../../../tests/backend/arbitraries";
import type { JsonValue } from "./encoded";
import { afterPrefix, bufferToKey, keyToBuffer, valueKey } from "./keys";

function keyOf(value: Value | undefined): string {
  return valueKey(value === undefined ? undefined : (convexToJson(value) as JsonValue));
}

const orUndefined = fc.option(convexValue, { nil: undefined, freq: 20 });

describe("value keys", () => {
  it("sort as Convex compares values, for any two values", () => {
    fc.assert(
      fc.property(orUndefined, orUndefined, (a, b) => {
        const [left, right] = [keyOf(a), keyOf(b)];
        expect(left < right ? -1 : left > right ? 1 : 0).toBe(Math.sign(compareValues(a, b)));
      }),
      { numRuns: 20_000 },
    );
  });

  it("keep that order when compared as bytes, which is what the store does", () => {
    fc.assert(
      fc.property(convexValue, convexValue, (a, b) => {
        const [left, right] = [keyOf(a), keyOf(b)];
        expect(Math.sign(Buffer.compare(keyToBuffer(left), keyToBuffer(right)))).toBe(
          left < right ? -1 : left > right ? 1 : 0,
        );
        expect(bufferToKey(keyToBuffer(left))).toBe(left);
      }),
      { numRuns: 2_000 },
    );
  });

  it("of different fields never let one field's end reach into the next", () => {
    fc.assert(
      fc.property(fc.tuple(convexValue, convexValue), fc.tuple(convexValue, convexValue), (a, b) => {
        const order = Math.sign(compareValues(a[0], b[0])) || Math.sign(compareValues(a[1], b[1]));
        const [left, right] = [keyOf(a[0]) + keyOf(a[1]), keyOf(b[0]) + keyOf(b[1])];
        expect(left < right ? -1 : left > right ? 1 : 0).toBe(order);
      }),
      { numRuns: 5_000 },
    );
  });

  it("with a prefix lie before the key after that prefix, and no other key does", () => {
    const key = fc.string({ unit: fc.constantFrom("\x00", "a", "\xfe", "\xff"), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(key, key, (prefix, other) => {
        if (/^\xff*$/.test(prefix)) return;
        expect(other >= prefix && other < afterPrefix(prefix)).toBe(other.startsWith(prefix));
      }),
    );
  });
});
