import type { Timeframe } from "../market/types";
import { CORE_V1 } from "./coreV1";
import type { SideFeedName } from "./sides";
import type { FeatureColumn, FeatureSetSpec } from "./types";

/** Closed bars of one higher timeframe; `bars` of them make the context present. */
function context(prefix: string, timeframe: Timeframe, period: number, atr: number): FeatureColumn[] {
  const bars = Math.max(period, atr + 1);
  const column = (name: string, kind: string, params: Record<string, number> = {}): FeatureColumn => ({
    name: `${prefix}${name}`,
    kind,
    params: { bars, ...params },
    timeframe,
  });
  return [
    column("Present", "contextPresent"),
    column("Age", "contextAge"),
    column("LogReturn", "contextLogReturn"),
    column(`EmaDistance${period}`, "contextEmaDistanceAtr", { period, atr }),
    column(`Rsi${atr}`, "contextRsiCentred", { period: atr }),
    column("AtrFraction", "contextAtrFraction", { period: atr }),
  ];
}

/** Presence flag, value times `scale`, and age in bars of a side feed. */
function side(feed: SideFeedName, maxAgeHours: number, scale = 1): FeatureColumn[] {
  return [
    { name: `${feed}Present`, kind: "sidePresent", params: { maxAgeHours }, feed },
    { name: feed, kind: "sideValue", params: { maxAgeHours, scale }, feed },
    { name: `${feed}AgeBars`, kind: "sideAgeBars", params: { maxAgeHours }, feed },
  ];
}

const OPEN_INTEREST_CHANGE = { bars: 24, maxAgeHours: 4 };
const BPS = 10_000;

/**
 * core-v1 with context from closed bars of 1h, 4h and 1d, regime tags, session overlap, and absent-aware
 * columns for side feeds. The daily periods are short so that the warm-up of 600 bars of 15 minutes, which
 * live history covers, comes close to filling them; until then `d1Present` is 0.
 */
export const CORE_V2: FeatureSetSpec = {
  id: "core-v2",
  version: 2,
  columns: [
    ...CORE_V1.columns,
    ...context("h1", "1h", 21, 14),
    ...context("h4", "4h", 21, 14),
    ...context("d1", "1d", 7, 5),
    { name: "volatilityTercile", kind: "volatilityTercile", params: { bars: 24, window: 480 } },
    { name: "trendRegime", kind: "trendRegime", params: { period: 14, threshold: 25 } },
    { name: "sessionOverlap", kind: "sessionOverlap", params: {} },
    { name: "sessionNone", kind: "sessionNone", params: {} },
    ...side("funding", 24, BPS),
    ...side("basis", 1, BPS),
    { name: "openInterestPresent", kind: "sidePresent", params: { maxAgeHours: 4 }, feed: "openInterest" },
    { name: "openInterestAgeBars", kind: "sideAgeBars", params: { maxAgeHours: 4 }, feed: "openInterest" },
    {
      name: "openInterestChange24Present",
      kind: "sideLogChangePresent",
      params: OPEN_INTEREST_CHANGE,
      feed: "openInterest",
    },
    {
      name: "openInterestChange24",
      kind: "sideLogChange",
      params: OPEN_INTEREST_CHANGE,
      feed: "openInterest",
    },
    ...side("ideas", 72),
    ...side("signals", 24),
    ...side("news", 24),
    ...side("ocr", 24),
  ],
  warmupBars: 600,
  critical: ["h1Present", "h4Present"],
  startGridBars: 4096,
};
