import { convexToJson, getConvexSize } from "convex/values";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convexValue } from "../../../tests/backend/arbitraries";
import type { JsonObject, JsonValue } from "./encoded";
import { mayExceedLimits, measureDocument, measureValue } from "./measure";

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

  it("never calls a text harmless that breaks a limit", () => {
    const nested = (levels: number): JsonValue => (levels === 0 ? 1 : [nested(levels - 1)]);
    const text = fc.string({ unit: fc.constantFrom("a", '"', "\\\\", ",", "[", "]", "{", "}") });
    const value = fc.oneof(
      fc.integer({ min: 60, max: 70 }).map(nested),
      fc.integer({ min: 8190, max: 8194 }).map((length) => Array<JsonValue>(length).fill("],[")),
      fc
        .integer({ min: 1022, max: 1026 })
        .map((count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, '",{']))),
    );
    const breaks = (candidate: JsonValue) => {
      try {
        measureValue(candidate);
        return false;
      } catch {
        return true;
      }
    };
    fc.assert(
      fc.property(value, text, fc.boolean(), (inner, before, wrapped) => {
        const candidate: JsonValue = wrapped ? [before, inner, before] : inner;
        if (breaks(candidate)) expect(mayExceedLimits(JSON.stringify(candidate))).toBe(true);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.array(fc.dictionary(text, text, { maxKeys: 5 }), { maxLength: 20 }), (small) => {
        expect(mayExceedLimits(JSON.stringify(small))).toBe(false);
      }),
    );
  });
});
