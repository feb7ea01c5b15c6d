import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countTrials, type TrialRow } from "./trialCount";

const training = (versionId: string): TrialRow => ({ kind: "training", versionId });
const evaluation = (versionId: string, fromMs: number, toMs: number): TrialRow => ({
  kind: "evaluation",
  ...{ versionId, fromMs, toMs },
});
const imported = (versionId: string, deskId: string, trials: number): TrialRow => ({
  kind: "training",
  versionId,
  elsewhere: { deskId, trials },
});

describe("the count of trials", () => {
  test("is one for each training, walk-forward and search trial, however often it was begun", () => {
    const walked: TrialRow = { kind: "walkForward", walkForwardId: "w" };
    expect(countTrials([training("a"), training("a"), training("b"), walked, walked])).toBe(3);
    expect(
      countTrials([
        { kind: "search", walkForwardId: "s" },
        { kind: "outcome", walkForwardId: "s" },
      ]),
    ).toBe(1);
  });

  test("takes a version's first evaluation as part of its training, and every other range as a trial", () => {
    const rows = [training("a"), evaluation("a", 0, 10), evaluation("a", 0, 10)];
    expect(countTrials(rows)).toBe(1);
    expect(countTrials([...rows, evaluation("a", 1, 10), evaluation("a", 0, 11)])).toBe(3);
  });

  test("brings the trials of the desk that a model came from, those of one desk once", () => {
    expect(countTrials([training("a"), imported("b", "x", 40)])).toBe(41);
    expect(countTrials([training("a"), imported("b", "x", 40), imported("c", "x", 50)])).toBe(51);
    expect(countTrials([imported("b", "x", 40), imported("c", "y", 50)])).toBe(90);
  });

  test("never falls when a row is added", () => {
    const id = fc.constantFrom("a", "b", "c");
    const row: fc.Arbitrary<TrialRow> = fc.oneof(
      id.map(training),
      fc.record({ kind: fc.constantFrom("walkForward" as const, "outcome" as const), walkForwardId: id }),
      fc.tuple(id, fc.nat(3), fc.nat(3)).map(([version, from, to]) => evaluation(version, from, to)),
      fc.tuple(id, id, fc.nat(90)).map(([version, desk, trials]) => imported(version, desk, trials)),
    );
    fc.assert(
      fc.property(fc.array(row), row, (rows, next) => {
        expect(countTrials([...rows, next])).toBeGreaterThanOrEqual(countTrials(rows));
      }),
    );
  });
});
