export type PolicyErrorCode =
  | "NETWORK_SPEC_INVALID"
  | "WEIGHTS_SIZE_MISMATCH"
  | "WEIGHTS_NOT_FINITE"
  | "WEIGHTS_NOT_ZERO"
  | "OBSERVATION_SIZE_MISMATCH"
  | "OBSERVATION_NOT_FINITE"
  | "OUTPUT_NOT_FINITE";

/** A policy refuses rather than guess: the caller holds (no new risk) and records `code`. */
export class PolicyError extends Error {
  constructor(
    readonly code: PolicyErrorCode,
    message: string,
  ) {
    super(message);
    this.name = "PolicyError";
  }
}
