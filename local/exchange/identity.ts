import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What makes a simulated market the same market after a restart. */
export interface MarketIdentity {
  seed: number;
  speed: number;
  clockOffsetMs: number;
  /** Wall time at which exchange time began to run `speed` times as fast. */
  originWallMs: number;
  historyStartMs: number;
}

export interface IdentityRequest {
  seed: number | undefined;
  speed: number | undefined;
  clockOffsetMs: number | undefined;
  historyStartMs: number;
  nowMs: number;
}

const FILE = "exchange.json";

/**
 * The identity kept in `dir`, or a new one written there (not written when `dir` is undefined).
 * Throws when the folder holds another market than the one asked for: bars of two seeds must never be mixed.
 */
export function resolveIdentity(dir: string | undefined, request: IdentityRequest): MarketIdentity {
  const path = dir === undefined ? undefined : join(dir, FILE);
  if (path !== undefined && existsSync(path)) {
    const kept = readIdentity(path);
    for (const field of ["seed", "speed", "clockOffsetMs"] as const) {
      const asked = request[field];
      if (asked !== undefined && asked !== kept[field]) {
        throw new Error(
          `${path} holds a market with ${field} ${kept[field]}, but ${asked} was asked for. Leave the option out to continue that market, or choose another --data folder.`,
        );
      }
    }
    return kept;
  }
  const made: MarketIdentity = {
    seed: request.seed ?? 1,
    speed: request.speed ?? 1,
    clockOffsetMs: request.clockOffsetMs ?? 0,
    originWallMs: request.nowMs,
    historyStartMs: request.historyStartMs,
  };
  if (dir !== undefined && path !== undefined) {
    mkdirSync(dir, { recursive: true });
    writeFileSync(`${path}.new`, `${JSON.stringify(made, null, 2)}\n`);
    renameSync(`${path}.new`, path);
  }
  return made;
}

function readIdentity(path: string): MarketIdentity {
  const damaged = new Error(`${path} is damaged. Remove it to start a new simulated market in this folder.`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw damaged;
  }
  const fields = ["seed", "speed", "clockOffsetMs", "originWallMs", "historyStartMs"] as const;
  const record = value as Record<string, unknown> | null;
  if (typeof record !== "object" || record === null || fields.some((f) => !Number.isFinite(record[f])))
    throw damaged;
  return record as unknown as MarketIdentity;
}
