import type { Candle } from "../market/types";
import { bookLeg, type FillContext, marketFillPrice } from "./fills";
import { liquidationPrice } from "./liquidation";
import { fillOrderAtOpen } from "./orderFill";
import type {
  AccountState,
  AdvanceResult,
  BrokerEvent,
  CostModel,
  InstrumentRules,
  PendingOrder,
} from "./types";

/**
 * Moves a copy of an account over one closed bar: `advanceBarInPlace` for callers that keep the old state.
 */
export function advanceBar(
  account: AccountState,
  order: PendingOrder | null,
  bar: Candle,
  costs: CostModel,
  rules: InstrumentRules,
  fundingRateAt?: (timeMs: number) => number,
): AdvanceResult {
  const events: BrokerEvent[] = [];
  const next: AccountState = { ...account };
  advanceBarInPlace(next, events, order, bar, costs, rules, fundingRateAt);
  return { account: next, events };
}

/**
 * Moves an account over one closed bar, in place, and appends what happened to `events`: the form for loops that
 * step millions of bars. A bar that is refused leaves the account unchanged.
 *
 * 1. Funding: every settlement with time in (last bar's open, this bar's open] is paid on the position held
 *    before this bar, at the last mark (several one by one after a gap).
 * 2. The pending order fills at this bar's open (`fillOrderAtOpen`).
 * 3. Inside the bar: protective stop or liquidation, whichever price is met first from the open. An open that is
 *    already beyond a level fills at the open; if it is beyond both, the liquidation takes it.
 * 4. Mark at the close: equity, peak, bars held.
 *
 * Events come in that order; all carry the bar's open time, funding its settlement time. `fundingRateAt(timeMs)`
 * gives settled rates per interval; a non-finite answer means "none settled" and the cost model's rate is used.
 * Throws on a corrupt bar or one that is not newer than the account.
 */
export function advanceBarInPlace(
  account: AccountState,
  events: BrokerEvent[],
  order: PendingOrder | null,
  bar: Candle,
  costs: CostModel,
  rules: InstrumentRules,
  fundingRateAt?: (timeMs: number) => number,
): void {
  assertBar(account, bar);
  const context: FillContext = { account, events, timeMs: bar.openTimeMs, costs, rules };
  if (account.positionQty !== 0) settleFunding(context, fundingRateAt);
  if (order !== null) fillOrderAtOpen(context, order, bar.open, bar.volume);
  if (account.positionQty !== 0) exitInsideBar(context, bar);

  account.markPrice = bar.close;
  account.lastBarOpenTimeMs = bar.openTimeMs;
  account.equityUsd = account.balanceUsd + account.positionQty * (bar.close - account.entryPrice);
  if (account.equityUsd > account.peakEquityUsd) account.peakEquityUsd = account.equityUsd;
  if (account.positionQty !== 0) account.barsHeld += 1;
}

function assertBar(account: AccountState, bar: Candle): void {
  const isOrdered =
    bar.low <= bar.open && bar.low <= bar.close && bar.high >= bar.open && bar.high >= bar.close;
  // Comparisons with NaN are false, so a NaN price fails `isOrdered`; the volume needs its own test.
  if (!isOrdered || !(bar.low > 0) || !(bar.high < Number.POSITIVE_INFINITY) || !(bar.volume >= 0)) {
    throw new RangeError(
      `Bar at ${bar.openTimeMs} is corrupt (open ${bar.open}, high ${bar.high}, low ${bar.low}, ` +
        `close ${bar.close}, volume ${bar.volume}); prices must be finite and > 0 with low <= open, close <= high.`,
    );
  }
  const isFirstBar = account.markPrice === 0 && bar.openTimeMs === account.lastBarOpenTimeMs;
  if (!(bar.openTimeMs > account.lastBarOpenTimeMs) && !isFirstBar) {
    throw new RangeError(
      `Bar at ${bar.openTimeMs} is not newer than the account's last bar at ${account.lastBarOpenTimeMs}; ` +
        "each bar may be applied once, in order.",
    );
  }
}

function settleFunding(context: FillContext, fundingRateAt?: (timeMs: number) => number): void {
  const { account, costs, events } = context;
  const interval = costs.fundingIntervalMs;
  if (!(interval > 0))
    throw new RangeError(`fundingIntervalMs must be > 0, got ${interval}; fix the cost model.`);
  let timeMs = (Math.floor(account.lastBarOpenTimeMs / interval) + 1) * interval;
  for (; timeMs <= context.timeMs; timeMs += interval) {
    const settled = fundingRateAt === undefined ? Number.NaN : fundingRateAt(timeMs);
    const rate = Number.isFinite(settled) ? settled : costs.fundingRatePerInterval;
    const amountUsd = account.positionQty * account.markPrice * rate + 0;
    account.balanceUsd -= amountUsd;
    account.fundingUsd += amountUsd;
    const { positionQty, markPrice } = account;
    events.push({ kind: "funding", timeMs, rate, positionQty, markPrice, amountUsd });
  }
}

/** A module function and not a closure: the build names every closure anew each time the line runs. */
function isBeyond(isLong: boolean, level: number, price: number): boolean {
  return level > 0 && (isLong ? price <= level : price >= level);
}

/** Stop and liquidation are market orders against the whole book: volume participation does not limit them. */
function exitInsideBar(context: FillContext, bar: Candle): void {
  const { account, costs } = context;
  const isLong = account.positionQty > 0;
  const liquidation = liquidationPrice(account, costs);
  const stop = account.stopPrice;
  const extreme = isLong ? bar.low : bar.high;

  let isLiquidation: boolean;
  let referencePrice: number;
  if (isBeyond(isLong, liquidation, bar.open)) {
    isLiquidation = true;
    referencePrice = bar.open;
  } else if (isBeyond(isLong, stop, bar.open)) {
    isLiquidation = false;
    referencePrice = bar.open;
  } else {
    const isStopHit = isBeyond(isLong, stop, extreme);
    const isLiquidationHit = isBeyond(isLong, liquidation, extreme);
    if (!isStopHit && !isLiquidationHit) return;
    const isLiquidationNearer = isLong ? liquidation >= stop : liquidation <= stop;
    isLiquidation = isLiquidationHit && (!isStopHit || isLiquidationNearer);
    referencePrice = isLiquidation ? liquidation : stop;
  }
  const qty = -account.positionQty;
  bookLeg(context, {
    reason: isLiquidation ? "liquidation" : "stop",
    clientOrderId: `${isLiquidation ? "liquidation" : "stop"}-${bar.openTimeMs}`,
    qty,
    price: marketFillPrice(referencePrice, isLong ? -1 : 1, context),
    referencePrice,
    feeBps: costs.takerFeeBps + (isLiquidation ? costs.liquidationFeeBps : 0),
  });
  if (isLiquidation) account.liquidations += 1;
}
