import { DAY_MS, HOUR_MS, isTrading, MINUTE_MS, releaseMinuteMs, volatilityProfile } from "./hours";
import { createNoise } from "./noise";

/** Name and version of the price model; two exchanges with the same model and seed print the same bars. */
export const MODEL_ID = "gold-like-v1";

const MINUTES = 1440;
/** Day 0 of the level chain. Fixed, so that a bar never depends on when the exchange was started. */
const ORIGIN_DAY = Math.floor(Date.UTC(2023, 0, 1) / DAY_MS);

const CENTRE_LOG = Math.log(2850);
/** Daily pull to the centre and daily volatility: a stationary band of about +-4.5 % (one standard deviation). */
const REVERSION_PER_DAY = 0.02;
const DAILY_VOLATILITY = 0.009;
/** Deviation of an ordinary minute's return; volume is measured against it. */
export const TYPICAL_MINUTE_VOLATILITY = DAILY_VOLATILITY / Math.sqrt(MINUTES);
/** Hourly log-volatility: AR(1) with a half life of about 23 hours, stationary deviation 0.4. */
const VOLATILITY_AR = 0.97;
const VOLATILITY_SHOCK = 0.4 * Math.sqrt(1 - VOLATILITY_AR ** 2);
const VOLATILITY_BURN_IN_HOURS = 144;
const RELEASE_PROBABILITY = 0.3;
const RELEASE_JUMP = 0.0028;

const KEY = { level: 1, volatility: 2, minute: 3, release: 4, dailyVolatility: 5 } as const;

/** One UTC day of the index. `logPrice` has 1441 points: minute starts and the next day's first. */
export interface IndexDay {
  dayStartMs: number;
  logPrice: Float64Array;
  /** Deviation of each minute's return, the volume driver and the scale of the path inside the minute. */
  minuteVolatility: Float64Array;
}

/**
 * The gold index behind all instruments. Day levels are a mean-reverting chain; inside a day, fat-tailed minute
 * returns with clustered volatility are bridged (by variance) to the next day's level, so a day can be made on its own.
 */
export class GoldIndex {
  private readonly levels: number[] = [CENTRE_LOG];
  private readonly days = new Map<number, IndexDay>();

  constructor(private readonly seed: number) {}

  /** The day that starts at `dayStartMs` (UTC midnight, 2023-01-01 or later). */
  day(dayStartMs: number): IndexDay {
    const held = this.days.get(dayStartMs);
    if (held) return held;
    const made = this.makeDay(dayStartMs);
    if (this.days.size >= 64) this.days.delete(this.days.keys().next().value!);
    this.days.set(dayStartMs, made);
    return made;
  }

  /** Log index price at any time, linear inside a minute. */
  logPriceAt(timeMs: number): number {
    const day = this.day(Math.floor(timeMs / DAY_MS) * DAY_MS);
    const position = (timeMs - day.dayStartMs) / MINUTE_MS;
    const minute = Math.min(Math.floor(position), MINUTES - 1);
    const from = day.logPrice[minute]!;
    return from + (day.logPrice[minute + 1]! - from) * (position - minute);
  }

  private release(dayNumber: number): { minute: number; jump: number } | null {
    const dayStartMs = dayNumber * DAY_MS;
    const minuteMs = releaseMinuteMs(dayStartMs);
    const noise = createNoise(this.seed, KEY.release, dayNumber);
    if (!isTrading("metals", minuteMs) || noise.uniform() > RELEASE_PROBABILITY) return null;
    return { minute: (minuteMs - dayStartMs) / MINUTE_MS, jump: RELEASE_JUMP * noise.gaussian() };
  }

  /** Share of a weekday's variance that this day carries: thin on Saturday, the reopening on Sunday. */
  private dayScale(dayNumber: number): number {
    const weekday = new Date(dayNumber * DAY_MS).getUTCDay();
    return weekday === 6 ? 0.25 : weekday === 0 ? 0.35 : 1;
  }

  private dailyVolatilityFactor(dayNumber: number): number {
    return Math.exp(0.25 * createNoise(this.seed, KEY.dailyVolatility, dayNumber).gaussian());
  }

  private levelAt(dayNumber: number): number {
    const index = dayNumber - ORIGIN_DAY;
    if (index < 0) throw new RangeError("the simulated market begins on 2023-01-01; ask for a later day");
    for (let at = this.levels.length; at <= index; at++) {
      const day = ORIGIN_DAY + at - 1;
      const before = this.levels[at - 1]!;
      const shock = createNoise(this.seed, KEY.level, day).gaussian();
      const scale = DAILY_VOLATILITY * this.dayScale(day) * this.dailyVolatilityFactor(day);
      const pull = REVERSION_PER_DAY * (CENTRE_LOG - before);
      this.levels.push(before + pull + scale * shock + (this.release(day)?.jump ?? 0));
    }
    return this.levels[index]!;
  }

  private hourlyLogVolatility(dayNumber: number): Float64Array {
    const firstHour = (dayNumber * DAY_MS) / HOUR_MS;
    const hours = new Float64Array(25);
    let value = 0;
    for (let hour = firstHour - VOLATILITY_BURN_IN_HOURS; hour <= firstHour + 24; hour++) {
      const noise = createNoise(this.seed, KEY.volatility, hour);
      value = VOLATILITY_AR * value + VOLATILITY_SHOCK * noise.gaussian();
      if (hour >= firstHour) hours[hour - firstHour] = value;
    }
    return hours;
  }

  private makeDay(dayStartMs: number): IndexDay {
    const dayNumber = Math.floor(dayStartMs / DAY_MS);
    const from = this.levelAt(dayNumber);
    const to = this.levelAt(dayNumber + 1);
    const release = this.release(dayNumber);
    const hourly = this.hourlyLogVolatility(dayNumber);
    const noise = createNoise(this.seed, KEY.minute, dayNumber);
    const base = TYPICAL_MINUTE_VOLATILITY * this.dailyVolatilityFactor(dayNumber);

    const minuteVolatility = new Float64Array(MINUTES);
    const returns = new Float64Array(MINUTES);
    let total = 0;
    let variance = 0;
    for (let minute = 0; minute < MINUTES; minute++) {
      const at = minute / 60;
      const hour = Math.floor(at);
      const logVol = hourly[hour]! + (hourly[hour + 1]! - hourly[hour]!) * (at - hour);
      const since = release ? minute - release.minute : -1;
      const excitement = since >= 0 ? 1 + 2.2 * Math.exp(-since / 12) : 1;
      const sd = base * volatilityProfile(dayStartMs + minute * MINUTE_MS) * Math.exp(logVol) * excitement;
      minuteVolatility[minute] = sd;
      returns[minute] = sd * noise.fatTailed();
      total += returns[minute]!;
      variance += sd * sd;
    }
    const correction = to - from - (release?.jump ?? 0) - total;
    const logPrice = new Float64Array(MINUTES + 1);
    logPrice[0] = from;
    for (let minute = 0; minute < MINUTES; minute++) {
      const bridge = (correction * minuteVolatility[minute]! ** 2) / variance;
      const jump = release && release.minute === minute ? release.jump : 0;
      logPrice[minute + 1] = logPrice[minute]! + returns[minute]! + bridge + jump;
    }
    return { dayStartMs, logPrice, minuteVolatility };
  }
}
