import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { safeNextPath } from "./safeNextPath";

describe("the path after signing in", () => {
  it("keeps a page of this console with its filters", () => {
    expect(safeNextPath("/decisions?run=a&decision=b")).toBe("/decisions?run=a&decision=b");
  });

  it("becomes the overview for everything that could leave the site", () => {
    for (const next of [
      "//evil.example",
      "https://evil.example",
      "/\\evil.example",
      "javascript:alert(1)",
      "",
      null,
      7,
    ]) {
      expect(safeNextPath(next)).toBe("/");
    }
  });

  it("resolves inside this site for any text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const origin = "http://desk.test";
        expect(new URL(safeNextPath(text), origin).origin).toBe(origin);
        expect(new URL(safeNextPath(`/${text}`), origin).origin).toBe(origin);
      }),
      { numRuns: 500 },
    );
  });
});
