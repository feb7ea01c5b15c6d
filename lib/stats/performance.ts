import type { TradeSummary } from "./reportTypes";
import type { Sharpe } from "./returns";

/** A summary as it is stored and shown: flat figures, and the annualised Sharpe beside its convention. */
export interface Performance extends Omit<TradeSummary, "fromMs" | "toMs" | "sharpe" | "turnover"> {
  sharpe: Omit<Sharpe, "annualised"> & { value: number };
  /** Traded notional over mean equity. */
  turnover: number;
  tradedNotionalUsd: number;
}

/** A summary in the stored shape: the annualised Sharpe is `value`, named by its convention. */
export function toPerformance(summary: TradeSummary): Performance {
  const { fromMs: _fromMs, toMs: _toMs, sharpe, turnover, ...rest } = summary;
  const { annualised, ...sharpeRest } = sharpe;
  return {
    ...rest,
    sharpe: { value: annualised, ...sharpeRest },
    turnover: turnover.timesMeanEquity,
    tradedNotionalUsd: turnover.tradedNotionalUsd,
  };
}
