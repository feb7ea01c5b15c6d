import { marketCostBps } from "./charges";
import { ceilToStep, floorToStep, snapToStep } from "./rounding";
import type { AccountState, BrokerEvent, CostModel, FillReason, InstrumentRules } from "./types";

/** What a fill needs to know; `account` is the private copy that `advanceBar` works on. */
export interface FillContext {
  account: AccountState;
  events: BrokerEvent[];
  timeMs: number;
  costs: CostModel;
  rules: InstrumentRules;
}

const BPS = 1e-4;

/**
 * Price of a market fill: reference ± (half spread + slippage of the bar's time), rounded to the tick against
 * the trader (buys up, sells down). Never below one tick.
 */
export function marketFillPrice(
  referencePrice: number,
  side: 1 | -1,
  { costs, rules, timeMs }: Pick<FillContext, "costs" | "rules" | "timeMs">,
): number {
  const raw = referencePrice * (1 + side * marketCostBps(costs, timeMs) * BPS);
  if (side > 0) return ceilToStep(raw, rules.tickSize);
  return Math.max(floorToStep(raw, rules.tickSize), rules.tickSize);
}

/**
 * Books one leg, which either only opens/increases or only reduces/closes the position (never both).
 *
 * A leg that ends the position cannot leave the balance below zero: the loss beyond it is borne by the
 * exchange's insurance fund, so the booked `realisedPnlUsd` is larger (less negative) than qty·(price − entry);
 * that difference is the shortfall. The money identity holds on the booked amounts.
 */
export function bookLeg(
  context: FillContext,
  leg: {
    reason: FillReason;
    clientOrderId: string;
    qty: number;
    price: number;
    referencePrice: number;
    feeBps: number;
  },
): void {
  const { account, events, timeMs, rules } = context;
  const { qty, price } = leg;
  const before = account.positionQty;
  const after = snapToStep(before + qty, rules.lotStep);
  const notionalUsd = Math.abs(qty) * price;
  let feeUsd = notionalUsd * leg.feeBps * BPS;
  let realisedPnlUsd = 0;
  const isReducing = before !== 0 && before > 0 !== qty > 0;
  if (isReducing) {
    realisedPnlUsd = -qty * (price - account.entryPrice) + 0;
    if (after === 0 && account.balanceUsd + realisedPnlUsd - feeUsd < 0) {
      feeUsd = Math.min(feeUsd, Math.max(0, account.balanceUsd + realisedPnlUsd));
      realisedPnlUsd = Math.max(realisedPnlUsd, feeUsd - account.balanceUsd);
    }
  } else {
    account.entryPrice = before === 0 ? price : (before * account.entryPrice + qty * price) / (before + qty);
  }
  const slippageUsd = Math.abs(qty) * Math.abs(price - leg.referencePrice);
  account.balanceUsd += realisedPnlUsd - feeUsd;
  account.realisedPnlUsd += realisedPnlUsd;
  account.feesUsd += feeUsd;
  account.slippageUsd += slippageUsd;
  account.tradedNotionalUsd += notionalUsd;
  account.positionQty = after;
  if (after === 0) {
    // The floor above is exact in money; this removes a last binary digit.
    if (isReducing && account.balanceUsd < 0) account.balanceUsd = 0;
    account.entryPrice = 0;
    account.stopPrice = 0;
    account.barsHeld = 0;
  }
  events.push({
    kind: "fill",
    reason: leg.reason,
    clientOrderId: leg.clientOrderId,
    timeMs,
    qty,
    price,
    referencePrice: leg.referencePrice,
    feeUsd,
    slippageUsd,
    realisedPnlUsd,
    positionQtyAfter: after,
  });
}
