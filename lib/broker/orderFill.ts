import { bookLeg, type FillContext, marketFillPrice } from "./fills";
import { maxLeverageAt } from "./liquidation";
import { truncateToStep } from "./rounding";
import type { CancelEvent, PendingOrder } from "./types";

function cancel(context: FillContext, order: PendingOrder, qty: number, reason: CancelEvent["reason"]): void {
  context.events.push({
    kind: "cancel",
    clientOrderId: order.clientOrderId,
    timeMs: context.timeMs,
    unfilledQty: qty,
    reason,
  });
}

function isUsable(order: PendingOrder): boolean {
  const isQty = Number.isFinite(order.qty) && Math.abs(order.qty) <= Number.MAX_SAFE_INTEGER;
  return isQty && Number.isFinite(order.stopPrice) && order.stopPrice >= 0;
}

/** Quantity the bar can absorb, signed like `qty`. Bars without volume, and participation 1, do not limit. */
function absorbable(context: FillContext, qty: number, volume: number): number {
  const { costs, rules } = context;
  if (volume <= 0 || costs.maxVolumeParticipation >= 1) return qty;
  const limit = truncateToStep(volume * costs.maxVolumeParticipation, rules.lotStep);
  return Math.abs(qty) <= limit ? qty : qty > 0 ? limit : 0 - limit;
}

/**
 * Fills a market order at the bar's open: the part against the position first (always allowed), then the part
 * that opens, if its initial margin |q|·price / maxLeverage is covered by equity after costs. What does not
 * fill is cancelled with a reason; nothing is carried over. A flip gives two fills with one clientOrderId.
 *
 * The order's stop replaces the old one when the position ends on the order's side; a position that remains on
 * the other side (partial close) keeps the stop that it had.
 */
export function fillOrderAtOpen(
  context: FillContext,
  order: PendingOrder,
  openPrice: number,
  barVolume: number,
): void {
  const { account, rules } = context;
  const requestedQty = isUsable(order) ? truncateToStep(order.qty, rules.lotStep) : 0;
  const held = account.positionQty;
  const closable = held !== 0 && held > 0 !== requestedQty > 0 ? Math.abs(held) : 0;
  const side = requestedQty > 0 ? 1 : -1;
  const wantedQty = order.reduceOnly ? side * Math.min(Math.abs(requestedQty), closable) : requestedQty;
  const isOpening = Math.abs(wantedQty) > closable;
  // An opening fill without a stop would be a naked position.
  if (requestedQty === 0 || (isOpening && order.stopPrice === 0)) {
    cancel(context, order, requestedQty, "invalid");
    return;
  }
  if (order.reduceOnly && closable === 0) {
    cancel(context, order, requestedQty, "reduceOnlyFlat");
    return;
  }
  const filledQty = absorbable(context, wantedQty, barVolume);
  const closeQty = Math.min(Math.abs(filledQty), closable);
  const openQty = truncateToStep(Math.abs(filledQty) - closeQty, rules.lotStep);
  const price = marketFillPrice(openPrice, side, context);
  if (closeQty > 0) bookOrderLeg(context, order, side * closeQty, price, openPrice);
  if (openQty > 0) {
    if (coversMargin(context, side * openQty, price, openPrice)) {
      bookOrderLeg(context, order, side * openQty, price, openPrice);
      account.stopPrice = order.stopPrice;
    } else {
      cancel(context, order, side * openQty, "insufficientMargin");
    }
  }
  const overReduce = truncateToStep(requestedQty - wantedQty, rules.lotStep);
  if (overReduce !== 0) cancel(context, order, overReduce, "reduceOnlyFlat");
  const unabsorbed = truncateToStep(wantedQty - filledQty, rules.lotStep);
  if (unabsorbed !== 0) cancel(context, order, unabsorbed, "partial");
}

function bookOrderLeg(
  context: FillContext,
  order: PendingOrder,
  qty: number,
  price: number,
  referencePrice: number,
): void {
  const { clientOrderId } = order;
  bookLeg(context, {
    reason: "order",
    clientOrderId,
    qty,
    price,
    referencePrice,
    feeBps: context.costs.takerFeeBps,
  });
}

function coversMargin(context: FillContext, openQty: number, price: number, openPrice: number): boolean {
  const { account, costs, rules } = context;
  const feeUsd = Math.abs(openQty) * price * costs.takerFeeBps * 1e-4;
  const heldUnrealisedUsd = account.positionQty * (openPrice - account.entryPrice);
  const equityUsd = account.balanceUsd + heldUnrealisedUsd - feeUsd + openQty * (openPrice - price);
  const notionalUsd = Math.abs(account.positionQty + openQty) * price;
  const marginUsd = notionalUsd / maxLeverageAt(costs, rules, notionalUsd);
  return equityUsd > 0 && marginUsd <= equityUsd;
}
