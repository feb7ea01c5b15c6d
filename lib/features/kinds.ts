import { cosTurns, ln, sinTurns } from "../core/math";
import { createAdx } from "../indicators/range";
import {
  createBollinger,
  createEma,
  createMacd,
  createRealisedVolatility,
  createRsi,
  createZScore,
} from "../indicators/series";
import { RollingWindow } from "../indicators/window";
import type { Candle, Timeframe } from "../market/types";
import { CONTEXT_KINDS } from "./contextKinds";
import type { ContextFrame } from "./frame";
import { SESSION_NAMES, sessionFlag } from "./sessions";
import { SIDE_KINDS } from "./sideKinds";
import type { SideAsOf, SideFeedName } from "./sides";
import type { FeatureColumn } from "./types";

/** What every column may read at a bar: nothing here comes from a later one. */
export interface BarContext {
  candle: Candle;
  /** ln(close / previous close); 0 at the first bar. */
  logReturn: number;
  /** ATR(14) in price units; NaN while it warms up. */
  atr: number;
  /** Milliseconds since the open of the previous bar; 0 at the first bar. */
  sincePreviousMs: number;
  /** Smallest distance between two bars so far: the bar length, once two neighbours were seen. */
  shortestStepMs: number;
  /** Bar length and close time of the bar; NaN in a set without context or side columns. */
  stepMs: number;
  closeTimeMs: number;
}

export type Column = (bar: BarContext) => number;

const DAY_MS = 86_400_000;
const LONDON = SESSION_NAMES.indexOf("london");
const NEW_YORK = SESSION_NAMES.indexOf("newYork");

/** Below this fraction of the price an ATR is what rounding left of a flat stretch, not a range. */
const FLAT_ATR_FRACTION = 1e-9;

/** A distance in ATRs; 0 where the market has not moved, so a flat stretch has a defined value. */
function inAtr(distance: number, { atr, candle }: BarContext): number {
  return atr <= FLAT_ATR_FRACTION * candle.close ? 0 : distance / atr;
}

/** What a maker may ask for. */
export interface ColumnMaking {
  param(name: string): number;
  /** Registers what the column remembers between bars; returns it. */
  keep<T extends object>(part: T): T;
  /** The closed bars of the column's timeframe. */
  frame(): ContextFrame;
  /** The column's side feed as known at a bar's close. */
  side(): SideAsOf;
}

