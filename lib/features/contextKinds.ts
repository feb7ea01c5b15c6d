import { ln } from "../core/math";
import { createAtr } from "../indicators/range";
import { createEma, createRsi } from "../indicators/series";
import { RollingWindow } from "../indicators/window";
import type { Candle } from "../market/types";
import type { Column, ColumnMaking } from "./kinds";

/** Beyond this many of its own lengths a higher bar's age says no more than that it is old. */
const AGE_LIMIT = 10;
const FLAT_ATR_FRACTION = 1e-9;

/** The newest value of something that moves on only when a higher bar closes. */
class Held {
  value = 0;
}

/**
 * A column over closed higher bars: 0 until `bars` of them exist (the frame's presence flag says so), then
 * `next` of the newest one, held until the next closes.
 */
function onClosedBars({ param, keep, frame }: ColumnMaking, next: (bar: Candle) => number): Column {
  const higher = frame();
  const held = keep(new Held());
  const isPresent = higher.presence(param("bars"));
  return () => {
    for (const bar of higher.closed()) held.value = next(bar);
    return isPresent() ? held.value : 0;
  };
}

/** Kinds that read closed bars of a higher timeframe. */
export const CONTEXT_KINDS: Record<string, (making: ColumnMaking) => Column> = {
  contextPresent: ({ param, frame }) => {
    const isPresent = frame().presence(param("bars"));
    return () => (isPresent() ? 1 : 0);
  },
  /** Age of the newest closed higher bar in its own lengths: 0 right at its close. */
  contextAge: ({ param, frame }) => {
    const higher = frame();
    const isPresent = higher.presence(param("bars"));
    return ({ closeTimeMs }) =>
      isPresent() ? Math.min(AGE_LIMIT, (closeTimeMs - higher.lastCloseMs) / higher.stepMs) : 0;
  },
  contextLogReturn: (making) => {
    const closes = making.keep(new RollingWindow(2));
    return onClosedBars(making, ({ close }) => (closes.push(close) ? ln(close / closes.oldest()) : 0));
  },
  contextEmaDistanceAtr: (making) => {
    const average = making.keep(createEma(making.param("period")));
    const atr = making.keep(createAtr(making.param("atr")));
    return onClosedBars(making, ({ high, low, close }) => {
      const range = atr.next(high, low, close);
      const distance = close - average.next(close);
      return range <= FLAT_ATR_FRACTION * close ? 0 : distance / range;
    });
  },
  contextRsiCentred: (making) => {
    const rsi = making.keep(createRsi(making.param("period"), 50));
    return onClosedBars(making, ({ close }) => (rsi.next(close) - 50) / 50);
  },
  contextAtrFraction: (making) => {
    const atr = making.keep(createAtr(making.param("period")));
    return onClosedBars(making, ({ high, low, close }) => atr.next(high, low, close) / close);
  },
};
