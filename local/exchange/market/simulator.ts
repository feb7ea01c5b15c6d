import type { Candle } from "../../../lib/market/types";
import { CONTRACTS } from "./contracts";
import { GoldIndex } from "./goldIndex";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "./hours";
import { InstrumentMarket } from "./instrumentMarket";
import { nameKey } from "./noise";

/** Klines the venue serves. Weeks and months are left out: nothing here asks for them. */
export const INTERVALS: Readonly<Record<string, number>> = {
  "1m": MINUTE_MS,
  "3m": 3 * MINUTE_MS,
  "5m": 5 * MINUTE_MS,
  "15m": 15 * MINUTE_MS,
  "30m": 30 * MINUTE_MS,
  "1h": HOUR_MS,
  "2h": 2 * HOUR_MS,
  "4h": 4 * HOUR_MS,
  "6h": 6 * HOUR_MS,
  "8h": 8 * HOUR_MS,
  "12h": 12 * HOUR_MS,
  "1d": DAY_MS,
};

export const FUNDING_INTERVAL_MS = 8 * HOUR_MS;

export interface FundingRate {
  fundingTimeMs: number;
  rate: number;
}

/** The whole simulated market: a pure function of (seed, symbol, time). It holds caches, and no state that matters. */
export class MarketSimulator {
  readonly index: GoldIndex;
  private readonly markets = new Map<string, InstrumentMarket>();

  constructor(
    readonly seed: number,
    readonly historyStartMs: number,
  ) {
    this.index = new GoldIndex(seed);
    for (const contract of CONTRACTS) {
      this.markets.set(contract.symbol, new InstrumentMarket(seed, this.index, contract));
    }
  }

  market(symbol: string): InstrumentMarket {
    const market = this.markets.get(symbol);
    if (!market) throw new RangeError(`no contract "${symbol}" on the simulated exchange`);
    return market;
  }

  /** The 1m bar that opens at `openTimeMs` as seen at `nowMs`: closed, forming, or null (shut, before history, in the future). */
  minuteBar(symbol: string, openTimeMs: number, nowMs: number): Candle | null {
    if (openTimeMs < this.historyStartMs || openTimeMs > nowMs) return null;
    const market = this.market(symbol);
    return openTimeMs + MINUTE_MS <= nowMs ? market.closedBar(openTimeMs) : market.formingBar(nowMs);
  }

  /** The bar of any interval as seen at `nowMs`, aggregated from minutes; null when none of its minutes traded. */
  bar(symbol: string, intervalMs: number, openTimeMs: number, nowMs: number): Candle | null {
    if (intervalMs === MINUTE_MS) return this.minuteBar(symbol, openTimeMs, nowMs);
    let bar: Candle | null = null;
    const end = Math.min(openTimeMs + intervalMs, nowMs + 1);
    for (let at = openTimeMs; at < end; at += MINUTE_MS) {
      const minute = this.minuteBar(symbol, at, nowMs);
      if (!minute) continue;
      if (!bar) bar = { ...minute, openTimeMs };
      else {
        bar.high = Math.max(bar.high, minute.high);
        bar.low = Math.min(bar.low, minute.low);
        bar.close = minute.close;
        bar.volume += minute.volume;
      }
    }
    return bar;
  }

  /** The latest bar at or before `nowMs`; looks back over a weekend. Null only before history. */
  lastBar(symbol: string, nowMs: number): Candle | null {
    const from = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
    for (let back = 0; back <= 5 * DAY_MS; back += MINUTE_MS) {
      const bar = this.minuteBar(symbol, from - back, nowMs);
      if (bar) return bar;
    }
    return null;
  }

  /** Gold index price. */
  indexPrice(symbol: string, nowMs: number): number {
    return this.market(symbol).toTick(Math.exp(this.index.logPriceAt(nowMs)));
  }

  /** Index plus the slow basis: what liquidations would be measured against. */
  markPrice(symbol: string, nowMs: number): number {
    const market = this.market(symbol);
    return market.toTick(Math.exp(this.index.logPriceAt(nowMs) + market.basisBps(nowMs) / 1e4));
  }

  /** Open contracts in units of the instrument: ten hours of usual volume, breathing over a day and a half and over five days. */
  openInterest(symbol: string, nowMs: number): number {
    const { contract } = this.market(symbol);
    const phase = nameKey(symbol) % 7;
    const wave = (periodHours: number) => Math.sin((2 * Math.PI * nowMs) / (periodHours * HOUR_MS) + phase);
    return contract.minuteVolume * 600 * Math.exp(0.15 * wave(37) + 0.1 * wave(127));
  }

  /** The rate settled at `fundingTimeMs`: a tenth of the interval's mean premium plus 1 bp interest, within +-5 bps. */
  fundingRate(symbol: string, fundingTimeMs: number): FundingRate {
    const market = this.market(symbol);
    let premiumBps = 0;
    for (let hour = 0; hour < 8; hour++)
      premiumBps += market.basisBps(fundingTimeMs - hour * HOUR_MS - 1) / 8;
    const rate = Math.max(-5, Math.min(5, premiumBps / 10 + 1)) / 1e4;
    return { fundingTimeMs, rate: Math.round(rate * 1e8) / 1e8 };
  }
}
