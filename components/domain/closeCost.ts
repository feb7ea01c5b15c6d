import type { AccountState, CostModel } from "@/lib/broker/types";

export interface CloseEstimate {
  /** Signed quantity that would be traded to be flat. */
  qty: number;
  price: number;
  notionalUsd: number;
  costUsd: number;
  costBps: number;
}

/**
 * What closing at the mark would trade and cost: taker fee, half spread and slippage of the run's own cost
 * table on the position's notional. Null when there is no position.
 */
export function estimateClose(
  account: Pick<AccountState, "positionQty" | "markPrice">,
  costs: Pick<CostModel, "takerFeeBps" | "halfSpreadBps" | "slippageBps">,
): CloseEstimate | null {
  if (account.positionQty === 0) return null;
  const notionalUsd = Math.abs(account.positionQty) * account.markPrice;
  const costBps = costs.takerFeeBps + costs.halfSpreadBps + costs.slippageBps;
  return {
    qty: -account.positionQty,
    price: account.markPrice,
    notionalUsd,
    costUsd: (notionalUsd * costBps) / 10_000,
    costBps,
  };
}
