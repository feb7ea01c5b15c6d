import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cosTurns, ln, sinTurns } from "./math";

const EPSILON = 2 ** -52;

describe("math", () => {
  it("ln is within 1 ulp of the engine's logarithm over the whole positive range", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, minExcluded: true, noNaN: true, noDefaultInfinity: true }), (x) => {
        const expected = Math.log(x);
        expect(Math.abs(ln(x) - expected)).toBeLessThanOrEqual(Math.abs(expected) * EPSILON);
      }),
      { numRuns: 2000 },
    );
  });

  it("ln has the edges of a logarithm", () => {
    expect(Object.is(ln(1), 0)).toBe(true);
    expect(ln(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(ln(-1)).toBeNaN();
    expect(ln(Number.NaN)).toBeNaN();
    expect(ln(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(ln(2)).toBe(Math.LN2);
  });

  it("sinTurns and cosTurns are exact at quarter turns and agree with the engine elsewhere", () => {
    expect([0, 0.25, 0.5, 0.75, 1].map(sinTurns)).toEqual([0, 1, 0, -1, 0]);
    expect([0, 0.25, 0.5, 0.75, 1].map(cosTurns)).toEqual([1, 0, -1, 0, 1]);
    for (let minute = 0; minute < 1440; minute++) {
      const angle = (minute / 1440) * 2 * Math.PI;
      expect(Math.abs(sinTurns(minute / 1440) - Math.sin(angle))).toBeLessThan(2e-15);
      expect(Math.abs(cosTurns(minute / 1440) - Math.cos(angle))).toBeLessThan(2e-15);
    }
  });
});
