import { initialAccount, portfolioObservation } from "../../lib/broker/account";
import type { AccountState, BrokerEvent } from "../../lib/broker/types";
import { createPrng } from "../../lib/core/prng";
import { PORTFOLIO_FIELDS, writeFeatures, writePortfolio } from "../../lib/features/observation";
import type { Normaliser } from "../../lib/features/types";
import type { CandleColumns } from "../../lib/market/types";
import { ACTION_COUNT, stepBar } from "./barStep";
import { assertEnvSpec, type EnvSpec } from "./envSpec";
import { createBarReader, type MarketData, type RowRange, usableRange } from "./marketData";
import { RewardMeter, type RewardTerms } from "./reward";
import type { Env, StepResult } from "./types";

export interface TradingEnv extends Env {
  /** The account at the close of the current row: a live view that every step moves; copy what is kept. */
  account(): Readonly<AccountState>;
  /** The current row: the bar whose close the next action is decided on. */
  row(): number;
  /** The last step's reward, term by term: a live view. */
  lastTerms(): Readonly<RewardTerms>;
  /** Sums of the terms since the episode began. */
  episodeTerms(): RewardTerms;
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
  version: 2;
  row: number;
  lastRow: number;
  account: AccountState;
  terms: RewardTerms;
  episodeTerms: RewardTerms;
}

/**
 * The training environment of docs/environment.md. An episode starts at a row drawn from the range by the seed,
 * with a flat account, and ends after `spec.episodeBars` bars (truncated), at the end of the range (truncated),
 * or by liquidation or ruin (terminated).
 * Throws on data that do not belong together and on an unusable spec.
 */
export function createTradingEnv(options: TradingEnvOptions): TradingEnv {
  return tradingEnvFactory(options)();
}

/** Makes any number of environments over one market, which is checked and normalised once for all of them. */
export function tradingEnvFactory(options: TradingEnvOptions): () => TradingEnv {
  const market = prepareMarket(options);
  return () => buildEnv(market);
}

/** The same environments for trainers with several threads, which share one copy of the market. */
export function tradingEnvSource(options: TradingEnvOptions) {
  const market = prepareMarket(options);
  return { makeEnv: () => buildEnv(market), envSource: { moduleUrl: import.meta.url, data: market } };
}

/** What a training thread imports: `data` is that of `tradingEnvSource`. */
export function makeEnvs(data: unknown): () => TradingEnv {
  return () => buildEnv(data as Market);
}

/** What all environments of a run read and none changes: plain data over memory that threads can share. */
interface Market {
  candles: CandleColumns;
  atr: Float64Array;
  range: RowRange;
  /** The market part of every observation in the range, row by row. */
  observed: Float32Array;
  width: number;
  clip: number;
  spec: EnvSpec;
  /** Settled rate of each settlement from `firstSettlementMs` on; NaN where the cost model's rate holds. */
  fundingRates: Float64Array;
  firstSettlementMs: number;
}

function prepareMarket(options: TradingEnvOptions): Market {
  const { candles, features, atr, normaliser, spec, fundingRateAt } = options;
  assertEnvSpec(spec);
  const range = usableRange(options, options.fromRow, options.toRow);
  const { width, values } = features;
  const { fromRow, toRow } = range;
  const observed = new Float32Array(new SharedArrayBuffer((toRow - fromRow) * width * 4));
  for (let row = fromRow; row < toRow; row++) {
    writeFeatures(observed, (row - fromRow) * width, values, row * width, normaliser);
  }
  const { openTimeMs, open, high, low, close, volume } = candles;
  const interval = spec.costs.fundingIntervalMs;
  const firstSettlementMs = Math.ceil(openTimeMs[fromRow]! / interval) * interval;
  const settlements = Math.floor((openTimeMs[toRow - 1]! - firstSettlementMs) / interval) + 1;
  const fundingRates = floats(fundingRateAt ? settlements : 0);
  for (let i = 0; i < fundingRates.length; i++) {
    fundingRates[i] = fundingRateAt!(firstSettlementMs + i * interval);
  }
  return {
    candles: {
      ...{ openTimeMs: shared(openTimeMs), open: shared(open), high: shared(high) },
      ...{ low: shared(low), close: shared(close), volume: shared(volume) },
    },
    atr: shared(atr),
    ...{ range, observed, width, clip: normaliser.clip, spec, fundingRates, firstSettlementMs },
  };
}

