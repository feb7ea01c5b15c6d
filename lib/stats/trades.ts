import type { BrokerEvent, FillEvent } from "../broker/types";

export type TradeExit = "order" | "stop" | "liquidation" | "open";

/** One round trip. `pnlUsd` is net: realised − fees − funding, as booked by the broker. */
export interface Trade {
  entryTimeMs: number;
  /** Time of the last closing fill; of the mark when `exitReason` is "open". */
  exitTimeMs: number;
  side: "long" | "short";
  /** Unsigned quantity that was opened. */
  qty: number;
  entryPrice: number;
  exitPrice: number;
  pnlUsd: number;
  feesUsd: number;
  /** Already inside the prices; shown apart, not subtracted again. */
  slippageUsd: number;
  /** Positive = paid. */
  fundingUsd: number;
  exitReason: TradeExit;
}

/** The trade in progress: plain JSON, so that it can be stored between bars. */
export interface OpenTrade {
  entryTimeMs: number;
  side: "long" | "short";
  openedQty: number;
  openedNotionalUsd: number;
  closedQty: number;
  closedNotionalUsd: number;
  realisedPnlUsd: number;
  feesUsd: number;
  slippageUsd: number;
  fundingUsd: number;
}

export interface TradeStep {
  open: OpenTrade | null;
  closed: Trade | null;
}

/**
 * Folds one broker event into the trade in progress; pure. A flip arrives as two fills, so each step closes at
 * most one trade. Throws when a fill closes a trade that was never opened: events must be folded from the start.
 */
export function foldTrade(open: OpenTrade | null, event: BrokerEvent): TradeStep {
  if (event.kind === "cancel") return { open, closed: null };
  if (event.kind === "funding") {
    if (open === null)
      throw new RangeError(`Funding at ${event.timeMs} without an open trade; fold all events.`);
    return { open: { ...open, fundingUsd: open.fundingUsd + event.amountUsd }, closed: null };
  }
  const side = event.qty > 0 ? "long" : "short";
  if (open === null || open.side === side) {
    if (open === null && Math.sign(event.positionQtyAfter) !== Math.sign(event.qty)) {
      throw new RangeError(
        `The fill at ${event.timeMs} closes a trade that was never opened; fold all events.`,
      );
    }
    return { open: addOpening(open, side, event), closed: null };
  }
  const next: OpenTrade = {
    ...open,
    closedQty: open.closedQty + Math.abs(event.qty),
    closedNotionalUsd: open.closedNotionalUsd + Math.abs(event.qty) * event.price,
    realisedPnlUsd: open.realisedPnlUsd + event.realisedPnlUsd,
    feesUsd: open.feesUsd + event.feeUsd,
    slippageUsd: open.slippageUsd + event.slippageUsd,
  };
  if (event.positionQtyAfter !== 0) return { open: next, closed: null };
  return { open: null, closed: finish(next, event.timeMs, event.reason) };
}

function addOpening(open: OpenTrade | null, side: "long" | "short", fill: FillEvent): OpenTrade {
  const qty = Math.abs(fill.qty);
  return {
    entryTimeMs: open?.entryTimeMs ?? fill.timeMs,
    side,
    openedQty: (open?.openedQty ?? 0) + qty,
    openedNotionalUsd: (open?.openedNotionalUsd ?? 0) + qty * fill.price,
    closedQty: open?.closedQty ?? 0,
    closedNotionalUsd: open?.closedNotionalUsd ?? 0,
    realisedPnlUsd: open?.realisedPnlUsd ?? 0,
    feesUsd: (open?.feesUsd ?? 0) + fill.feeUsd,
    slippageUsd: (open?.slippageUsd ?? 0) + fill.slippageUsd,
    fundingUsd: open?.fundingUsd ?? 0,
  };
}

function finish(trade: OpenTrade, exitTimeMs: number, exitReason: TradeExit): Trade {
  return {
    entryTimeMs: trade.entryTimeMs,
    exitTimeMs,
    side: trade.side,
    qty: trade.openedQty,
    entryPrice: trade.openedNotionalUsd / trade.openedQty,
    exitPrice: trade.closedNotionalUsd / trade.closedQty,
    pnlUsd: trade.realisedPnlUsd - trade.feesUsd - trade.fundingUsd,
    feesUsd: trade.feesUsd,
    slippageUsd: trade.slippageUsd,
    fundingUsd: trade.fundingUsd,
    exitReason,
  };
}

/** The open trade valued at `markPrice` without exit costs, so that trades sum to the change of equity. */
export function markOpenTrade(open: OpenTrade, markPrice: number, timeMs: number): Trade {
  const restQty = open.openedQty - open.closedQty;
  const sign = open.side === "long" ? 1 : -1;
  const closedNotionalUsd = open.closedNotionalUsd + restQty * markPrice;
  // From cash in and out: after a partial close and an addition the broker's average entry is not this trade's.
  const realisedPnlUsd = sign * (closedNotionalUsd - open.openedNotionalUsd) + 0;
  return finish({ ...open, closedQty: open.openedQty, closedNotionalUsd, realisedPnlUsd }, timeMs, "open");
}

/** All trades of a complete event stream; the one still open is marked when `mark` is given. */
export function tradesFromEvents(
  events: Iterable<BrokerEvent>,
  mark?: { markPrice: number; timeMs: number },
): Trade[] {
  const trades: Trade[] = [];
  let open: OpenTrade | null = null;
  for (const event of events) {
    const step: TradeStep = foldTrade(open, event);
    open = step.open;
    if (step.closed !== null) trades.push(step.closed);
  }
  if (open !== null && mark !== undefined) trades.push(markOpenTrade(open, mark.markPrice, mark.timeMs));
  return trades;
}
