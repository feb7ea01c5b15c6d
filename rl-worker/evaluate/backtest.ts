import { initialAccount, portfolioObservation } from "../../lib/broker/account";
import type { AccountState, BrokerEvent } from "../../lib/broker/types";
import { PORTFOLIO_FIELDS, writeObservation } from "../../lib/features/observation";
import type { Normaliser } from "../../lib/features/types";
import { type Trade, tradesFromEvents } from "../../lib/stats/trades";
import { stepBar } from "../env/barStep";
import { assertEnvSpec, type EnvSpec } from "../env/envSpec";
import { createBarReader, type MarketData, usableRange } from "../env/marketData";
import { RewardMeter, type RewardTerms } from "../env/reward";

export interface BacktestInput extends MarketData {
  normaliser: Normaliser;
  spec: EnvSpec;
  /** First decision row; default: the first usable one. */
  fromRow?: number;
  /** Row after the last bar; default: all. */
  toRow?: number;
  /**
   * Action index for the close of `row`: 0 short, 1 flat, 2 long; null holds (no order). `observation` is reused between calls; copy
   * what is kept. It was built exactly as in training.
   */
  decide(observation: Float32Array, row: number): number | null;
  fundingRateAt?: (timeMs: number) => number;
  /** Also keep every step's reward terms. */
  withRewardTerms?: boolean;
}

export interface BacktestResult {
  /** Ascending; a position still open at the end is last, marked at the last close, `exitReason` "open". */
  trades: Trade[];
  /** Equity at each bar's close; [0] is the deposit at the first decision bar. */
  equityUsd: Float64Array;
  /** Open times of the same bars. */
  openTimesMs: Float64Array;
  /** actions[i] was decided at the close of bar i, the position then held for a hold; one fewer than bars. */
  actions: Uint8Array;
  account: AccountState;
  events: BrokerEvent[];
  /** On request: rewardTerms[i] belongs to actions[i]. */
  rewardTerms?: RewardTerms[];
}

/**
 * Replays rows [fromRow, toRow) with one decision per closed bar, through the same `stepBar` as training. There
 * is no episode limit and no ruin limit: an emptied account stays at zero to the end.
 * Throws on unusable data, spec or action.
 */
export function runBacktest(input: BacktestInput): BacktestResult {
  const { candles, features, atr, normaliser, spec, fundingRateAt } = input;
  assertEnvSpec(spec);
  const { fromRow, toRow } = usableRange(input, input.fromRow, input.toRow);
  const readBar = createBarReader(candles);
  const bars = toRow - fromRow;
  const equityUsd = new Float64Array(bars);
  const actions = new Uint8Array(bars - 1);
  const events: BrokerEvent[] = [];
  const observation = new Float32Array(features.width + PORTFOLIO_FIELDS.length);
  const account = initialAccount(spec.initialBalanceUsd, candles.openTimeMs[fromRow]!);
  equityUsd[0] = account.equityUsd;
  const meter = input.withRewardTerms ? new RewardMeter(spec) : null;
  const rewardTerms: RewardTerms[] = [];
  for (let row = fromRow; row < toRow - 1; row++) {
    const portfolio = portfolioObservation(account);
    writeObservation(observation, 0, features.values, row * features.width, normaliser, portfolio);
    const action = input.decide(observation, row);
    actions[row - fromRow] = action ?? portfolio.position + 1;
    meter?.before(account);
    stepBar(spec, {
      account,
      events,
      action,
      referencePrice: candles.close[row]!,
      atr: atr[row]!,
      nextBar: readBar(row + 1),
      orderPrefix: "backtest",
      fundingRateAt,
    });
    if (meter !== null) {
      meter.after(account);
      rewardTerms.push({ ...meter.terms });
    }
    equityUsd[row - fromRow + 1] = account.equityUsd;
  }
  const openTimesMs = candles.openTimeMs.slice(fromRow, toRow);
  const mark = { markPrice: account.markPrice, timeMs: openTimesMs[bars - 1]! };
  const trades = tradesFromEvents(events, mark);
  const result: BacktestResult = { trades, equityUsd, openTimesMs, actions, account, events };
  if (meter !== null) result.rewardTerms = rewardTerms;
  return result;
}
