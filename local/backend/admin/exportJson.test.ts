import { convexToJson, type Value } from "convex/values";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convexValue } from "../../../tests/backend/arbitraries";
import type { JsonValue } from "../values/encoded";
import { fromExportJson, fromPlainJson, toExportJson } from "./exportJson";

const encode = (value: Value) => JSON.stringify(convexToJson(value));

describe("the JSON of exports", () => {
  it("writes numbers as Convex does: int64 without a point, float64 with one", () => {
    const exported = (value: Value) => toExportJson(encode(value));
    expect(exported(9223372036854775807n)).toBe("9223372036854775807");
    expect(exported(-1n)).toBe("-1");
    expect(exported(42)).toBe("42.0");
    expect(exported(-0)).toBe("-0.0");
    expect(exported(1.5e-7)).toBe("1.5e-7");
    expect(exported(Number.POSITIVE_INFINITY)).toBe('{"$float":"AAAAAAAA8H8="}');
    expect(exported({ n: '{"$integer":"AAAAAAAAAAA="} 7 \\" 8', m: 7n })).toBe(
      String.raw`{"m":7,"n":"{\"$integer\":\"AAAAAAAAAAA=\"} 7 \\\" 8"}`,
    );
  });

  it("gives every value back, bit for bit", () => {
    fc.assert(
      fc.property(convexValue, (value) => {
        const encoded = encode(value);
        expect(JSON.stringify(fromExportJson(toExportJson(encoded)))).toBe(encoded);
      }),
      { numRuns: 500 },
    );
  });

  it("reads what other writers write: exponents, minus zero without a point, integers beyond int64", () => {
    expect(fromExportJson("1E2")).toBe(100);
    expect(fromExportJson("-0")).toEqual({ $float: "AAAAAAAAAIA=" });
    expect(fromExportJson("9223372036854775808")).toBe(2 ** 63);
    expect(fromExportJson('{"$float":"AAAAAAAA8D8="}')).toBe(1);
  });

  it("copes with a document of a mebibyte of escapes", () => {
    const text = JSON.stringify({ text: '\\"7'.repeat(300_000), n: 1 });
    expect(fromExportJson(toExportJson(text))).toEqual(JSON.parse(text));
  });

  it("refuses what is no value", () => {
    for (const bad of [
      '{"$integer":"AA=="}',
      '{"$bytes":"?"}',
      '{"$undefined":null}',
      "1e999",
      "[1 2]",
      "",
    ]) {
      expect(() => fromExportJson(bad)).toThrow();
    }
  });
});

describe("plain JSON", () => {
  it("holds float64 numbers only, and no field that starts with a dollar", () => {
    expect(fromPlainJson([1, -0] as JsonValue)).toEqual([1, { $float: "AAAAAAAAAIA=" }]);
    expect(() => fromPlainJson({ a: { $integer: "AAAAAAAAAAA=" } })).toThrow(/\$integer starts with '\$'/);
  });
});
