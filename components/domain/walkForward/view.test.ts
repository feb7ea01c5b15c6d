import { describe, expect, it } from "vitest";
import { compounded, parseNumberList, parseOverrides, subjectName, verdictOf } from "./view";

const gate = (name: string, passed: boolean) => ({
  gate: name,
  passed,
  value: 0,
  threshold: 0,
  sentence: "",
});

describe("the headline of a walk-forward", () => {
  it("says what speaks against skill, and that there is no champion", () => {
    const verdict = verdictOf([gate("walkForwardDsr", false), gate("probes", false), gate("entropy", true)]);
    expect(verdict.headline).toBe(
      "Not shown to be better than luck: the deflated Sharpe over all trials and the probes speak against it; there is no champion beside it.",
    );
    expect(verdict.consequence).toBe("2 gates of 3 fail: it cannot be promoted.");
    expect(verdict.isBetter).toBe(false);
  });

  it("does not call a candidate better that loses to the champion", () => {
    const verdict = verdictOf([gate("walkForwardDsr", true), gate("beatsChampion", false)]);
    expect(verdict.isBetter).toBe(false);
    expect(verdict.headline).toContain("does not beat the champion");
  });

  it("says better only when nothing about luck fails, and still counts the other gates", () => {
    const verdict = verdictOf([
      gate("walkForwardDsr", true),
      gate("beatsChampion", true),
      gate("entropy", false),
    ]);
    expect(verdict.headline).toBe("Better than luck; it beats the champion on the same folds.");
    expect(verdict.consequence).toBe("1 gate of 3 fails: it cannot be promoted.");
  });
});

describe("out-of-sample curves", () => {
  it("compound over folds in order and start at nothing", () => {
    const day = 86_400_000;
    const points = compounded(
      [
        { subject: "seed:1", fold: 1, dayMs: [2 * day], returns: [0.5] },
        { subject: "seed:2", fold: 0, dayMs: [day], returns: [-1] },
        { subject: "seed:1", fold: 0, dayMs: [0, day], returns: [0.1, 0] },
      ],
      "seed:1",
    );
    expect(points.map(({ timeMs }) => timeMs / day)).toEqual([0, 1, 2, 3]);
    expect(points.at(-1)!.value).toBeCloseTo(0.65, 12);
    expect(compounded([], "seed:1")).toEqual([]);
  });
});

describe("what an operator types", () => {
  it("reads lists of numbers and refuses what is none", () => {
    expect(parseNumberList("1, 2;3")).toEqual([1, 2, 3]);
    expect([parseNumberList(""), parseNumberList("1,x")]).toEqual([null, null]);
  });

  it("reads overrides and names the part that it cannot read", () => {
    expect(parseOverrides("learningRate=3e-4, epochs=4")).toEqual({
      ok: true,
      value: { learningRate: 0.0003, epochs: 4 },
    });
    expect(parseOverrides("")).toEqual({ ok: true, value: {} });
    for (const text of ["epochs", "epochs=", "epochs=a", "epochs=4 epochs=5"]) {
      expect(parseOverrides(text).ok, text).toBe(false);
    }
  });

  it("names subjects in words", () => {
    expect(["seed:3", "champion:1", "buyAndHold"].map(subjectName)).toEqual([
      "Seed 3",
      "Champion, seed 1",
      "Buy and hold",
    ]);
  });
});
