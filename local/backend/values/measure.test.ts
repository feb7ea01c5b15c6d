import { convexToJson, getConvexSize } from "convex/values";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convexValue } from "../../../tests/backend/arbitraries";
import type { JsonObject, JsonValue } from "./encoded";
import { measureDocument, measureValue } from "./measure";

describe("measuring values", () => {
  it("gives the size that convex/values gives", () => {
    fc.assert(
      fc.property(convexValue, (value) => {
        expect(measureValue(convexToJson(value) as JsonValue)).toBe(getConvexSize(value));
      }),
      { numRuns: 3_000 },
    );
  });

  it("refuses what Convex refuses, in Convex's words", () => {
    const nested = (levels: number): JsonValue => (levels === 0 ? 1 : { a: nested(levels - 1) });
    const refusals: Array<[JsonObject, RegExp]> = [
      [{ list: Array(8193).fill(0) }, /Array length is too long \(8193 > maximum length 8192\)/],
      [{ text: "x".repeat(1 << 20) }, /Value is too large \(1\.00 MiB > maximum size 1 MiB\)/],
      [{ deep: nested(16) }, /too nested \(nested 17 levels deep > maximum nesting 16\)/],
      [
        Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`f${i}`, 1])),
        /too many fields \(1025 > maximum number 1024\)/,
      ],
      [{ _mine: 1 }, /starts with an underscore/],
      [{ "a-b": 1 }, /not a valid top-level field/],
    ];
    for (const [document, sentence] of refusals) expect(() => measureDocument(document)).toThrow(sentence);
    expect(() => measureDocument({ deep: nested(15), list: Array(8192).fill(0) })).not.toThrow();
  });
});
