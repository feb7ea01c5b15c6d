import { describe, expect, it } from "vitest";
import { parseRanges } from "./searchRanges";

describe("ranges of a search", () => {
  it("are read with their scale, and a choice keeps its numbers", () => {
    expect(
      parseRanges([
        { name: "learningRate", scale: "log", min: "1e-5", max: "1e-2" },
        { name: "nStep", scale: "choice", min: "1, 3, 5", max: "" },
      ]),
    ).toEqual([
      { name: "learningRate", scale: "log", min: 1e-5, max: 1e-2, choices: [] },
      { name: "nStep", scale: "choice", min: 1, max: 5, choices: [1, 3, 5] },
    ]);
  });

  it("are refused with the name of the one that cannot be read", () => {
    expect(parseRanges([{ name: " ", scale: "log", min: "1", max: "2" }])).toMatch(/name/);
    expect(parseRanges([{ name: "epochs", scale: "integer", min: "2", max: "" }])).toMatch(/^epochs/);
    expect(parseRanges([{ name: "gamma", scale: "linear", min: "a", max: "1" }])).toMatch(/^gamma/);
  });
});
