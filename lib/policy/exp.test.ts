import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exp } from "./exp";

describe("exp", () => {
  it("stays within 2 ulp of Math.exp over its whole range", () => {
    fc.assert(
      fc.property(fc.double({ min: -706, max: 709.7, noNaN: true }), (x) => {
        expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(5e-16);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps the special values", () => {
    expect(exp(0)).toBe(1);
    expect(exp(Number.NaN)).toBeNaN();
    expect(exp(710)).toBe(Number.POSITIVE_INFINITY);
    expect(exp(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(exp(709.78)).toBeLessThan(Number.POSITIVE_INFINITY);
  });
});
