/** How long a desk keeps what it could do without, and what it keeps whatever its age. */

export interface RetentionPolicy {
  /** Off: nothing is ever deleted. */
  enabled: boolean;
  /** Holds of runs older than this are thinned to the first of each reason in a row. Orders stay for ever. */
  holdDays: number;
  /** Decisions and returns of shadows that promoted nothing. */
  ghostDays: number;
  /** Drift checks that changed no level. */
  driftReportDays: number;
}

export const DEFAULT_RETENTION_POLICY: RetentionPolicy = {
  enabled: true,
  holdDays: 90,
  ghostDays: 90,
  driftReportDays: 365,
};

/** What a person looks back at is not thinned under their eyes. */
const DAYS_MIN = 7;
const DAYS_MAX = 36_500;

/** The first number that means nothing, or null. */
export function retentionPolicyProblem(policy: RetentionPolicy): { field: string; message: string } | null {
  for (const field of ["holdDays", "ghostDays", "driftReportDays"] as const) {
    const days = policy[field];
    if (!(Number.isInteger(days) && days >= DAYS_MIN && days <= DAYS_MAX)) {
      const message = `${field} must be a whole number of days from ${DAYS_MIN} to ${DAYS_MAX}, got ${days}`;
      return { field, message };
    }
  }
  return null;
}

/** What a hold is thinned by. */
export interface Thinned {
  outcome: "order" | "hold";
  holdReason?: string;
}

const numbersAside = (reason: string | undefined) => (reason ?? "").replace(/\d+([.,]\d+)*/g, "#");

/**
 * True when a hold says nothing that the decision kept before it does not: it is a hold for the same reason, numbers
 * aside. The first of each reason in a row stays, so that every change of what held a run can still be read.
 */
export function isRepeatedHold(previous: Thinned | null, current: Thinned): boolean {
  if (current.outcome !== "hold" || previous?.outcome !== "hold") return false;
  return numbersAside(previous.holdReason) === numbersAside(current.holdReason);
}
