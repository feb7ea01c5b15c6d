import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vTimeframe } from "../validators";

/** What a policy or a baseline did over the period. Money in USD, fractions of 1, all net of costs. */
export const vPerformance = v.object({
  bars: v.number(),
  initialEquityUsd: v.number(),
  finalEquityUsd: v.number(),
  netPnlUsd: v.number(),
  netReturnFraction: v.number(),
  tradeCount: v.number(),
  winRate: v.number(),
  averageWinUsd: v.number(),
  averageLossUsd: v.number(),
  maxDrawdownFraction: v.number(),
  sharpe: v.object({
    /** Annualised, in the convention named beside it. */
    value: v.number(),
    perObservation: v.number(),
    observations: v.number(),
    observationsPerYear: v.number(),
    skew: v.number(),
    /** Raw: 3 for a normal series. */
    kurtosis: v.number(),
    convention: v.string(),
  }),
  /** Traded notional over mean equity. */
  turnover: v.number(),
  tradedNotionalUsd: v.number(),
  costs: v.object({ feesUsd: v.number(), slippageUsd: v.number(), fundingUsd: v.number() }),
  stops: v.number(),
  liquidations: v.number(),
  exposureByInstrument: v.record(
    v.string(),
    v.object({
      longFraction: v.number(),
      shortFraction: v.number(),
      flatFraction: v.number(),
      meanNotionalUsd: v.number(),
    }),
  ),
});

export const vBaselineName = v.union(
  v.literal("flat"),
  v.literal("buyAndHold"),
  v.literal("momentum"),
  v.literal("random"),
);

export const vBaseline = v.object({ name: vBaselineName, rule: v.string(), performance: vPerformance });

export const vActionMix = v.object({ short: v.number(), flat: v.number(), long: v.number() });

export const evaluationFields = {
  versionId: v.id("agentVersions"),
  jobId: v.id("jobs"),
  instrument: v.string(),
  timeframe: vTimeframe,
  source: v.string(),
  simulated: v.boolean(),
  datasetId: v.id("datasets"),
  datasetHash: v.string(),
  artifactSha256: v.string(),
  fromMs: v.number(),
  toMs: v.number(),
  bars: v.number(),
  initialBalanceUsd: v.number(),
  /** Recomputed on the server from the stored trades and equity. */
  performance: vPerformance,
  /** Recomputed likewise, each when its worker hands it in (rows of older desks hold what the worker said). */
  baselines: v.array(vBaseline),
  actionMix: vActionMix,
  /** Mean policy entropy in nats. */
  entropy: v.union(v.null(), v.number()),
  environmentHash: v.string(),
  costModelId: v.string(),
  /** SHA-256 of the cost model that was charged, stress included; absent on older rows. */
  costModelHash: v.optional(v.string()),
  /** Trials counted on this instrument and timeframe when the evaluation was recorded. */
  trialCount: v.number(),
  createdAtMs: v.number(),
};

export const vTrade = v.object({
  entryTimeMs: v.number(),
  exitTimeMs: v.number(),
  side: v.union(v.literal("long"), v.literal("short")),
  qty: v.number(),
  entryPrice: v.number(),
  exitPrice: v.number(),
  pnlUsd: v.number(),
  feesUsd: v.number(),
  slippageUsd: v.number(),
  fundingUsd: v.number(),
  exitReason: v.union(v.literal("order"), v.literal("stop"), v.literal("liquidation"), v.literal("open")),
});

export const tradePartFields = {
  evaluationId: v.id("evaluations"),
  part: v.number(),
  trades: v.array(vTrade),
};

/** Equity at each bar's close as little-endian float64, with the bar open times; up to 32,000 bars a part. */
export const equityPartFields = {
  evaluationId: v.id("evaluations"),
  part: v.number(),
  openTimesMs: v.bytes(),
  equityUsd: v.bytes(),
  positionQty: v.bytes(),
};

/** `outcome` leaves the Sharpe of a walk-forward or search trial; what counts is in `lib/stats/trialCount`. */
export const vTrialKind = v.union(
  v.literal("training"),
  v.literal("walkForward"),
  v.literal("search"),
  v.literal("evaluation"),
  v.literal("outcome"),
);

/** The ledger of the desk that an imported model came from, as its export stated it. */
export const vLedgerElsewhere = v.object({ deskId: v.string(), trials: v.number() });

/**
 * The trial ledger: append only. A training, walk-forward or search trial is written when a worker begins it:
 * cancelling it afterwards takes nothing back.
 */
export const trialFields = {
  instrument: v.string(),
  timeframe: v.string(),
  kind: vTrialKind,
  versionId: v.optional(v.id("agentVersions")),
  evaluationId: v.optional(v.id("evaluations")),
  walkForwardId: v.optional(v.id("walkForwards")),
  recipeHash: v.optional(v.string()),
  /** The period tried on; absent on rows of older desks. */
  fromMs: v.optional(v.number()),
  toMs: v.optional(v.number()),
  sharpePerObservation: v.optional(v.number()),
  /** Sharpe per day out of sample; outcomes, and on older desks the trials themselves. */
  sharpePerDay: v.optional(v.number()),
  elsewhere: v.optional(vLedgerElsewhere),
  atMs: v.number(),
};

export const evaluationTables = {
  evaluations: defineTable(evaluationFields)
    .index("by_createdAt", ["createdAtMs"])
    .index("by_version", ["versionId"])
    .index("by_job", ["jobId"]),
  evaluationTrades: defineTable(tradePartFields).index("by_evaluation_and_part", ["evaluationId", "part"]),
  evaluationEquity: defineTable(equityPartFields).index("by_evaluation_and_part", ["evaluationId", "part"]),
  trials: defineTable(trialFields)
    .index("by_instrument_and_kind", ["instrument", "kind"])
    .index("by_version_and_kind", ["versionId", "kind"])
    .index("by_walkForward_and_kind", ["walkForwardId", "kind"]),
};
