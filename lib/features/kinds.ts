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
import { createWindow } from "../indicators/window";
import type { Candle } from "../market/types";
import { sessionFlag } from "./sessions";
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
}

type Column = (bar: BarContext) => number;

const DAY_MS = 86_400_000;

/** Below this fraction of the price an ATR is what rounding left of a flat stretch, not a range. */
const FLAT_ATR_FRACTION = 1e-9;

/** A distance in ATRs; 0 where the market has not moved, so a flat stretch has a defined value. */
function inAtr(distance: number, { atr, candle }: BarContext): number {
  return atr <= FLAT_ATR_FRACTION * candle.close ? 0 : distance / atr;
}

/** One maker per kind; a maker reads its parameters once and returns the streaming column. */
const KINDS: Record<string, (param: (name: string) => number) => Column> = {
  logReturn: (param) => {
    const closes = createWindow(param("bars") + 1);
    return ({ candle }) => (closes.push(candle.close) ? ln(candle.close / closes.oldest()) : Number.NaN);
  },
  emaDistanceAtr: (param) => {
    const average = createEma(param("period"));
    return (bar) => inAtr(bar.candle.close - average.next(bar.candle.close), bar);
  },
  rsiCentred: (param) => {
    const rsi = createRsi(param("period"), 50);
    return ({ candle }) => (rsi.next(candle.close) - 50) / 50;
  },
  macdHistogramAtr: (param) => {
    const macd = createMacd(param("fast"), param("slow"), param("signal"));
    return (bar) => inAtr(macd.next(bar.candle.close).histogram, bar);
  },
  atrFraction: () => (bar) => bar.atr / bar.candle.close,
  bollingerPosition: (param) => {
    const width = param("width");
    const bands = createBollinger(param("period"), width);
    return ({ candle }) => {
      const { middle, deviation } = bands.next(candle.close);
      // Below rounding size the window is flat and the position has no meaning.
      return deviation <= 1e-12 * middle ? 0 : (candle.close - middle) / (width * deviation);
    };
  },
  adxFraction: (param) => {
    const adx = createAdx(param("period"));
    return ({ candle }) => adx.next(candle.high, candle.low, candle.close).adx / 100;
  },
  diDifference: (param) => {
    const adx = createAdx(param("period"));
    return ({ candle }) => {
      const { plusDi, minusDi } = adx.next(candle.high, candle.low, candle.close);
      return (plusDi - minusDi) / 100;
    };
  },
  realisedVolatility: (param) => {
    const volatility = createRealisedVolatility(param("bars"));
    return ({ logReturn }) => volatility.next(logReturn);
  },
  volatilityRatio: (param) => {
    const short = createRealisedVolatility(param("short"));
    const long = createRealisedVolatility(param("long"));
    return ({ logReturn }) => {
      const shortValue = short.next(logReturn);
      const longValue = long.next(logReturn);
      return longValue === 0 ? 0 : shortValue / longValue;
    };
  },
  volumeZScore: (param) => {
    const score = createZScore(param("bars"));
    return ({ candle }) => score.next(ln(1 + candle.volume));
  },
  rangeAtr: () => (bar) => inAtr(bar.candle.high - bar.candle.low, bar),
  closePosition: () => (bar) => {
    const { high, low, close } = bar.candle;
    return high === low ? 0 : (2 * (close - low)) / (high - low) - 1;
  },
  session: (param) => {
    const session = param("session");
    return ({ candle }) => sessionFlag(session, candle.openTimeMs);
  },
  daySin: () => (bar) => sinTurns(bar.candle.openTimeMs / DAY_MS),
  dayCos: () => (bar) => cosTurns(bar.candle.openTimeMs / DAY_MS),
  weekSin: () => (bar) => sinTurns(weekTurns(bar.candle.openTimeMs)),
  weekCos: () => (bar) => cosTurns(weekTurns(bar.candle.openTimeMs)),
  afterGap: () => (bar) => (bar.sincePreviousMs > bar.shortestStepMs ? 1 : 0),
};

/** Weeks since a Sunday 00:00 UTC: 1970-01-01 was a Thursday. */
function weekTurns(timeMs: number): number {
  return (timeMs / DAY_MS + 4) / 7;
}

/** Streaming form of a column. Throws for an unknown kind or a missing parameter. */
export function createColumn(column: FeatureColumn): Column {
  const make = KINDS[column.kind];
  if (make === undefined) {
    throw new RangeError(
      `feature ${column.name}: kind "${column.kind}" is unknown; known are ${Object.keys(KINDS).join(", ")}`,
    );
  }
  return make((name) => {
    const value = column.params[name];
    if (value === undefined || !Number.isFinite(value)) {
      throw new RangeError(
        `feature ${column.name}: parameter "${name}" must be a finite number, got ${value}`,
      );
    }
    return value;
  });
}
