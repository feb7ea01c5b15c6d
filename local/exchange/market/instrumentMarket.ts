import type { Candle } from "../../../lib/market/types";
import type { SimulatedContract } from "./contracts";
import { type GoldIndex, TYPICAL_MINUTE_VOLATILITY } from "./goldIndex";
import { DAY_MS, HOUR_MS, isTrading, MINUTE_MS } from "./hours";
import { createNoise, nameKey } from "./noise";

const SECONDS = 60;
const BASIS_AR = 0.96;
const BASIS_BURN_IN_HOURS = 120;
const KEY = { path: 11, trade: 12, volume: 13, basis: 14 } as const;
/** Days of bars kept in memory: 60 KB each. */
const CACHED_DAYS = 400;

interface BarDay {
  /** open, high, low, close, volume of 1440 minutes, one after the other; NaN opens where the market is closed. */
  values: Float64Array;
}

/** Minute bars of one simulated contract: the index, its wandering basis, and the bounce of single trades. */
export class InstrumentMarket {
  private readonly days = new Map<number, BarDay>();
  private readonly basisDays = new Map<number, Float64Array>();
  private readonly key: number;
  private readonly scale: number;
  private readonly lots: number;

  constructor(
    private readonly seed: number,
    private readonly index: GoldIndex,
    readonly contract: SimulatedContract,
  ) {
    this.key = nameKey(contract.symbol);
    this.scale = 10 ** contract.pricePrecision;
    this.lots = 10 ** contract.quantityPrecision;
  }

  /** The closed bar of a minute, or null when the market is shut then. */
  closedBar(openTimeMs: number): Candle | null {
    const dayStartMs = Math.floor(openTimeMs / DAY_MS) * DAY_MS;
    const { values } = this.day(dayStartMs);
    const at = ((openTimeMs - dayStartMs) / MINUTE_MS) * 5;
    if (Number.isNaN(values[at]!)) return null;
    return {
      openTimeMs,
      open: values[at]!,
      high: values[at + 1]!,
      low: values[at + 2]!,
      close: values[at + 3]!,
      volume: values[at + 4]!,
    };
  }

  /** The bar of the minute of `nowMs` as it stands then: a true prefix of what it will be when it closes. */
  formingBar(nowMs: number): Candle | null {
    const openTimeMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
    return this.makeBar(openTimeMs, Math.floor((nowMs - openTimeMs) / 1000));
  }

  /** Premium over the index in bps at a time, without the bounce of trades. */
  basisBps(timeMs: number): number {
    const dayStartMs = Math.floor(timeMs / DAY_MS) * DAY_MS;
    const hours = this.basisDay(dayStartMs);
    const at = (timeMs - dayStartMs) / HOUR_MS;
    const hour = Math.floor(at);
    return hours[hour]! + (hours[hour + 1]! - hours[hour]!) * (at - hour);
  }

  /** Rounds a price to the contract's tick. */
  toTick(price: number): number {
    return Math.round(price * this.scale) / this.scale;
  }

  private day(dayStartMs: number): BarDay {
    const held = this.days.get(dayStartMs);
    if (held) return held;
    const values = new Float64Array(1440 * 5).fill(Number.NaN);
    for (let minute = 0; minute < 1440; minute++) {
      const bar = this.makeBar(dayStartMs + minute * MINUTE_MS, SECONDS - 1);
      if (bar) values.set([bar.open, bar.high, bar.low, bar.close, bar.volume], minute * 5);
    }
    if (this.days.size >= CACHED_DAYS) this.days.delete(this.days.keys().next().value!);
    const made = { values };
    this.days.set(dayStartMs, made);
    return made;
  }

  /** Walks the seconds 0..lastSecond of a minute: a Brownian bridge on the index, shared by all contracts, plus own noise. */
  private makeBar(openTimeMs: number, lastSecond: number): Candle | null {
    if (!isTrading(this.contract.calendar, openTimeMs)) return null;
    const dayStartMs = Math.floor(openTimeMs / DAY_MS) * DAY_MS;
    const minute = (openTimeMs - dayStartMs) / MINUTE_MS;
    const indexDay = this.index.day(dayStartMs);
    const minuteNumber = openTimeMs / MINUTE_MS;
    const pathNoise = createNoise(this.seed, KEY.path, minuteNumber);
    const tradeNoise = createNoise(this.seed, KEY.trade, this.key, minuteNumber);
    const volumeNoise = createNoise(this.seed, KEY.volume, this.key, minuteNumber);
    const sd = indexDay.minuteVolatility[minute]!;
    const perSecond = sd / Math.sqrt(SECONDS);
    const end = indexDay.logPrice[minute + 1]!;
    const basis = this.basisBps(openTimeMs) / 1e4;
    const bounce = this.contract.tradeNoiseBps / 1e4;
    const activity = volumeNoise.gaussian();

    let log = indexDay.logPrice[minute]!;
    let [open, high, low, close] = [0, 0, 0, 0];
    let done = 0;
    let total = 0;
    for (let second = 0; second < SECONDS; second++) {
      const weight = -Math.log(volumeNoise.uniform());
      total += weight;
      if (second > lastSecond) continue;
      done += weight;
      const price = this.toTick(Math.exp(log + basis + bounce * tradeNoise.gaussian()));
      if (second === 0) [open, high, low] = [price, price, price];
      high = Math.max(high, price);
      low = Math.min(low, price);
      close = price;
      const left = SECONDS - second;
      log += (end - log) / left + perSecond * Math.sqrt((left - 1) / left) * pathNoise.gaussian();
    }
    const move = Math.abs(end - indexDay.logPrice[minute]!) / sd;
    const expected =
      this.contract.minuteVolume * (sd / TYPICAL_MINUTE_VOLATILITY) ** 1.3 * (0.7 + 0.4 * move);
    const volume = (expected * Math.exp(0.5 * activity - 0.125) * done) / total;
    return {
      openTimeMs,
      open,
      high,
      low,
      close,
      volume: Math.max(1, Math.round(volume * this.lots)) / this.lots,
    };
  }

  private basisDay(dayStartMs: number): Float64Array {
    const held = this.basisDays.get(dayStartMs);
    if (held) return held;
    const { basisMeanBps, basisSdBps } = this.contract;
    const shock = basisSdBps * Math.sqrt(1 - BASIS_AR ** 2);
    const firstHour = dayStartMs / HOUR_MS;
    const hours = new Float64Array(25);
    let value = 0;
    for (let hour = firstHour - BASIS_BURN_IN_HOURS; hour <= firstHour + 24; hour++) {
      value = BASIS_AR * value + shock * createNoise(this.seed, KEY.basis, this.key, hour).gaussian();
      if (hour >= firstHour) hours[hour - firstHour] = basisMeanBps + value;
    }
    if (this.basisDays.size >= CACHED_DAYS) this.basisDays.delete(this.basisDays.keys().next().value!);
    this.basisDays.set(dayStartMs, hours);
    return hours;
  }
}
