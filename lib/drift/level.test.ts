import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CALM, type DriftState, nextDriftState } from "./level";
import { DEFAULT_DRIFT_POLICY } from "./policy";

const POLICY = DEFAULT_DRIFT_POLICY;

function walk(scores: number[], policy: typeof POLICY = POLICY): DriftState[] {
  const states: DriftState[] = [];
  let state = CALM;
  for (const score of scores) states.push((state = nextDriftState(state, score, policy)));
  return states;
}

const changes = (states: DriftState[]) =>
  states.filter((state, i) => state.level !== (states[i - 1] ?? CALM).level).length;

describe("the level of drift", () => {
  test("rises at once and passes straight to severe", () => {
    expect(walk([0.1, 1.2]).map(({ level }) => level)).toEqual(["calm", "severe"]);
  });

  test("falls one level at a time, after its dwell of quiet checks in a row", () => {
    const states = walk([1.2, ...Array(20).fill(0)]);
    expect(states.findIndex(({ level }) => level === "warning")).toBe(POLICY.dwellChecks);
    expect(states.findIndex(({ level }, i) => i > 0 && level === "calm")).toBe(2 * POLICY.dwellChecks);
    expect(walk([0.6, ...Array(50).fill(0.4)]).at(-1)!.level).toBe("warning");
  });

  test("A-09: a score that swings around an enter threshold, above its leave, changes the level once", () => {
    const around = fc.array(fc.double({ min: POLICY.warning.leave, max: 0.99, noNaN: true }), {
      maxLength: 300,
    });
    fc.assert(fc.property(around, (scores) => changes(walk(scores)) <= 1));
  });

  test("A-09: drift that comes back within the dwell, however often, is one change", () => {
    const back = fc.array(fc.integer({ min: 0, max: POLICY.dwellChecks - 1 }), { maxLength: 40 });
    fc.assert(
      fc.property(back, (pauses) => {
        const scores = [0.6, ...pauses.flatMap((quiet) => [...Array(quiet).fill(0), 0.6])];
        return changes(walk(scores)) === 1;
      }),
    );
  });

  test("A-09: no score whatever makes it flap: at most 2 + 2⌈T / dwell⌉ changes in T checks", () => {
    const scores = fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { maxLength: 300 });
    const dwell = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(scores, dwell, (values, dwellChecks) => {
        const bound = 2 + 2 * Math.ceil(values.length / dwellChecks);
        return changes(walk(values, { ...POLICY, dwellChecks })) <= bound;
      }),
      { numRuns: 500 },
    );
  });
});