const floats = (count: number) => new Float64Array(new SharedArrayBuffer(count * 8));

function shared(values: Float64Array): Float64Array {
  const copy = floats(values.length);
  copy.set(values);
  return copy;
}

function buildEnv(market: Market): TradingEnv {
  const { candles, atr, range, observed, width, clip, spec, fundingRates, firstSettlementMs } = market;
  const { fundingIntervalMs } = spec.costs;
  const fundingRateAt =
    fundingRates.length === 0
      ? undefined
      : (timeMs: number) => fundingRates[(timeMs - firstSettlementMs) / fundingIntervalMs] ?? Number.NaN;
  const readBar = createBarReader(candles);
  const steps = Math.min(spec.episodeBars, range.toRow - range.fromRow - 1);
  const startCount = range.toRow - range.fromRow - steps;
  const ruinUsd = spec.initialBalanceUsd * spec.ruinEquityFraction;

  let row = -1;
  let lastRow = -1;
  let account = initialAccount(spec.initialBalanceUsd, 0);
  const meter = new RewardMeter(spec);
  const { terms } = meter;
  const episodeTerms: RewardTerms = { ...terms };
  // Nobody reads the events of training; the array is emptied on every step so that it never grows.
  const events: BrokerEvent[] = [];

  function reset(seed: number): void {
    row = range.fromRow + createPrng(seed).nextInt(startCount);
    lastRow = row + steps;
    account = initialAccount(spec.initialBalanceUsd, candles.openTimeMs[row]!);
    meter.clear();
    Object.assign(episodeTerms, terms);
  }

  function step(action: number): StepResult {
    if (row < 0) throw new Error("The environment has no episode; call reset(seed) before step.");
    if (row >= lastRow) throw new Error("The episode is over; call reset(seed) before the next step.");
    const { liquidations } = account;
    meter.before(account);
    if (events.length > 0) events.length = 0;
    stepBar(spec, {
      account,
      events,
      action,
      referencePrice: candles.close[row]!,
      atr: atr[row]!,
      nextBar: readBar(row + 1),
      orderPrefix: "env",
      fundingRateAt,
    });
    row += 1;
    const reward = meter.after(account);
    episodeTerms.price += terms.price;
    episodeTerms.fees += terms.fees;
    episodeTerms.slippage += terms.slippage;
    episodeTerms.funding += terms.funding;
    episodeTerms.drawdown += terms.drawdown;
    episodeTerms.turnover += terms.turnover;
    episodeTerms.holding += terms.holding;
    const terminated = account.liquidations > liquidations || account.equityUsd <= ruinUsd;
    const truncated = !terminated && row >= lastRow;
    if (terminated) lastRow = row;
    return { reward, terminated, truncated };
  }

  return {
    observationSize: width + PORTFOLIO_FIELDS.length,
    observationLimit: clip,
    actionCount: ACTION_COUNT,
    reset,
    observe(out, offset) {
      const from = (row - range.fromRow) * width;
      // One by one: a view to copy from would be garbage of every step.
      for (let i = 0; i < width; i++) out[offset + i] = observed[from + i]!;
      writePortfolio(out, offset + width, portfolioObservation(account), clip);
    },
    step,
    snapshot: (): Snapshot => ({
      ...{ version: 2, row, lastRow },
      ...{ account: { ...account }, terms: { ...terms }, episodeTerms: { ...episodeTerms } },
    }),
    restore(state) {
      const from = state as Snapshot;
      if (from?.version !== 2 || !Number.isSafeInteger(from.row) || !Number.isSafeInteger(from.lastRow)) {
        throw new Error("Not a snapshot of this environment (version 2); restore one made by snapshot().");
      }
      if (from.lastRow >= range.toRow) {
        throw new RangeError(
          `The snapshot ends at row ${from.lastRow}, outside this data (${range.toRow} rows).`,
        );
      }
      row = from.row;
      lastRow = from.lastRow;
      account = { ...from.account };
      Object.assign(terms, from.terms);
      Object.assign(episodeTerms, from.episodeTerms);
    },
    account: () => account,
    row: () => row,
    lastTerms: () => terms,
    episodeTerms: () => ({ ...episodeTerms }),
  };
}
