import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "./canonicalJson";

describe("canonicalJson", () => {
  it("sorts keys by code unit at every level and writes no white space", () => {
    expect(canonicalJson({ b: [1, { d: 2, c: 3 }], a: "x", B: null })).toBe(
      '{"B":null,"a":"x","b":[1,{"c":3,"d":2}]}',
    );
  });

  it("writes numbers as RFC 8785 appendix B does, and -0 as 0", () => {
    expect(canonicalJson([333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0, 1e21, 0.1 + 0.2])).toBe(
      "[333333333.3333333,1e+30,4.5,0.002,1e-27,0,1e+21,0.30000000000000004]",
    );
  });

  it("drops undefined fields but refuses what JSON cannot carry, naming the path", () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
    expect(() => canonicalJson({ a: [0, Number.NaN] })).toThrow(/\$\.a\[1\] is the number NaN/);
    expect(() => canonicalJson({ a: [undefined] })).toThrow(/\$\.a\[0\] is undefined/);
    expect(() => canonicalJson({ a: Number.POSITIVE_INFINITY })).toThrow(/\$\.a/);
    expect(() => canonicalJson(new Date(0))).toThrow(/instance of Date/);
    expect(() => canonicalJson({ a: new Float64Array(1) })).toThrow(/instance of Float64Array/);
    expect(() => canonicalJson(10n)).toThrow(/bigint/);
  });

  it("parses back to the same value and does not depend on key order", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        if (value !== null && typeof value === "object" && !Array.isArray(value)) {
          const reversed = Object.fromEntries(Object.entries(value).reverse());
          expect(canonicalJson(reversed)).toBe(text);
        }
      }),
    );
  });
});
