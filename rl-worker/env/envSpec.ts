import { assertCostModel, stressedCosts } from "../../lib/broker/charges";
import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import type { CostModel, InstrumentRules, SizingSpec } from "../../lib/broker/types";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { sha256Hex } from "../../lib/core/sha256";

/** Everything that decides what an action is worth. Plain JSON; its hash is part of every artifact. */
export interface EnvSpec {
  /** Bumped when the meaning of the environment changes with the same numbers. */
  version: 1;
  initialBalanceUsd: number;
  sizing: SizingSpec;
  costs: CostModel;
  rules: InstrumentRules;
  /** Bars after which an episode is truncated. */
  episodeBars: number;
  /** Reward per unit of growth; 100 makes one percent about 1. */
  rewardScale: number;
  /** What growth is: ln(equity(t+1) / equity(t)), the default; or the change of equity over the first deposit. */
  growth?: "log" | "simple";
  /** Reward lost per unit by which the drawdown fraction grows in a step. */
  drawdownPenalty: number;
  /** Reward lost per unit of notional traded over equity in a step, beyond the costs themselves. */
  turnoverPenalty: number;
  /** Reward lost per bar and unit of held notional over equity; 0 when absent. */
  holdingPenalty?: number;
  /** The episode terminates when equity is at or below this fraction of the initial balance. */
  ruinEquityFraction: number;
}

/** The environment that training uses unless told otherwise: unlevered, stop at 5 ATR, no penalty terms. */
export function defaultEnvSpec(rules: InstrumentRules, costs: CostModel = DEFAULT_COST_MODEL): EnvSpec {
  return {
    version: 1,
    initialBalanceUsd: 10_000,
    sizing: { positionFraction: 1, stopAtrMultiple: 5 },
    costs,
    rules,
    episodeBars: 512,
    rewardScale: 100,
    drawdownPenalty: 0,
    turnoverPenalty: 0,
    ruinEquityFraction: 0.5,
  };
}

/** SHA-256 (hex) of the canonical JSON of the spec: two environments with one hash pay the same rewards. */
export function environmentHash(spec: EnvSpec): string {
  return sha256Hex(canonicalJson(spec));
}

/** What a training may set of its environment: numbers that shape the reward and episodes and move no money. */
export const REWARD_SETTINGS = [
  "rewardScale",
  "drawdownPenalty",
  "turnoverPenalty",
  "holdingPenalty",
  "episodeBars",
  "ruinEquityFraction",
] as const;
export type RewardSetting = (typeof REWARD_SETTINGS)[number];

/** The same environment with every cost of trading times `costMultiplier`; 1 gives the spec itself. */
export function stressedEnvSpec(spec: EnvSpec, costMultiplier: number): EnvSpec {
  return costMultiplier === 1 ? spec : { ...spec, costs: stressedCosts(spec.costs, costMultiplier) };
}

/** Throws a RangeError that names the first unusable field. */
export function assertEnvSpec(spec: EnvSpec): void {
  const positive: Array<[string, number]> = [
    ["initialBalanceUsd", spec.initialBalanceUsd],
    ["sizing.positionFraction", spec.sizing.positionFraction],
    ["sizing.stopAtrMultiple", spec.sizing.stopAtrMultiple],
    ["rewardScale", spec.rewardScale],
    ["rules.tickSize", spec.rules.tickSize],
    ["rules.lotStep", spec.rules.lotStep],
    ["rules.maxLeverage", spec.rules.maxLeverage],
  ];
  const notNegative: Array<[string, number]> = [
    ["drawdownPenalty", spec.drawdownPenalty],
    ["turnoverPenalty", spec.turnoverPenalty],
    ["holdingPenalty", spec.holdingPenalty ?? 0],
    ["ruinEquityFraction", spec.ruinEquityFraction],
  ];
  const { sessionClose } = spec.sizing;
  if (sessionClose !== undefined) {
    const { barMs, flattenBeforeMs, minClosedMs } = sessionClose;
    positive.push(["sizing.sessionClose.barMs", barMs]);
    notNegative.push(["sizing.sessionClose.flattenBeforeMs", flattenBeforeMs]);
    notNegative.push(["sizing.sessionClose.minClosedMs", minClosedMs]);
  }
  for (const [field, value] of positive) {
    if (!Number.isFinite(value) || value <= 0) {
      throw new RangeError(`Environment ${field} must be finite and > 0, got ${value}.`);
    }
  }
  for (const [field, value] of notNegative) {
    if (!Number.isFinite(value) || value < 0) {
      throw new RangeError(`Environment ${field} must be finite and >= 0, got ${value}.`);
    }
  }
  if (spec.growth !== undefined && spec.growth !== "log" && spec.growth !== "simple") {
    throw new RangeError(`Environment growth must be "log" or "simple", got ${String(spec.growth)}.`);
  }
  assertCostModel(spec.costs);
  if (!Number.isSafeInteger(spec.episodeBars) || spec.episodeBars < 1) {
    throw new RangeError(`Environment episodeBars must be a whole number >= 1, got ${spec.episodeBars}.`);
  }
}
