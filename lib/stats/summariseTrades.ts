import { err, ok, type Result } from "../core/result";
import type { Exposure, TradeSummary } from "./reportTypes";
import { maxDrawdown, sharpeFromEquity } from "./returns";
import type { Trade } from "./trades";

export interface TradeRecord {
  symbol: string;
  /** Ascending, not overlapping; one still open may be last. */
  trades: readonly Trade[];
  /** Equity at each bar's close; the first value is the start, before any trade. */
  equityUsd: ArrayLike<number>;
  /** Open times of the same bars. */
  openTimesMs: ArrayLike<number>;
}

/**
 * Every figure of a report that follows from trades and equity (A-10: the server recomputes gates with this, so
 * a worker's own figures are never trusted). Throws when the series are empty or differ in length.
 */
export function summariseTrades(record: TradeRecord): TradeSummary {
  const { trades, equityUsd, openTimesMs, symbol } = record;
  const bars = equityUsd.length;
  if (bars === 0 || bars !== openTimesMs.length) {
    throw new RangeError(
      `${bars} equity values for ${openTimesMs.length} bars; give one for each, at least one.`,
    );
  }
  const closed = trades.filter((trade) => trade.exitReason !== "open");
  const wins = closed.filter((trade) => trade.pnlUsd > 0);
  const losses = closed.filter((trade) => trade.pnlUsd <= 0);
  const initialEquityUsd = equityUsd[0]!;
  const finalEquityUsd = equityUsd[bars - 1]!;
  const tradedNotionalUsd = sum(trades, (trade) => {
    const exit = trade.exitReason === "open" ? 0 : trade.exitPrice;
    return trade.qty * (trade.entryPrice + exit);
  });
  let equitySum = 0;
  for (let i = 0; i < bars; i++) equitySum += equityUsd[i]!;
  return {
    bars,
    fromMs: openTimesMs[0]!,
    toMs: openTimesMs[bars - 1]!,
    initialEquityUsd,
    finalEquityUsd,
    netPnlUsd: finalEquityUsd - initialEquityUsd,
    netReturnFraction: initialEquityUsd > 0 ? finalEquityUsd / initialEquityUsd - 1 : 0,
    tradeCount: closed.length,
    winRate: closed.length > 0 ? wins.length / closed.length : 0,
    averageWinUsd: wins.length > 0 ? sum(wins, (trade) => trade.pnlUsd) / wins.length : 0,
    averageLossUsd: losses.length > 0 ? sum(losses, (trade) => trade.pnlUsd) / losses.length : 0,
    maxDrawdownFraction: maxDrawdown(equityUsd).maxDrawdownFraction,
    sharpe: sharpeFromEquity(equityUsd, openTimesMs),
    turnover: {
      tradedNotionalUsd,
      timesMeanEquity: equitySum > 0 ? tradedNotionalUsd / (equitySum / bars) : 0,
    },
    costs: {
      feesUsd: sum(trades, (trade) => trade.feesUsd),
      slippageUsd: sum(trades, (trade) => trade.slippageUsd),
      fundingUsd: sum(trades, (trade) => trade.fundingUsd),
    },
    exposureByInstrument: { [symbol]: exposure(trades, openTimesMs) },
    stops: closed.filter((trade) => trade.exitReason === "stop").length,
    liquidations: closed.filter((trade) => trade.exitReason === "liquidation").length,
  };
}

function sum(trades: readonly Trade[], value: (trade: Trade) => number): number {
  return trades.reduce((total, trade) => total + value(trade), 0);
}

/** A trade is held at the close of every bar from its entry up to, not including, the bar of its exit. */
function exposure(trades: readonly Trade[], openTimesMs: ArrayLike<number>): Exposure {
  let long = 0;
  let short = 0;
  let notionalUsd = 0;
  let next = 0;
  for (let i = 0; i < openTimesMs.length; i++) {
    const time = openTimesMs[i]!;
    while (next < trades.length && trades[next]!.exitReason !== "open" && trades[next]!.exitTimeMs <= time)
      next += 1;
    const trade = trades[next];
    if (trade === undefined || trade.entryTimeMs > time) continue;
    if (trade.side === "long") long += 1;
    else short += 1;
    notionalUsd += trade.qty * trade.entryPrice;
  }
  const bars = openTimesMs.length;
  const held = long + short;
  return {
    longFraction: long / bars,
    shortFraction: short / bars,
    flatFraction: (bars - held) / bars,
    meanNotionalUsd: held > 0 ? notionalUsd / held : 0,
  };
}

