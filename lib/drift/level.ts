/** Hysteresis: a level is entered at one score and left at a lower one, after it has lasted for some checks. */
import type { DriftPolicy } from "./policy";

export type DriftLevel = "calm" | "warning" | "severe";

export interface DriftState {
  level: DriftLevel;
  /** Checks since the level was entered. */
  checks: number;
}

export const CALM: DriftState = { level: "calm", checks: 0 };

const ORDER: readonly DriftLevel[] = ["calm", "warning", "severe"];

/**
 * The state after one more check. It rises at once, and falls one level at a time, only below the level's `leave`
 * and after `dwellChecks` checks in it. In T checks it therefore changes at most 2 + 2·⌈T / dwellChecks⌉ times.
 */
export function nextDriftState(
  { level, checks }: DriftState,
  score: number,
  { warning, alarm, dwellChecks }: Pick<DriftPolicy, "warning" | "alarm" | "dwellChecks">,
): DriftState {
  const rank = ORDER.indexOf(level);
  const entered = score >= alarm.enter ? 2 : score >= warning.enter ? 1 : 0;
  if (entered > rank) return { level: ORDER[entered]!, checks: 0 };
  const leave = level === "severe" ? alarm.leave : warning.leave;
  if (rank > 0 && score < leave && checks + 1 >= dwellChecks) return { level: ORDER[rank - 1]!, checks: 0 };
  return { level, checks: checks + 1 };
}
