/** Parsing of what people type; every refusal names the option, the limit and an example. */
import { isTimeframe, timeframeMs } from "../../lib/market/timeframe";
import type { Timeframe } from "../../lib/market/types";
import type { SearchRange } from "../../lib/search/sampleConfigurations";
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

/** `1,2,5` as numbers; each must be one. */
export function parseNumbers(text: string, option: string): number[] {
  return text.split(",").map((part) => {
    const value = Number(part.trim());
    if (part.trim() === "" || !Number.isFinite(value)) {
      throw new UsageError(`${option} "${text}" is not a list of numbers; write e.g. 1,2,3`);
    }
    return value;
  });
}

/** `name=value` pairs as numbers by name. */
export function parseHyperparameters(pairs: string[], option: string): Record<string, number> {
  const result: Record<string, number> = {};
  for (const pair of pairs) {
    const [name, text, ...rest] = pair.split("=");
    const value = Number(text);
    if (!name || text === undefined || text === "" || rest.length > 0 || !Number.isFinite(value)) {
      throw new UsageError(`${option} "${pair}" is not a hyper-parameter; write e.g. learningRate=0.0003`);
    }
    result[name] = value;
  }
  return result;
}

/** `name=log:1e-5:1e-2`, `name=linear:0.9:0.99`, `name=integer:1:8` or `name=choice:64,256`. */
export function parseSearchRange(text: string): SearchRange {
  const refuse = () =>
    new UsageError(
      `--range "${text}" is not a range; write e.g. learningRate=log:1e-5:1e-2 or minibatchSize=choice:64,256`,
    );
  const [name, spec, ...rest] = text.split("=");
  const [scale, first, second] = (spec ?? "").split(":");
  if (!name || rest.length > 0 || first === undefined) throw refuse();
  if (scale === "choice") return { name, scale, min: 0, max: 0, choices: parseNumbers(first, "--range") };
  const [min, max] = [Number(first), Number(second)];
  const isScale = scale === "log" || scale === "linear" || scale === "integer";
  if (!isScale || !Number.isFinite(min) || !Number.isFinite(max)) throw refuse();
  return { name, scale, min, max, choices: [] };
}

/** Sets a number of a settings object by its dotted name; refuses one that is not there, naming where to look. */
export function setNumber(settings: object, name: string, value: number, seeCommand: string): void {
  const path = name.split(".");
  let holder = settings as Record<string, unknown>;
  for (const key of path.slice(0, -1)) holder = (holder[key] ?? {}) as Record<string, unknown>;
  const last = path.at(-1)!;
  if (typeof holder[last] !== "number")
    throw new UsageError(`"${name}" is not a number of it; see: ${seeCommand}`);
  holder[last] = value;
}
