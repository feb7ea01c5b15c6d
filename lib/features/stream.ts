import { ln } from "../core/math";
import { createAtr } from "../indicators/range";
import { exportState, importState } from "../indicators/state";
import { timeframeMs } from "../market/timeframe";
import type { Candle, Timeframe } from "../market/types";
import { ContextFrame } from "./frame";
import { type BarContext, createColumn } from "./kinds";
import { SideAsOf, type SideFeedName, type SideFeeds } from "./sides";
import type { FeatureSetSpec } from "./types";

/** Period of the ATR that scales features and protective stops. */
export const ATR_PERIOD = 14;

/**
 * Version of the code behind all feature kinds. A change that alters any bit of any column raises it, so that
 * stored feature blocks of the code before are not used again.
 */
export const FEATURE_KERNEL_VERSION = 1;

/** What a feature set may need beside the candles. */
export interface FeatureInputs {
  /** Timeframe of the candles; a set with context or side columns needs it to know when a bar closes. */
  timeframe?: Timeframe;
  /** Side feeds known from the start; a live stream adds later points with `offer`. */
  sides?: SideFeeds;
}

export interface FeatureStream {
  /**
   * Takes the next closed bar; returns its feature row, or null for the first `warmupBars` bars. The row
   * is a fresh array. Throws RangeError when the bar is not later than the one before, and Error (naming
   * column and bar) when a value after the warm-up is not finite: it is never replaced silently.
   */
  push(candle: Candle): Float64Array | null;
  /** Adds a side point before the first bar that closes at or after its availability; see `SideAsOf.offer`. */
  offer(feed: SideFeedName, availableAtMs: number, value: number): void;
  /** ATR(14) at the last bar in price units; NaN before it exists. */
  atr(): number;
}

/** Streaming twin of `computeFeatures`: the same bars and side points give the same bits. */
export function createFeatureStream(spec: FeatureSetSpec, inputs: FeatureInputs = {}): FeatureStream {
  const stepper = createFeatureStepper(spec, inputs);
  return {
    push(candle) {
      const row = new Float64Array(spec.columns.length);
      return stepper.step(candle, row, 0) ? row : null;
    },
    offer: stepper.offer,
    atr: stepper.atr,
  };
}

/** Everything the columns remember, in the order of their making. */
class Memory {
  readonly parts: object[] = [];
  /** Counted up to the warm-up. */
  bars = 0;
  openTimeMs = Number.NEGATIVE_INFINITY;
  close = Number.NaN;
  shortestStepMs = Number.POSITIVE_INFINITY;
}

/**
 * The one implementation behind batch and stream: `step` writes a row to out[offset ..] and says whether
 * it may be used; while warming up it writes NaN. `exportState` and `importState` move what it remembers to
 * another stepper of the same set, which then goes on with the same bits.
 */
export function createFeatureStepper(spec: FeatureSetSpec, { timeframe, sides = {} }: FeatureInputs = {}) {
  const memory = new Memory();
  const keep = <T extends object>(part: T): T => {
    memory.parts.push(part);
    return part;
  };
  const frames = new Map<Timeframe, ContextFrame>();
  const feeds = new Map<SideFeedName, SideAsOf>();
  const stepMs = timeframe === undefined ? Number.NaN : timeframeMs(timeframe);

  function base(): Timeframe {
    if (timeframe === undefined) throw new RangeError(`features: ${spec.id} needs the timeframe of its bars`);
    return timeframe;
  }
  function frameOf(higher: Timeframe): ContextFrame {
    const frame = frames.get(higher) ?? keep(new ContextFrame(higher, base()));
    frames.set(higher, frame);
    return frame;
  }
  function sideOf(feed: SideFeedName): SideAsOf {
    base();
    const known = feeds.get(feed);
    if (known !== undefined) return known;
    const made = keep(new SideAsOf(feed));
    feeds.set(feed, made);
    const series = sides[feed];
    series?.availableAtMs.forEach((time, i) => {
      made.offer(time, series.value[i]!);
    });
    return made;
  }

  const columns = spec.columns.map((column) => createColumn(column, { keep, frame: frameOf, side: sideOf }));
  const atr = keep(createAtr(ATR_PERIOD));
  const bar: BarContext = {
    candle: { openTimeMs: 0, open: 0, high: 0, low: 0, close: 0, volume: 0 },
    logReturn: 0,
    atr: Number.NaN,
    sincePreviousMs: 0,
    shortestStepMs: Number.POSITIVE_INFINITY,
    stepMs,
    closeTimeMs: Number.NaN,
  };

  function step(candle: Candle, out: Float64Array, offset: number): boolean {
    if (!(candle.openTimeMs > memory.openTimeMs)) {
      throw new RangeError(`features: bar ${candle.openTimeMs} is not later than bar ${memory.openTimeMs}`);
    }
    if (memory.bars > 0) {
      bar.logReturn = ln(candle.close / memory.close);
      bar.sincePreviousMs = candle.openTimeMs - memory.openTimeMs;
      memory.shortestStepMs = Math.min(memory.shortestStepMs, bar.sincePreviousMs);
      bar.shortestStepMs = memory.shortestStepMs;
    }
    memory.openTimeMs = candle.openTimeMs;
    memory.close = candle.close;
    bar.candle = candle;
    bar.closeTimeMs = candle.openTimeMs + stepMs;
    bar.atr = atr.next(candle.high, candle.low, candle.close);
    for (const frame of frames.values()) frame.push(candle);
    for (const feed of feeds.values()) feed.advance(bar.closeTimeMs);
    const warm = memory.bars >= spec.warmupBars;
    if (memory.bars < Math.max(1, spec.warmupBars)) memory.bars++;
    for (let c = 0; c < columns.length; c++) {
      // Every column sees every bar, also while warming up, because it carries state.
      const value = columns[c]!(bar);
      out[offset + c] = warm ? value : Number.NaN;
      if (warm && !Number.isFinite(value)) {
        throw new Error(
          `features: ${spec.columns[c]!.name} is ${value} at bar ${candle.openTimeMs}; check the candle and the warm-up`,
        );
      }
    }
    return warm;
  }

  return {
    step,
    atr: () => bar.atr,
    offer(feed: SideFeedName, availableAtMs: number, value: number): void {
      feeds.get(feed)?.offer(availableAtMs, value);
    },
    exportState: () => Float64Array.from(exportState(memory)),
    importState: (state: Float64Array): void => importState(memory, state),
  };
}

/**
 * Where to start feeding bars so that features are warm at `fromMs`: 2 * warmupBars bar lengths earlier,
 * aligned to the bar or to the set's start grid. Twice, because a market closed about a third of the week
 * needs more clock time than bars. Indicators carry their seeds, so whoever wants the same bits must start
 * at the same bar.
 */
export function featureStartMs(fromMs: number, timeframe: Timeframe, spec: FeatureSetSpec): number {
  const step = timeframeMs(timeframe);
  const start = Math.floor(fromMs / step) * step - 2 * spec.warmupBars * step;
  const grid = (spec.startGridBars ?? 1) * step;
  return Math.max(0, Math.floor(start / grid) * grid);
}