/** Relative slack for sums of many rounded amounts. */
const MONEY_SLACK = 1e-6;

/**
 * Checks that stored trades can be true: finite, in order, each PnL follows from its prices, and together
 * they explain equity at every bar without a position and at the end. Returns the first contradiction as a sentence. A liquidation may lose less
 * than its prices say, because the balance cannot fall below zero.
 */
export function verifyTrades(record: TradeRecord): Result<true> {
  const { trades, equityUsd, openTimesMs } = record;
  for (let i = 0; i < equityUsd.length; i++) {
    if (!Number.isFinite(equityUsd[i]!)) return err(`Equity of bar ${i} is ${equityUsd[i]}.`);
    if (i > 0 && !(openTimesMs[i]! > openTimesMs[i - 1]!))
      return err(`Bar ${i} is not later than the one before.`);
  }
  let lastExitMs = Number.NEGATIVE_INFINITY;
  let totalUsd = 0;
  let scaleUsd = Math.abs(equityUsd[0] ?? 0);
  for (const [index, trade] of trades.entries()) {
    const { exitReason, exitTimeMs, side, ...rest } = trade;
    const numbers = [exitTimeMs, ...Object.values(rest)];
    if (numbers.some((value) => typeof value !== "number" || !Number.isFinite(value)) || !(trade.qty > 0)) {
      return err(`Trade ${index} holds a number that is not usable.`);
    }
    if (trade.entryTimeMs < lastExitMs || exitTimeMs < trade.entryTimeMs) {
      return err(`Trade ${index} is out of order or overlaps the one before.`);
    }
    if (exitReason === "open" && index < trades.length - 1)
      return err(`Trade ${index} is open but not the last.`);
    const sign = side === "long" ? 1 : -1;
    const grossUsd = sign * trade.qty * (trade.exitPrice - trade.entryPrice);
    const expectedUsd = grossUsd - trade.feesUsd - trade.fundingUsd;
    const slackUsd = MONEY_SLACK * (1 + trade.qty * trade.entryPrice);
    const isShortfall =
      exitReason !== "open" &&
      trade.pnlUsd > expectedUsd &&
      (equityUsd[equityUsd.length - 1] ?? 0) <= slackUsd;
    if (Math.abs(trade.pnlUsd - expectedUsd) > slackUsd && !isShortfall) {
      return err(
        `Trade ${index} claims ${trade.pnlUsd.toFixed(2)} USD; its prices and costs give ${expectedUsd.toFixed(2)}.`,
      );
    }
    lastExitMs = exitTimeMs;
    totalUsd += trade.pnlUsd;
    scaleUsd += Math.abs(trade.pnlUsd);
  }
  const changeUsd = (equityUsd[equityUsd.length - 1] ?? 0) - (equityUsd[0] ?? 0);
  if (Math.abs(changeUsd - totalUsd) > MONEY_SLACK * (1 + scaleUsd)) {
    return err(`Trades sum to ${totalUsd.toFixed(2)} USD, equity changed by ${changeUsd.toFixed(2)}.`);
  }
  const flatBar = contradictedFlatBar(record, MONEY_SLACK * (1 + scaleUsd));
  if (flatBar !== null)
    return err(`Equity of bar ${flatBar} does not follow from the trades closed by then.`);
  return ok(true);
}

/**
 * First bar without a position whose equity is not the start plus what the trades closed by then have made: a
 * smoothed equity curve would otherwise hide a drawdown.
 */
function contradictedFlatBar(record: TradeRecord, slackUsd: number): number | null {
  const { trades, equityUsd, openTimesMs } = record;
  let next = 0;
  let expectedUsd = equityUsd[0] ?? 0;
  for (let i = 0; i < equityUsd.length; i++) {
    const time = openTimesMs[i]!;
    let trade = trades[next];
    while (trade !== undefined && trade.exitReason !== "open" && trade.exitTimeMs <= time) {
      expectedUsd += trade.pnlUsd;
      next += 1;
      trade = trades[next];
    }
    const isHeld = trade !== undefined && trade.entryTimeMs <= time;
    if (!isHeld && !(Math.abs(equityUsd[i]! - expectedUsd) <= slackUsd)) return i;
  }
  return null;
}
