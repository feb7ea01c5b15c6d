import type { AccountState, CostModel, InstrumentRules, MarginTier } from "./types";

/** The step of the risk table for a position of this notional; beyond the last step, the last. */
function tierAt(tiers: readonly MarginTier[], notionalUsd: number): MarginTier {
  return tiers.find((tier) => notionalUsd <= tier.upToNotionalUsd) ?? tiers[tiers.length - 1]!;
}

/** Leverage that opening a position of this notional may use: the instrument's, or its tier's where lower. */
export function maxLeverageAt(costs: CostModel, rules: InstrumentRules, notionalUsd: number): number {
  if (costs.marginTiers === undefined) return rules.maxLeverage;
  return Math.min(rules.maxLeverage, tierAt(costs.marginTiers, notionalUsd).maxLeverage);
}

/**
 * Mark price at which cross-margin equity meets the maintenance margin, in quote currency; 0 when there is none
 * (flat, or a long that its balance covers down to zero).
 *
 * Solves balance + q·(P − entry) = mmr·|q|·P for P:  P = (q·entry − balance) / (q − mmr·|q|).
 * With margin tiers, mmr is that of the tier of the entry notional.
 */
export function liquidationPrice(account: AccountState, costs: CostModel): number {
  const qty = account.positionQty;
  if (qty === 0) return 0;
  const rate =
    costs.marginTiers === undefined
      ? costs.maintenanceMarginRate
      : tierAt(costs.marginTiers, Math.abs(qty) * account.entryPrice).maintenanceMarginRate;
  const price = (qty * account.entryPrice - account.balanceUsd) / (qty - rate * Math.abs(qty));
  return Math.max(0, price);
}
