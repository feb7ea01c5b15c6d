import { canonicalJson } from "../core/canonicalJson";
import { sha256Hex } from "../core/sha256";
import type { CostModel } from "./types";

const HOUR_MS = 3_600_000;

/** SHA-256 (hex) of a cost model's canonical JSON: the name of its content in every provenance. */
export function costModelHash(costs: CostModel): string {
  return sha256Hex(canonicalJson(costs));
}

/**
 * What a market fill pays beyond its reference price, in bps: half the spread of the hour plus slippage. The same
 * model and bar time always give the same bits, in training, evaluation and paper: a `sampled` charge is drawn
 * from a hash of the time, once a bar.
 */
export function marketCostBps(costs: CostModel, timeMs: number): number {
  const { spread, slippageP90Bps } = costs;
  if (spread === undefined && slippageP90Bps === undefined) return costs.halfSpreadBps + costs.slippageBps;
  return halfSpreadAt(costs, timeMs) + slippageAt(costs, timeMs);
}

/** Half the spread charged at a time, in bps. */
export function halfSpreadAt(costs: CostModel, timeMs: number): number {
  const { spread, charge } = costs;
  if (spread === undefined) return costs.halfSpreadBps;
  const hour = Math.floor(timeMs / HOUR_MS) % 24;
  const p50 = spread.p50Bps[hour]!;
  const p90 = spread.p90Bps[hour]!;
  if (charge === "p90") return p90;
  if (charge === "sampled") return quantile(draw(timeMs, 1), p50, p90, spread.p99Bps?.[hour] ?? p90);
  return p50;
}

function slippageAt(costs: CostModel, timeMs: number): number {
  const { slippageBps, slippageP90Bps, charge } = costs;
  if (slippageP90Bps === undefined) return slippageBps;
  if (
    charge === "p90" ||
    latencyAt(costs, timeMs) > (costs.latency?.degradeAboveMs ?? Number.POSITIVE_INFINITY)
  ) {
    return slippageP90Bps;
  }
  if (charge === "sampled") return quantile(draw(timeMs, 2), slippageBps, slippageP90Bps, slippageP90Bps);
  return slippageBps;
}

/** Delay from close to fill charged at a time, in ms; 0 when the model has none. */
export function latencyAt({ latency, charge }: CostModel, timeMs: number): number {
  if (latency === undefined) return 0;
  if (charge === "p90") return latency.p90Ms;
  if (charge === "sampled") {
    // Beyond p90 the slope of p50 to p90 goes on: half a slope more at the very end.
    const { p50Ms, p90Ms } = latency;
    return quantile(draw(timeMs, 3), p50Ms, p90Ms, p90Ms + (p90Ms - p50Ms) / 2);
  }
  return latency.p50Ms;
}

/**
 * The value at probability u, linear between the known quantiles. The lower half pays the median: nothing is
 * known below it, and the error is on the trader's side.
 */
function quantile(u: number, p50: number, p90: number, p99: number): number {
  if (u <= 0.5) return p50;
  if (u <= 0.9) return p50 + ((u - 0.5) / 0.4) * (p90 - p50);
  return p90 + (Math.min(u - 0.9, 0.09) / 0.09) * (p99 - p90);
}

/** Uniform in [0, 1) from a time and the number of the quantity that is drawn (SplitMix32's mixing). */
function draw(timeMs: number, lane: number): number {
  let z = (timeMs >>> 0) ^ Math.imul(Math.floor(timeMs / 4294967296) + 1, 0x85ebca6b);
  for (let round = 0; round < 2; round++) {
    z = (z + Math.imul(lane, 0x9e3779b9)) | 0;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    z ^= z >>> 15;
  }
  return (z >>> 0) / 4294967296;
}

/**
 * The model with everything that a trade costs (fees, spread, slippage) times `multiplier`: the cost stress of an
 * evaluation. Funding and margin stay: they are the market's, and for one side income. 1 gives the model itself.
 * @throws RangeError unless the multiplier is finite and >= 0.
 */
