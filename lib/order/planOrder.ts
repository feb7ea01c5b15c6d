import { ceilToStep, floorToStep } from "../broker/rounding";
import type { AccountState, InstrumentRules, PendingOrder, SizingSpec } from "../broker/types";
import { closedHoursFrom } from "../market/calendar";

/** Why no order (or only the closing part of one) was planned. */
export type PlanSkipReason =
  | "alreadyAtTarget"
  | "sessionClose"
  | "nonFinite"
  | "atrUnavailable"
  | "leverageCap"
  | "belowMinQty"
  | "belowMinNotional";

export interface PlanInput {
  account: AccountState;
  /** -1 short, 0 flat, 1 long. Any other value is refused as nonFinite. */
  targetPosition: number;
  /** Close of the decision bar. */
  referencePrice: number;
  /** ATR(14) of the decision bar in price units. */
  atr: number;
  sizing: SizingSpec;
  rules: InstrumentRules;
  clientOrderId: string;
}

/** `openingSkipped` is set when a flip was asked for, its opening part was refused, and only the close is planned. */
export type PlanResult = { order: PendingOrder; openingSkipped?: PlanSkipReason } | { skip: PlanSkipReason };

/**
 * Turns a target position into at most one market order. A position already on the target's side is left as it
 * is (no re-sizing); target 0 closes reduce-only; an opposite target closes and opens in one order.
 *
 * Where the sizing has a rule for the session's close, any target counts as 0 near and in closed hours.
 *
 * qty = floor(positionFraction · equity / referencePrice) to the lot step.
 * stop = referencePrice ∓ stopAtrMultiple · atr, rounded toward the reference price so that rounding never
 * widens the loss, and kept at least one tick away from it and at least one tick above zero.
 */
export function planOrder(input: PlanInput): PlanResult {
  const { account, targetPosition, sizing, clientOrderId } = input;
  const held = account.positionQty;
  if ((targetPosition !== -1 && targetPosition !== 0 && targetPosition !== 1) || !Number.isFinite(held)) {
    return { skip: "nonFinite" };
  }
  if (held !== 0 || targetPosition !== 0) {
    if (mustBeFlat(account, sizing)) {
      return held === 0 ? { skip: "sessionClose" } : { order: closingOrder(held, clientOrderId) };
    }
  }
  if (Math.sign(held) === targetPosition) return { skip: "alreadyAtTarget" };
  if (targetPosition === 0) return { order: closingOrder(held, clientOrderId) };

  const opening = planOpening(input, targetPosition);
  if ("skip" in opening) {
    if (held === 0) return opening;
    return { order: closingOrder(held, clientOrderId), openingSkipped: opening.skip };
  }
  const qty = targetPosition * opening.qty - held;
  return { order: { clientOrderId, qty, reduceOnly: false, stopPrice: opening.stopPrice } };
}

function mustBeFlat(account: AccountState, { sessionClose }: SizingSpec): boolean {
  if (sessionClose === undefined) return false;
  const { calendar, barMs, flattenBeforeMs, minClosedMs } = sessionClose;
  const decidedMs = account.lastBarOpenTimeMs + barMs;
  const closed = closedHoursFrom(calendar, decidedMs);
  if (closed === null || closed.endMs - closed.startMs < minClosedMs) return false;
  return decidedMs >= closed.startMs - flattenBeforeMs;
}

function closingOrder(held: number, clientOrderId: string): PendingOrder {
  return { clientOrderId, qty: -held, reduceOnly: true, stopPrice: 0 };
}

function planOpening(
  input: PlanInput,
  side: 1 | -1,
): { qty: number; stopPrice: number } | { skip: PlanSkipReason } {
  const { account, referencePrice, atr, sizing, rules } = input;
  const { positionFraction, stopAtrMultiple } = sizing;
  const budgetUsd = positionFraction * account.equityUsd;
  if (!Number.isFinite(budgetUsd) || !(positionFraction > 0)) return { skip: "nonFinite" };
  if (!Number.isFinite(referencePrice) || !(referencePrice > 0)) return { skip: "nonFinite" };
  const stopDistance = stopAtrMultiple * atr;
  if (!Number.isFinite(stopDistance) || !(stopDistance > 0)) return { skip: "atrUnavailable" };
  if (positionFraction > rules.maxLeverage) return { skip: "leverageCap" };

  const qty = floorToStep(Math.max(0, budgetUsd) / referencePrice, rules.lotStep);
  if (qty > Number.MAX_SAFE_INTEGER) return { skip: "nonFinite" };
  if (qty <= 0 || qty < rules.minQty) return { skip: "belowMinQty" };
  if (qty * referencePrice < rules.minNotionalUsd) return { skip: "belowMinNotional" };
  return { qty, stopPrice: protectiveStop(referencePrice, side, stopDistance, rules.tickSize) };
}

function protectiveStop(referencePrice: number, side: 1 | -1, distance: number, tickSize: number): number {
  if (side > 0) {
    const stop = Math.max(ceilToStep(referencePrice - distance, tickSize), tickSize);
    return Math.min(stop, floorToStep(referencePrice - tickSize, tickSize));
  }
  const stop = floorToStep(referencePrice + distance, tickSize);
  return Math.max(stop, ceilToStep(referencePrice + tickSize, tickSize));
}
