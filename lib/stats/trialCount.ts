/** How many trials the rows of the ledger come to. */

/** Evaluations count from a version's second range on; an outcome only leaves its Sharpe. */
export type TrialKind = "training" | "walkForward" | "search" | "evaluation" | "outcome";

export interface TrialRow {
  kind: TrialKind;
  versionId?: string;
  walkForwardId?: string;
  /** The period tried on. */
  fromMs?: number;
  toMs?: number;
  /** What the ledger of the desk that a model was imported from had counted by then. */
  elsewhere?: { deskId: string; trials: number };
}

/**
 * Trainings, walk-forwards and search trials that were begun, each once; every further range that a version was
 * evaluated on; and the trials of each desk that a model came from, as the latest import states them. Another
 * row never lowers it.
 */
export function countTrials(rows: readonly TrialRow[]): number {
  const begun = new Set<string>();
  const ranges = new Map<string, Set<string>>();
  const elsewhere = new Map<string, number>();
  for (const [index, row] of rows.entries()) {
    if (row.kind === "outcome") continue;
    if (row.elsewhere !== undefined) {
      const { deskId, trials } = row.elsewhere;
      elsewhere.set(deskId, Math.max(trials, elsewhere.get(deskId) ?? 1));
    } else if (row.kind === "evaluation") {
      const version = row.versionId ?? "";
      ranges.set(version, (ranges.get(version) ?? new Set()).add(`${row.fromMs}-${row.toMs}`));
    } else begun.add(`${row.kind} ${row.walkForwardId ?? row.versionId ?? index}`);
  }
  let count = begun.size;
  for (const tried of ranges.values()) count += tried.size - 1;
  for (const trials of elsewhere.values()) count += trials;
  return count;
}
