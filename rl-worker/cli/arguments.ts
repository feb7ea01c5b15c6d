/** Parsing of what people type; every refusal names the option, the limit and an example. */
import { isTimeframe, timeframeMs } from "../../lib/market/timeframe";
import type { Timeframe } from "../../lib/market/types";
import { UsageError } from "./session";

/** `2025-07-01`, an ISO time, or UTC milliseconds. Dates without a time are 00:00 UTC. */
export function parseTime(text: string, option: string): number {
  const timeMs = /^\d{10,}$/.test(text)
    ? Number(text)
    : Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (!Number.isSafeInteger(timeMs)) {
    throw new UsageError(`${option} "${text}" is not a time; write a date such as 2025-07-01 (UTC)`);
  }
  return timeMs;
}

export function parseTimeframe(text: string, option: string): Timeframe {
  if (!isTimeframe(text))
    throw new UsageError(`${option} "${text}" is not a timeframe; write one such as 1m, 15m or 1h`);
  return text;
}

export function parseWhole(text: string, option: string, min: number, max: number): number {
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`${option} "${text}" must be a whole number from ${min} to ${max}`);
  }
  return value;
}

export function parseNumber(text: string, option: string, min: number, max: number): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${option} "${text}" must be a number from ${min} to ${max}`);
  }
  return value;
}

/** A range [from, to) aligned to the timeframe. */
export function parseRange(from: string, to: string, timeframe: Timeframe): { fromMs: number; toMs: number } {
  const step = timeframeMs(timeframe);
  const fromMs = Math.floor(parseTime(from, "--from") / step) * step;
  const toMs = Math.floor(parseTime(to, "--to") / step) * step;
  if (fromMs >= toMs) throw new UsageError(`--from ${from} must be before --to ${to}`);
  return { fromMs, toMs };
}
