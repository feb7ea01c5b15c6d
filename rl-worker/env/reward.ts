import type { AccountState } from "../../lib/broker/types";
import { ln } from "../../lib/core/math";
import type { EnvSpec } from "./envSpec";

/**
 * One step's reward, term by term, in the unit of the reward. `price` is what the market gave before any cost;
 * every other term is a loss (funding may be a gain, then it is negative).
 *   reward = price − fees − slippage − funding − drawdown − turnover − holding
 */
export interface RewardTerms {
  price: number;
  fees: number;
  slippage: number;
  funding: number;
  drawdown: number;
  turnover: number;
  holding: number;
}

/** In the order in which they are subtracted. */
export const REWARD_TERMS = [
  "price",
  "fees",
  "slippage",
  "funding",
  "drawdown",
  "turnover",
  "holding",
] as const;

/** Reward of the terms, subtracted in this order: the same bits wherever it is added up. */
export function rewardOf(t: Readonly<RewardTerms>): number {
  return t.price - t.fees - t.slippage - t.funding - t.drawdown - t.turnover - t.holding;
}

/** Below this share of the initial balance equity counts as this share, so that ruin has a finite reward. */
const LOG_EQUITY_FLOOR = 1e-4;
/** Relative change of equity below which the growth per dollar is taken at its limit. */
const NO_CHANGE = 1e-9;

/**
 * Measures the reward of one step of an account: `before` it moves, then `after`. The training environment and an
 * evaluation that asks for terms use the same meter.
 */
export class RewardMeter {
  readonly terms: RewardTerms = {
    ...{ price: 0, fees: 0, slippage: 0, funding: 0 },
    ...{ drawdown: 0, turnover: 0, holding: 0 },
  };
  private readonly floorUsd: number;
  private readonly isLog: boolean;
  private readonly holdingPenalty: number;
  private equityUsd = 0;
  private peakEquityUsd = 0;
  private feesUsd = 0;
  private slippageUsd = 0;
  private fundingUsd = 0;
  private tradedNotionalUsd = 0;

  constructor(private readonly spec: EnvSpec) {
    this.floorUsd = spec.initialBalanceUsd * LOG_EQUITY_FLOOR;
    this.isLog = (spec.growth ?? "log") === "log";
    this.holdingPenalty = spec.holdingPenalty ?? 0;
  }

  clear(): void {
    for (const name of REWARD_TERMS) this.terms[name] = 0;
  }

  before(account: Readonly<AccountState>): void {
    this.equityUsd = account.equityUsd;
    this.peakEquityUsd = account.peakEquityUsd;
    this.feesUsd = account.feesUsd;
    this.slippageUsd = account.slippageUsd;
    this.fundingUsd = account.fundingUsd;
    this.tradedNotionalUsd = account.tradedNotionalUsd;
  }

  /** Fills `terms` and returns their reward. */
  after(account: Readonly<AccountState>): number {
    const { spec, terms, floorUsd } = this;
    const equityBefore = Math.max(this.equityUsd, floorUsd);
    const changeUsd = account.equityUsd - this.equityUsd;
    // Growth is shared out over what moved equity in proportion to the money: `perUsd` of reward a dollar.
    let growth: number;
    let perUsd: number;
    if (this.isLog) {
      growth = spec.rewardScale * ln(Math.max(account.equityUsd, floorUsd) / equityBefore);
      const isMoved = Math.abs(changeUsd) > NO_CHANGE * equityBefore;
      perUsd = isMoved ? growth / changeUsd : spec.rewardScale / equityBefore;
    } else {
      perUsd = spec.rewardScale / spec.initialBalanceUsd;
      growth = perUsd * changeUsd;
    }
    terms.fees = perUsd * (account.feesUsd - this.feesUsd);
    terms.slippage = perUsd * (account.slippageUsd - this.slippageUsd);
    terms.funding = perUsd * (account.fundingUsd - this.fundingUsd);
    terms.price = growth + terms.fees + terms.slippage + terms.funding;
    if (spec.drawdownPenalty > 0) {
      const grown = this.equityUsd / this.peakEquityUsd - account.equityUsd / account.peakEquityUsd;
      terms.drawdown = spec.drawdownPenalty * Math.max(0, grown);
    }
    const tradedUsd = account.tradedNotionalUsd - this.tradedNotionalUsd;
    terms.turnover = (spec.turnoverPenalty * tradedUsd) / equityBefore;
    if (this.holdingPenalty > 0) {
      const heldUsd = Math.abs(account.positionQty) * account.markPrice;
      terms.holding = (this.holdingPenalty * heldUsd) / equityBefore;
    }
    return rewardOf(terms);
  }
}