/** One maker per kind; a maker reads its parameters once and returns the streaming column. */
const KINDS: Record<string, (making: ColumnMaking) => Column> = {
  logReturn: ({ param, keep }) => {
    const closes = keep(new RollingWindow(param("bars") + 1));
    return ({ candle }) => (closes.push(candle.close) ? ln(candle.close / closes.oldest()) : Number.NaN);
  },
  emaDistanceAtr: ({ param, keep }) => {
    const average = keep(createEma(param("period")));
    return (bar) => inAtr(bar.candle.close - average.next(bar.candle.close), bar);
  },
  rsiCentred: ({ param, keep }) => {
    const rsi = keep(createRsi(param("period"), 50));
    return ({ candle }) => (rsi.next(candle.close) - 50) / 50;
  },
  macdHistogramAtr: ({ param, keep }) => {
    const macd = keep(createMacd(param("fast"), param("slow"), param("signal")));
    return (bar) => inAtr(macd.next(bar.candle.close).histogram, bar);
  },
  atrFraction: () => (bar) => bar.atr / bar.candle.close,
  bollingerPosition: ({ param, keep }) => {
    const width = param("width");
    const bands = keep(createBollinger(param("period"), width));
    return ({ candle }) => {
      const { middle, deviation } = bands.next(candle.close);
      // Below rounding size the window is flat and the position has no meaning.
      return deviation <= 1e-12 * middle ? 0 : (candle.close - middle) / (width * deviation);
    };
  },
  adxFraction: ({ param, keep }) => {
    const adx = keep(createAdx(param("period")));
    return ({ candle }) => adx.next(candle.high, candle.low, candle.close).adx / 100;
  },
  diDifference: ({ param, keep }) => {
    const adx = keep(createAdx(param("period")));
    return ({ candle }) => {
      const { plusDi, minusDi } = adx.next(candle.high, candle.low, candle.close);
      return (plusDi - minusDi) / 100;
    };
  },
  realisedVolatility: ({ param, keep }) => {
    const volatility = keep(createRealisedVolatility(param("bars")));
    return ({ logReturn }) => volatility.next(logReturn);
  },
  volatilityRatio: ({ param, keep }) => {
    const short = keep(createRealisedVolatility(param("short")));
    const long = keep(createRealisedVolatility(param("long")));
    return ({ logReturn }) => {
      const shortValue = short.next(logReturn);
      const longValue = long.next(logReturn);
      return longValue === 0 ? 0 : shortValue / longValue;
    };
  },
  volumeZScore: ({ param, keep }) => {
    const score = keep(createZScore(param("bars")));
    return ({ candle }) => score.next(ln(1 + candle.volume));
  },
  rangeAtr: () => (bar) => inAtr(bar.candle.high - bar.candle.low, bar),
  closePosition: () => (bar) => {
    const { high, low, close } = bar.candle;
    return high === low ? 0 : (2 * (close - low)) / (high - low) - 1;
  },
  session: ({ param }) => {
    const session = param("session");
    return ({ candle }) => sessionFlag(session, candle.openTimeMs);
  },
  daySin: () => (bar) => sinTurns(bar.candle.openTimeMs / DAY_MS),
  dayCos: () => (bar) => cosTurns(bar.candle.openTimeMs / DAY_MS),
  weekSin: () => (bar) => sinTurns(weekTurns(bar.candle.openTimeMs)),
  weekCos: () => (bar) => cosTurns(weekTurns(bar.candle.openTimeMs)),
  sessionOverlap: () => (bar) =>
    sessionFlag(LONDON, bar.candle.openTimeMs) * sessionFlag(NEW_YORK, bar.candle.openTimeMs),
  sessionNone: () => (bar) =>
    SESSION_NAMES.some((_, session) => sessionFlag(session, bar.candle.openTimeMs) === 1) ? 0 : 1,
  volatilityTercile: ({ param, keep }) => {
    const volatility = keep(createRealisedVolatility(param("bars")));
    const recent = keep(new RollingWindow(param("window")));
    return ({ logReturn }) => {
      const now = volatility.next(logReturn);
      return recent.push(now) ? terciles(recent, now) : Number.NaN;
    };
  },
  trendRegime: ({ param, keep }) => {
    const adx = keep(createAdx(param("period")));
    const threshold = param("threshold");
    return ({ candle }) => {
      const { adx: strength, plusDi, minusDi } = adx.next(candle.high, candle.low, candle.close);
      return strength > threshold ? Math.sign(plusDi - minusDi) : 0;
    };
  },
  ...CONTEXT_KINDS,
  ...SIDE_KINDS,
  afterGap: () => (bar) => (bar.sincePreviousMs > bar.shortestStepMs ? 1 : 0),
};

/** Weeks since a Sunday 00:00 UTC: 1970-01-01 was a Thursday. */
function weekTurns(timeMs: number): number {
  return (timeMs / DAY_MS + 4) / 7;
}

/** -1, 0 or 1: the third of the window's values, by rank, in which `value` lies. */
function terciles({ values, from, period }: RollingWindow, value: number): number {
  let below = 0;
  let equal = 0;
  for (let i = from; i < from + period; i++) {
    if (values[i]! < value) below++;
    else if (values[i] === value) equal++;
  }
  const rank = (below + equal / 2) / period;
  return rank < 1 / 3 ? -1 : rank > 2 / 3 ? 1 : 0;
}

/** What the columns of one stream share and what they remember. */
export interface ColumnSources {
  keep<T extends object>(part: T): T;
  frame(timeframe: Timeframe): ContextFrame;
  side(feed: SideFeedName): SideAsOf;
}

/** Streaming form of a column. Throws for an unknown kind or a missing parameter. */
export function createColumn(column: FeatureColumn, sources: ColumnSources): Column {
  const make = KINDS[column.kind];
  if (make === undefined) {
    throw new RangeError(
      `feature ${column.name}: kind "${column.kind}" is unknown; known are ${Object.keys(KINDS).join(", ")}`,
    );
  }
  const need = <T>(value: T | undefined, what: string): T => {
    if (value === undefined)
      throw new RangeError(`feature ${column.name}: kind "${column.kind}" needs a ${what}`);
    return value;
  };
  return make({
    param: (name) => {
      const value = column.params[name];
      if (value === undefined || !Number.isFinite(value)) {
        throw new RangeError(
          `feature ${column.name}: parameter "${name}" must be a finite number, got ${value}`,
        );
      }
      return value;
    },
    keep: sources.keep,
    frame: () => sources.frame(need(column.timeframe, "timeframe")),
    side: () => sources.side(need(column.feed, "feed")),
  });
}
