import type { FeatureColumn, FeatureSetSpec } from "./types";

const column = (name: string, kind: string, params: Record<string, number> = {}): FeatureColumn => ({
  name,
  kind,
  params,
});

/**
 * The first feature set. All columns are dimensionless; distances are measured in ATR(14).
 *
 * The warm-up is three times the longest memory (EMA 200), which leaves the EMA's seed a weight of 2 %.
 * Never edit a released set: any change alters the fingerprint, so it is a new set with a new id.
 */
export const CORE_V1: FeatureSetSpec = {
  id: "core-v1",
  version: 1,
  columns: [
    ...[1, 3, 6, 12, 24, 48].map((bars) => column(`logReturn${bars}`, "logReturn", { bars })),
    ...[8, 21, 55, 200].map((period) => column(`emaDistance${period}`, "emaDistanceAtr", { period })),
    column("rsi14", "rsiCentred", { period: 14 }),
    column("macdHistogram", "macdHistogramAtr", { fast: 12, slow: 26, signal: 9 }),
    column("atrFraction", "atrFraction"),
    column("bollingerPosition", "bollingerPosition", { period: 20, width: 2 }),
    column("adx14", "adxFraction", { period: 14 }),
    column("diDifference14", "diDifference", { period: 14 }),
    column("realisedVolatility24", "realisedVolatility", { bars: 24 }),
    column("volatilityRatio", "volatilityRatio", { short: 12, long: 96 }),
    column("volumeZScore96", "volumeZScore", { bars: 96 }),
    column("rangeAtr", "rangeAtr"),
    column("closePosition", "closePosition"),
    column("sessionTokyo", "session", { session: 0 }),
    column("sessionLondon", "session", { session: 1 }),
    column("sessionNewYork", "session", { session: 2 }),
    column("daySin", "daySin"),
    column("dayCos", "dayCos"),
    column("weekSin", "weekSin"),
    column("weekCos", "weekCos"),
    column("afterGap", "afterGap"),
  ],
  warmupBars: 600,
};
