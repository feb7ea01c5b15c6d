import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_PREFERENCES, type Preferences, parsePreferences, printPreferences } from "./preferences";

describe("preferences", () => {
  it("come back as they were written", () => {
    const preferences: fc.Arbitrary<Preferences> = fc.record({
      theme: fc.constantFrom("dark", "light"),
      candles: fc.constantFrom("blueOrange", "greenRed"),
      zone: fc.constantFrom("utc", "local"),
      keys: fc.constantFrom("on", "off"),
    });
    fc.assert(
      fc.property(preferences, (value) => {
        expect(parsePreferences(printPreferences(value))).toEqual(value);
      }),
    );
  });

  it("fall back to their defaults for any text", () => {
    expect(parsePreferences(undefined)).toEqual(DEFAULT_PREFERENCES);
    expect(parsePreferences("theme-pink~~-~zone")).toEqual(DEFAULT_PREFERENCES);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(Object.keys(parsePreferences(text))).toEqual(Object.keys(DEFAULT_PREFERENCES));
      }),
    );
  });
});
