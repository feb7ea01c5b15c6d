import type { Sharpe } from "./returns";

/** Everything that follows from trades and equity alone: worker and server compute it with one function. */
export interface TradeSummary {
  bars: number;
  fromMs: number;
  toMs: number;
  initialEquityUsd: number;
  finalEquityUsd: number;
  /** After fees, slippage and funding; includes the mark of a position still open. */
  netPnlUsd: number;
  netReturnFraction: number;
  /** Closed trades; the one still open at the end does not count. */
  tradeCount: number;
  /** Closed trades with positive net PnL over closed trades; 0 without trades. */
  winRate: number;
  averageWinUsd: number;
  averageLossUsd: number;
  maxDrawdownFraction: number;
  sharpe: Sharpe;
  turnover: {
    tradedNotionalUsd: number;
    /** Traded notional over mean equity: how many times the account was turned over. */
    timesMeanEquity: number;
  };
  costs: { feesUsd: number; slippageUsd: number; fundingUsd: number };
  exposureByInstrument: Record<string, Exposure>;
  stops: number;
  liquidations: number;
}

/** Fractions of bars by the position held at their close; they sum to 1. */
export interface Exposure {
  longFraction: number;
  shortFraction: number;
  flatFraction: number;
  /** Mean of qty · entry price over the bars with a position; 0 when always flat. */
  meanNotionalUsd: number;
}

/** Shares of decisions by action; they sum to 1. */
export interface ActionMix {
  short: number;
  flat: number;
  long: number;
}

export const BASELINE_NAMES = ["flat", "buyAndHold", "momentum", "random"] as const;
export type BaselineName = (typeof BASELINE_NAMES)[number];

export interface BaselineReport extends TradeSummary {
  actionMix: ActionMix;
  /** The rule in one sentence. */
  rule: string;
}

/** What an evaluation says, as plain JSON. */
export interface EvaluationReport extends TradeSummary {
  reportVersion: 1;
  symbol: string;
  environmentHash: string;
  costModelId: string;
  actionMix: ActionMix;
  /** Mean policy entropy in nats, where the policy gives probabilities. */
  entropy: number | null;
  baselines: Record<BaselineName, BaselineReport>;
}
