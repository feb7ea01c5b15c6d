/** Validators that more than one domain speaks. */
import { v } from "convex/values";

export const vTimeframe = v.union(
  v.literal("1m"),
  v.literal("3m"),
  v.literal("5m"),
  v.literal("15m"),
  v.literal("30m"),
  v.literal("1h"),
  v.literal("2h"),
  v.literal("4h"),
  v.literal("6h"),
  v.literal("12h"),
  v.literal("1d"),
);

export const candleFields = {
  openTimeMs: v.number(),
  open: v.number(),
  high: v.number(),
  low: v.number(),
  close: v.number(),
  volume: v.number(),
};
export const vCandle = v.object(candleFields);

export const vCalendar = v.union(v.literal("always"), v.literal("metals"));

export const vInstrumentRules = v.object({
  symbol: v.string(),
  tickSize: v.number(),
  lotStep: v.number(),
  minQty: v.number(),
  minNotionalUsd: v.number(),
  maxLeverage: v.number(),
});

export const vCostModel = v.object({
  id: v.string(),
  takerFeeBps: v.number(),
  makerFeeBps: v.number(),
  halfSpreadBps: v.number(),
  slippageBps: v.number(),
  slippageP90Bps: v.optional(v.number()),
  spread: v.optional(
    v.object({
      p50Bps: v.array(v.number()),
      p90Bps: v.array(v.number()),
      p99Bps: v.optional(v.array(v.number())),
      meanBps: v.optional(v.array(v.number())),
    }),
  ),
  charge: v.optional(v.union(v.literal("p50"), v.literal("p90"), v.literal("sampled"))),
  latency: v.optional(v.object({ p50Ms: v.number(), p90Ms: v.number(), degradeAboveMs: v.number() })),
  fundingIntervalMs: v.number(),
  fundingRatePerInterval: v.number(),
  maintenanceMarginRate: v.number(),
  marginTiers: v.optional(
    v.array(
      v.object({
        upToNotionalUsd: v.number(),
        maintenanceMarginRate: v.number(),
        maxLeverage: v.number(),
      }),
    ),
  ),
  liquidationFeeBps: v.number(),
  maxVolumeParticipation: v.number(),
});

export const vSizing = v.object({
  positionFraction: v.number(),
  stopAtrMultiple: v.number(),
  sessionClose: v.optional(
    v.object({
      calendar: vCalendar,
      barMs: v.number(),
      flattenBeforeMs: v.number(),
      minClosedMs: v.number(),
    }),
  ),
});

export const vAccountState = v.object({
  balanceUsd: v.number(),
  positionQty: v.number(),
  entryPrice: v.number(),
  stopPrice: v.number(),
  markPrice: v.number(),
  equityUsd: v.number(),
  peakEquityUsd: v.number(),
  barsHeld: v.number(),
  lastBarOpenTimeMs: v.number(),
  realisedPnlUsd: v.number(),
  feesUsd: v.number(),
  slippageUsd: v.number(),
  fundingUsd: v.number(),
  tradedNotionalUsd: v.number(),
  liquidations: v.number(),
});

export const vQuality = v.object({
  verdict: v.union(v.literal("ok"), v.literal("degraded"), v.literal("failed")),
  coveragePct: v.number(),
  gaps: v.number(),
  missingBars: v.number(),
  expectedBars: v.number(),
  presentBars: v.number(),
});
