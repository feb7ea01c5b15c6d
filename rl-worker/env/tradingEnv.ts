import { initialAccount, portfolioObservation } from "../../lib/broker/account";
import type { AccountState } from "../../lib/broker/types";
import { ln } from "../../lib/core/math";
import { createPrng } from "../../lib/core/prng";
import { PORTFOLIO_FIELDS, writeObservation } from "../../lib/features/observation";
import type { Normaliser } from "../../lib/features/types";
import { ACTION_COUNT, stepBar } from "./barStep";
import { assertEnvSpec, type EnvSpec } from "./envSpec";
import { createBarReader, type MarketData, usableRange } from "./marketData";
import type { Env, StepResult } from "./types";

/** The last step's reward, term by term; reward = growth − drawdown − turnover. */
export interface RewardTerms {
  growth: number;
  drawdown: number;
  turnover: number;
}

export interface TradingEnv extends Env {
  /** The account at the close of the current row. */
  account(): Readonly<AccountState>;
  /** The current row: the bar whose close the next action is decided on. */
  row(): number;
  lastTerms(): Readonly<RewardTerms>;
}

export interface TradingEnvOptions extends MarketData {
  normaliser: Normaliser;
  spec: EnvSpec;
  /** Training range; see `usableRange` for the defaults. */
  fromRow?: number;
  toRow?: number;
  /** Settled funding rates by settlement time; the cost model's rate where it answers NaN. */
  fundingRateAt?: (timeMs: number) => number;
}

interface Snapshot {
  version: 1;
  row: number;
  lastRow: number;
  account: AccountState;
  terms: RewardTerms;
}

/** Below this share of the initial balance equity counts as this share, so that ruin has a finite reward. */
const LOG_EQUITY_FLOOR = 1e-4;

/**
 * The training environment of docs/environment.md. An episode starts at a row drawn from the range by the seed,
 * with a flat account, and ends after `spec.episodeBars` bars (truncated), at the end of the range (truncated),
 * or by liquidation or ruin (terminated).
 * Throws on data that do not belong together and on an unusable spec.
 */
export function createTradingEnv(options: TradingEnvOptions): TradingEnv {
  const { candles, features, atr, normaliser, spec, fundingRateAt } = options;
  assertEnvSpec(spec);
  const range = usableRange(options, options.fromRow, options.toRow);
  const readBar = createBarReader(candles);
  const steps = Math.min(spec.episodeBars, range.toRow - range.fromRow - 1);
  const startCount = range.toRow - range.fromRow - steps;
  const floorUsd = spec.initialBalanceUsd * LOG_EQUITY_FLOOR;
  const ruinUsd = spec.initialBalanceUsd * spec.ruinEquityFraction;

  let row = -1;
  let lastRow = -1;
  let account = initialAccount(spec.initialBalanceUsd, 0);
  let terms: RewardTerms = { growth: 0, drawdown: 0, turnover: 0 };

  function reset(seed: number): void {
    row = range.fromRow + createPrng(seed).nextInt(startCount);
    lastRow = row + steps;
    account = initialAccount(spec.initialBalanceUsd, candles.openTimeMs[row]!);
    terms = { growth: 0, drawdown: 0, turnover: 0 };
  }

  function step(action: number): StepResult {
    if (row < 0) throw new Error("The environment has no episode; call reset(seed) before step.");
    if (row >= lastRow) throw new Error("The episode is over; call reset(seed) before the next step.");
    const before = account;
    account = stepBar(spec, {
      account: before,
      action,
      referencePrice: candles.close[row]!,
      atr: atr[row]!,
      nextBar: readBar(row + 1),
      clientOrderId: "env",
      fundingRateAt,
    }).account;
    row += 1;
    terms = rewardTerms(before, account);
    const terminated = account.liquidations > before.liquidations || account.equityUsd <= ruinUsd;
    const truncated = !terminated && row >= lastRow;
    if (terminated) lastRow = row;
    return { reward: terms.growth - terms.drawdown - terms.turnover, terminated, truncated };
  }

  function rewardTerms(before: AccountState, after: AccountState): RewardTerms {
    const equityBefore = Math.max(before.equityUsd, floorUsd);
    const growth = spec.rewardScale * ln(Math.max(after.equityUsd, floorUsd) / equityBefore);
    let drawdown = 0;
    if (spec.drawdownPenalty > 0) {
      const grown = before.equityUsd / before.peakEquityUsd - after.equityUsd / after.peakEquityUsd;
      drawdown = spec.drawdownPenalty * Math.max(0, grown);
    }
    const tradedUsd = after.tradedNotionalUsd - before.tradedNotionalUsd;
    return { growth, drawdown, turnover: (spec.turnoverPenalty * tradedUsd) / equityBefore };
  }

  return {
    observationSize: features.width + PORTFOLIO_FIELDS.length,
    actionCount: ACTION_COUNT,
    reset,
    observe(out, offset) {
      const portfolio = portfolioObservation(account);
      writeObservation(out, offset, features.values, row * features.width, normaliser, portfolio);
    },
    step,
    snapshot: (): Snapshot => ({ version: 1, row, lastRow, account: { ...account }, terms: { ...terms } }),
    restore(state) {
      const from = state as Snapshot;
      if (from?.version !== 1 || !Number.isSafeInteger(from.row) || !Number.isSafeInteger(from.lastRow)) {
        throw new Error("Not a snapshot of this environment (version 1); restore one made by snapshot().");
      }
      if (from.lastRow >= range.toRow) {
        throw new RangeError(
          `The snapshot ends at row ${from.lastRow}, outside this data (${range.toRow} rows).`,
        );
      }
      row = from.row;
      lastRow = from.lastRow;
      account = { ...from.account };
      terms = { ...from.terms };
    },
    account: () => account,
    row: () => row,
    lastTerms: () => terms,
  };
}