export function stressedCosts(costs: CostModel, multiplier: number): CostModel {
  if (!Number.isFinite(multiplier) || multiplier < 0) {
    throw new RangeError(`costMultiplier must be finite and >= 0, got ${multiplier}; use 1, 2 or 3`);
  }
  if (multiplier === 1) return costs;
  const scaled = (values: number[]) => values.map((value) => value * multiplier);
  const { spread, slippageP90Bps } = costs;
  const stressed: CostModel = {
    ...costs,
    id: `${costs.id}*${multiplier}`,
    takerFeeBps: costs.takerFeeBps * multiplier,
    makerFeeBps: costs.makerFeeBps * multiplier,
    liquidationFeeBps: costs.liquidationFeeBps * multiplier,
    halfSpreadBps: costs.halfSpreadBps * multiplier,
    slippageBps: costs.slippageBps * multiplier,
  };
  if (slippageP90Bps !== undefined) stressed.slippageP90Bps = slippageP90Bps * multiplier;
  if (spread !== undefined) {
    stressed.spread = { ...spread, p50Bps: scaled(spread.p50Bps), p90Bps: scaled(spread.p90Bps) };
    if (spread.p99Bps !== undefined) stressed.spread.p99Bps = scaled(spread.p99Bps);
    if (spread.meanBps !== undefined) stressed.spread.meanBps = scaled(spread.meanBps);
  }
  return stressed;
}

/** Largest charge in bps that can be a measurement and not a slip of the unit: 10 % of notional. */
const MAX_BPS = 1_000;

/** Throws a RangeError that names the first unusable field of a cost model, its limit and its value. */
export function assertCostModel(costs: CostModel): void {
  const within = (field: string, value: number, low: number, high: number) => {
    if (!(value >= low && value <= high)) {
      throw new RangeError(`costs.${field} must be from ${low} to ${high}, got ${value}; fix the cost model`);
    }
  };
  if (typeof costs.id !== "string" || costs.id.length === 0 || costs.id.length > 120) {
    throw new RangeError("costs.id must be 1 to 120 characters; fix the cost model");
  }
  for (const field of [
    "takerFeeBps",
    "makerFeeBps",
    "halfSpreadBps",
    "slippageBps",
    "liquidationFeeBps",
  ] as const) {
    within(field, costs[field], field === "makerFeeBps" ? -MAX_BPS : 0, MAX_BPS);
  }
  within("maintenanceMarginRate", costs.maintenanceMarginRate, 0, 0.999);
  within("fundingRatePerInterval", costs.fundingRatePerInterval, -1, 1);
  within("fundingIntervalMs", costs.fundingIntervalMs, 1, 30 * 24 * HOUR_MS);
  within("maxVolumeParticipation", costs.maxVolumeParticipation, Number.MIN_VALUE, 1);
  if (costs.slippageP90Bps !== undefined)
    within("slippageP90Bps", costs.slippageP90Bps, costs.slippageBps, MAX_BPS);
  if (costs.latency !== undefined) {
    const { p50Ms, p90Ms, degradeAboveMs } = costs.latency;
    within("latency.p50Ms", p50Ms, 0, HOUR_MS);
    within("latency.p90Ms", p90Ms, p50Ms, HOUR_MS);
    within("latency.degradeAboveMs", degradeAboveMs, 0, HOUR_MS);
    if (costs.slippageP90Bps === undefined) {
      throw new RangeError(
        "costs.latency needs costs.slippageP90Bps, which a late fill pays; fix the cost model",
      );
    }
  }
  if (costs.spread !== undefined) assertSpread(costs.spread, within);
  let last = 0;
  for (const [i, tier] of (costs.marginTiers ?? []).entries()) {
    within(`marginTiers[${i}].upToNotionalUsd`, tier.upToNotionalUsd, last + Number.MIN_VALUE, 1e15);
    within(`marginTiers[${i}].maintenanceMarginRate`, tier.maintenanceMarginRate, 0, 0.999);
    within(`marginTiers[${i}].maxLeverage`, tier.maxLeverage, 1, 1_000);
    last = tier.upToNotionalUsd;
  }
  if (costs.marginTiers?.length === 0) {
    throw new RangeError("costs.marginTiers must have a tier or be absent; fix the cost model");
  }
}

function assertSpread(
  spread: NonNullable<CostModel["spread"]>,
  within: (field: string, value: number, low: number, high: number) => void,
): void {
  for (const [name, values] of Object.entries(spread) as [string, number[] | undefined][]) {
    if (values === undefined) continue;
    if (values.length !== 24) {
      throw new RangeError(
        `costs.spread.${name} must have 24 hours, got ${values.length}; fix the cost model`,
      );
    }
    for (const [hour, value] of values.entries()) within(`spread.${name}[${hour}]`, value, 0, MAX_BPS);
  }
  for (let hour = 0; hour < 24; hour++) {
    within(`spread.p90Bps[${hour}]`, spread.p90Bps[hour]!, spread.p50Bps[hour]!, MAX_BPS);
    const p99 = spread.p99Bps?.[hour];
    if (p99 !== undefined) within(`spread.p99Bps[${hour}]`, p99, spread.p90Bps[hour]!, MAX_BPS);
  }
}
