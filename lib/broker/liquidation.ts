import type { AccountState, CostModel } from "./types";

/**
 * Mark price at which cross-margin equity meets the maintenance margin, in quote currency; 0 when there is none
 * (flat, or a long that its balance covers down to zero).
 *
 * Solves balance + q·(P − entry) = mmr·|q|·P for P:  P = (q·entry − balance) / (q − mmr·|q|).
 */
export function liquidationPrice(account: AccountState, costs: CostModel): number {
  const qty = account.positionQty;
  if (qty === 0) return 0;
  const price =
    (qty * account.entryPrice - account.balanceUsd) / (qty - costs.maintenanceMarginRate * Math.abs(qty));
  return Math.max(0, price);
}
