import type { SessionCalendar } from "../market/types";

/**
 * The one kernel of money (invariant 1). Training environment, evaluation and the paper venue call the
 * same `advanceBar`; nothing else may compute a fill, a fee, a funding payment or a liquidation.
 */

/** Which part of a measured distribution a fill pays; `sampled` draws it from a hash of the bar's open time. */
export type CostCharge = "p50" | "p90" | "sampled";

/** Half the quoted spread in bps by hour of the day (UTC): 24 numbers a quantile. */
export interface HourlySpread {
  p50Bps: number[];
  p90Bps: number[];
  p99Bps?: number[];
  /** Kept for the reader where the source gives it; never charged. */
  meanBps?: number[];
}

/** One step of the venue's risk table; the first whose limit is not below the notional applies. */
export interface MarginTier {
  upToNotionalUsd: number;
  maintenanceMarginRate: number;
  maxLeverage: number;
}

/**
 * Dated, versioned cost table; its hash is part of every provenance. All bps are of traded notional. Optional
 * parts came later: a table without them charges exactly what it always did.
 */
export interface CostModel {
  id: string;
  takerFeeBps: number;
  makerFeeBps: number;
  /** Half the quoted spread, paid on every market fill; where `spread` is given, its mean over the day. */
  halfSpreadBps: number;
  /** Impact paid beyond the half spread on every market fill (the median, where `slippageP90Bps` is given). */
  slippageBps: number;
  slippageP90Bps?: number;
  spread?: HourlySpread;
  /** Default p50. */
  charge?: CostCharge;
  /** Delay from a bar's close to the fill; above `degradeAboveMs` a fill pays at least `slippageP90Bps` (S2-11). */
  latency?: { p50Ms: number; p90Ms: number; degradeAboveMs: number };
  fundingIntervalMs: number;
  /** Used where no settled rate is given; positive means longs pay shorts. */
  fundingRatePerInterval: number;
  maintenanceMarginRate: number;
  /** Ascending; without it `maintenanceMarginRate` and the instrument's leverage hold at every size. */
  marginTiers?: MarginTier[];
  liquidationFeeBps: number;
  /** A fill takes at most this fraction of the bar's volume; 1 disables partial fills. */
  maxVolumeParticipation: number;
}

export interface InstrumentRules {
  symbol: string;
  tickSize: number;
  lotStep: number;
  minQty: number;
  minNotionalUsd: number;
  maxLeverage: number;
}

/** A market order waiting for the next bar's open. `qty` is signed: positive buys. */
export interface PendingOrder {
  clientOrderId: string;
  qty: number;
  reduceOnly: boolean;
  /** Protective stop to hold once the position is open; 0 for none (only when the order closes). */
  stopPrice: number;
}

/** Plain numbers only, so that it stores as a Convex document and copies cheaply. */
export interface AccountState {
  /** Realised cash: deposits + realised PnL - fees - funding. */
  balanceUsd: number;
  /** Signed position in base units; 0 when flat. */
  positionQty: number;
  /** Average entry price; 0 when flat. */
  entryPrice: number;
  /** Protective stop; 0 when none. */
  stopPrice: number;
  /** Last mark (close of the last bar). */
  markPrice: number;
  equityUsd: number;
  peakEquityUsd: number;
  barsHeld: number;
  lastBarOpenTimeMs: number;
  realisedPnlUsd: number;
  feesUsd: number;
  /** Spread and slippage against the bar's open (or the stop price), as money. */
  slippageUsd: number;
  /** Positive = paid. */
  fundingUsd: number;
  tradedNotionalUsd: number;
  liquidations: number;
}

export type FillReason = "order" | "stop" | "liquidation";

export interface FillEvent {
  kind: "fill";
  reason: FillReason;
  clientOrderId: string;
  timeMs: number;
  qty: number;
  price: number;
  referencePrice: number;
  feeUsd: number;
  slippageUsd: number;
  realisedPnlUsd: number;
  positionQtyAfter: number;
}

export interface FundingEvent {
  kind: "funding";
  timeMs: number;
  rate: number;
  positionQty: number;
  markPrice: number;
  /** Positive = paid by this account. */
  amountUsd: number;
}

/** An order, or the rest of one, that did not fill on its bar: cancelled, never carried over. */
export interface CancelEvent {
  kind: "cancel";
  clientOrderId: string;
  timeMs: number;
  unfilledQty: number;
  reason: "partial" | "reduceOnlyFlat" | "insufficientMargin" | "invalid";
}

export type BrokerEvent = FillEvent | FundingEvent | CancelEvent;

export interface AdvanceResult {
  account: AccountState;
  events: BrokerEvent[];
}

/** No position over closed hours of at least `minClosedMs`, and none from `flattenBeforeMs` before they begin. */
export interface SessionCloseRule {
  calendar: SessionCalendar;
  /** Length of the decision bars: a decision is taken at their close. */
  barMs: number;
  flattenBeforeMs: number;
  minClosedMs: number;
}

/** How a target position becomes a quantity. Part of the environment hash. */
export interface SizingSpec {
  /** Target notional as a multiple of equity, e.g. 1 = unlevered. */
  positionFraction: number;
  /** Stop distance in ATR(14) of the decision bar; must be > 0. */
  stopAtrMultiple: number;
  /** Be flat over the market's closed hours; without it positions are held through them. */
  sessionClose?: SessionCloseRule;
}
