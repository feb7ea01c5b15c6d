import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_RETENTION_POLICY, isRepeatedHold, retentionPolicyProblem, type Thinned } from "./policy";

/** Thins decisions from the oldest on, as the sweep does: against what is kept, not against what there was. */
function thin(decisions: readonly Thinned[]): Thinned[] {
  const kept: Thinned[] = [];
  for (const decision of decisions) if (!isRepeatedHold(kept.at(-1) ?? null, decision)) kept.push(decision);
  return kept;
}

const order: Thinned = { outcome: "order" };
const decision = fc.oneof(
  fc.constant(order),
  fc.record({
    outcome: fc.constant("hold" as const),
    holdReason: fc.constantFrom(
      "already at target",
      "drift: 3 of 9 differ",
      "drift: 4 of 9 differ",
      "paused",
    ),
  }),
);
const runs = fc.array(decision, { maxLength: 200 });
const changes = (rows: readonly Thinned[]) =>
  rows.filter((row, i) => !isRepeatedHold(i === 0 ? null : rows[i - 1]!, row));

describe("thinning holds", () => {
  test("keeps every order and every change of reason, in order", () => {
    fc.assert(
      fc.property(runs, (rows) => {
        const kept = thin(rows);
        expect(kept.filter(({ outcome }) => outcome === "order")).toHaveLength(
          rows.filter(({ outcome }) => outcome === "order").length,
        );
        expect(kept).toEqual(changes(rows));
      }),
    );
  });

  test("comes to the same wherever it is interrupted, and a second time changes nothing", () => {
    fc.assert(
      fc.property(runs, fc.nat(200), (rows, cut) => {
        const whole = thin(rows);
        expect(thin([...thin(rows.slice(0, cut)), ...rows.slice(cut)])).toEqual(whole);
        expect(thin(whole)).toEqual(whole);
      }),
    );
  });

  test("takes reasons that differ in their numbers for one", () => {
    const hold = (holdReason: string): Thinned => ({ outcome: "hold", holdReason });
    expect(isRepeatedHold(hold("drift: 3 of 22 features"), hold("drift: 14 of 22 features"))).toBe(true);
    expect(isRepeatedHold(hold("drift: 3 of 22 features"), hold("kill switch: cancel all"))).toBe(false);
    expect(isRepeatedHold(order, hold("already at target"))).toBe(false);
  });
});

describe("a retention policy", () => {
  test("that ships is sound, and one that would thin the last days is refused by name", () => {
    expect(retentionPolicyProblem(DEFAULT_RETENTION_POLICY)).toBeNull();
    expect(retentionPolicyProblem({ ...DEFAULT_RETENTION_POLICY, ghostDays: 1 })?.field).toBe("ghostDays");
    expect(retentionPolicyProblem({ ...DEFAULT_RETENTION_POLICY, holdDays: 8.5 })?.field).toBe("holdDays");
  });
});
