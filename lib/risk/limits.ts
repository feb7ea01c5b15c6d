import { err, ok, type Result } from "../core/result";
import type { RiskLimits } from "./types";

const REQUIRED = [
  "maxPositionNotionalUsd",
  "maxLeverage",
  "maxDailyLossUsd",
  "maxDrawdownFraction",
  "maxOrdersPerHour",
  "maxBarAgeMs",
] as const;

/**
 * Reads limits from an untrusted value (K-08). Every required limit must be a finite number >= 0, drawdown and
 * confidence at most 1; anything else is an error that names the field, and never a default.
 */
export function parseRiskLimits(value: unknown): Result<RiskLimits> {
  if (typeof value !== "object" || value === null) {
    return err("Risk limits are missing; set them for this run before it may trade.");
  }
  const fields = value as Record<string, unknown>;
  const limits: Record<string, number> = {};
  for (const name of REQUIRED) {
    const limit = fields[name];
    if (typeof limit !== "number" || !Number.isFinite(limit) || limit < 0) {
      return err(
        `Risk limit ${name} is ${String(limit)}; it must be a finite number >= 0. Correct the limits.`,
      );
    }
    limits[name] = limit;
  }
  if (limits.maxDrawdownFraction! > 1) {
    return err(
      `Risk limit maxDrawdownFraction is ${limits.maxDrawdownFraction}; it is a fraction, at most 1.`,
    );
  }
  const confidence = fields.minConfidence;
  if (confidence !== undefined && confidence !== null) {
    if (typeof confidence !== "number" || !(confidence >= 0 && confidence <= 1)) {
      return err(`Risk limit minConfidence is ${String(confidence)}; it must be within [0, 1] or absent.`);
    }
    limits.minConfidence = confidence;
  }
  return ok(limits as unknown as RiskLimits);
}
