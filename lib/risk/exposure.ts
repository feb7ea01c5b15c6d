import type { AccountState, PendingOrder } from "../broker/types";

/**
 * Largest absolute position that could result if any subset of the unsettled orders and this order filled
 * (K-05): all buys and no sells, or all sells and no buys. A reduce-only order adds nothing.
 */
export function worstCasePositionQty(
  positionQty: number,
  order: PendingOrder | null,
  unsettledQtys: readonly number[],
): number {
  let longest = positionQty;
  let shortest = positionQty;
  const add = (qty: number) => {
    if (qty > 0) longest += qty;
    else shortest += qty;
  };
  unsettledQtys.forEach(add);
  if (order !== null && !order.reduceOnly) add(order.qty);
  return Math.max(Math.abs(longest), Math.abs(shortest));
}

/**
 * True when the order can only bring the position closer to flat, even if every unsettled order on its side
 * fills first. A reduce-only order on the other side of the position qualifies because the venue caps it.
 */
export function isReducingOrder(
  positionQty: number,
  order: PendingOrder,
  unsettledQtys: readonly number[],
): boolean {
  if (positionQty === 0 || order.qty === 0 || order.qty > 0 === positionQty > 0) return false;
  if (order.reduceOnly) return true;
  let against = Math.abs(order.qty);
  for (const qty of unsettledQtys) if (qty > 0 === order.qty > 0) against += Math.abs(qty);
  return against <= Math.abs(positionQty);
}

/**
 * The part of an order that only closes: what may still be sent when its opening part was refused (K-04).
 * null when the order does not reduce the position at all.
 */
export function reducingPart(account: AccountState, order: PendingOrder): PendingOrder | null {
  const held = account.positionQty;
  if (held === 0 || order.qty === 0 || order.qty > 0 === held > 0) return null;
  const qty = Math.sign(order.qty) * Math.min(Math.abs(order.qty), Math.abs(held));
  return { clientOrderId: order.clientOrderId, qty, reduceOnly: true, stopPrice: 0 };
}
