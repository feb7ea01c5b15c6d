/** Hysteresis: a level is entered at one score, and left below a lower one after some quiet checks in a row. */
import type { DriftPolicy } from "./policy";

export type DriftLevel = "calm" | "warning" | "severe";

export interface DriftState {
  level: DriftLevel;
  /** Checks in a row below the level's `leave`. */
  quietChecks: number;
}

export const CALM: DriftState = { level: "calm", quietChecks: 0 };

const ORDER: readonly DriftLevel[] = ["calm", "warning", "severe"];

/**
 * The state after one more check. It rises at once, and falls one level at a time, after `dwellChecks` checks in a
 * row below the level's `leave`. In T checks it therefore changes at most 2 + 2·⌈T / dwellChecks⌉ times, and a
 * score that comes back before the dwell is over changes nothing.
 */
export function nextDriftState(
  { level, quietChecks }: DriftState,
  score: number,
  { warning, alarm, dwellChecks }: Pick<DriftPolicy, "warning" | "alarm" | "dwellChecks">,
): DriftState {
  const rank = ORDER.indexOf(level);
  const entered = score >= alarm.enter ? 2 : score >= warning.enter ? 1 : 0;
  if (entered > rank) return { level: ORDER[entered]!, quietChecks: 0 };
  const leave = level === "severe" ? alarm.leave : warning.leave;
  if (rank === 0 || score >= leave) return { level, quietChecks: 0 };
  const quiet = quietChecks + 1;
  return quiet < dwellChecks ? { level, quietChecks: quiet } : { level: ORDER[rank - 1]!, quietChecks: 0 };
}
