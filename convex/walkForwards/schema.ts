import { defineTable } from "convex/server";
import { v } from "convex/values";
import { DAILY_CONVENTION } from "../../lib/stats/dailyReturns";
import { vRecipe } from "../agents/schema";
import { tradePartFields, vPerformance } from "../evaluations/schema";
import { vTimeframe } from "../validators";

export const vWalkForwardStatus = v.union(
  v.literal("queued"),
  v.literal("running"),
  v.literal("finished"),
  v.literal("failed"),
  v.literal("cancelled"),
);

/** What was asked for; purge and embargo follow from the recipe and the features, nobody chooses them. */
export const planFields = {
  folds: v.number(),
  mode: v.union(v.literal("expanding"), v.literal("rolling")),
  /** Share of the usable rows that the first fold trains on. */
  trainFraction: v.number(),
  seeds: v.array(v.number()),
  /** Contains 1. */
  costMultipliers: v.array(v.number()),
  /** Shuffled-returns, planted-signal and causality probes: two more trainings and two dataset builds. */
  probes: v.boolean(),
};

export const vFoldRange = v.object({
  fold: v.number(),
  trainFromMs: v.number(),
  trainToMs: v.number(),
  testFromMs: v.number(),
  testToMs: v.number(),
  trainRows: v.number(),
  testRows: v.number(),
});

const vSeriesSummary = v.object({
  subject: v.string(),
  netPnlUsd: v.number(),
  netReturnFraction: v.number(),
  foldNetPnlUsd: v.array(v.number()),
  sharpe: v.object({
    convention: v.literal(DAILY_CONVENTION),
    perObservation: v.number(),
    annualised: v.number(),
    observations: v.number(),
    skew: v.number(),
    kurtosis: v.number(),
  }),
  maxDrawdownFraction: v.number(),
  tradeCount: v.number(),
  winRate: v.number(),
  liquidations: v.number(),
});

export const vWalkForwardSummary = v.object({
  seeds: v.array(vSeriesSummary),
  medianSubject: v.string(),
  netPnlUsd: v.object({
    median: v.number(),
    mean: v.number(),
    deviation: v.number(),
    worst: v.number(),
    best: v.number(),
  }),
  worstDrawdownFraction: v.number(),
  profitableFolds: v.number(),
  folds: v.number(),
  stress: v.array(
    v.object({ costMultiplier: v.number(), medianNetPnlUsd: v.number(), worstNetPnlUsd: v.number() }),
  ),
  lagKeptFraction: v.union(v.null(), v.number()),
  baselines: v.array(vSeriesSummary),
  champion: v.union(v.null(), vSeriesSummary),
  superiority: v.array(v.object({ against: v.string(), pConsistent: v.union(v.null(), v.number()) })),
  entropy: v.union(v.null(), v.number()),
  calibrationError: v.union(v.null(), v.number()),
});

export const vProbe = v.object({
  probe: v.union(v.literal("causality"), v.literal("shuffledReturns"), v.literal("plantedSignal")),
  passed: v.boolean(),
  sentence: v.string(),
  warning: v.optional(v.string()),
});

export const walkForwardFields = {
  instrument: v.string(),
  timeframe: vTimeframe,
  datasetId: v.id("datasets"),
  datasetHash: v.string(),
  simulated: v.boolean(),
  recipe: vRecipe,
  recipeHash: v.string(),
  /** The version that it was asked for, if any. */
  versionId: v.optional(v.id("agentVersions")),
  /** Retrained beside the candidate on the same folds and seeds. */
  champion: v.optional(v.object({ versionId: v.id("agentVersions"), recipe: vRecipe })),
  /** The search whose trial this is. */
  searchId: v.optional(v.id("searches")),
  plan: v.object(planFields),
  status: vWalkForwardStatus,
  jobId: v.optional(v.id("jobs")),
  requestedBy: v.string(),
  foldRanges: v.array(vFoldRange),
  purgeRows: v.optional(v.number()),
  embargoRows: v.optional(v.number()),
  environmentHash: v.optional(v.string()),
  costModelId: v.optional(v.string()),
  /** Kernels that trained, one but where machines of two kinds shared the folds; absent on older rows. */
  kernels: v.optional(v.array(v.string())),
  probes: v.array(vProbe),
  summary: v.optional(vWalkForwardSummary),
  error: v.optional(v.string()),
  createdAtMs: v.number(),
  startedAtMs: v.optional(v.number()),
  finishedAtMs: v.optional(v.number()),
};

export const vDailyReturns = v.object({ dayMs: v.array(v.number()), returns: v.array(v.number()) });

/** One test span of one subject under one condition; figures recomputed here from trades and equity. */
export const sliceFields = {
  walkForwardId: v.id("walkForwards"),
  subject: v.string(),
  fold: v.number(),
  costMultiplier: v.number(),
  lagBars: v.number(),
  performance: vPerformance,
  daily: vDailyReturns,
  entropy: v.union(v.null(), v.number()),
  calibrationError: v.union(v.null(), v.number()),
  artifactSha256: v.union(v.null(), v.string()),
};

const { evaluationId: _evaluationId, ...tradeFields } = tradePartFields;

export const walkForwardTables = {
  walkForwards: defineTable(walkForwardFields)
    .index("by_createdAt", ["createdAtMs"])
    .index("by_recipe_and_status", ["recipeHash", "status"])
    .index("by_instrument_and_status", ["instrument", "status"])
    .index("by_search", ["searchId"]),
  walkForwardSlices: defineTable(sliceFields).index("by_walkForward_and_fold", ["walkForwardId", "fold"]),
  /** Trades of the plain condition (costs as they are, no lag), at most 500 a part. */
  walkForwardTrades: defineTable({ sliceId: v.id("walkForwardSlices"), ...tradeFields }).index(
    "by_slice_and_part",
    ["sliceId", "part"],
  ),
  /** The median seed's daily returns of a finished walk-forward: its column in the overfitting matrix. */
  walkForwardDaily: defineTable({ walkForwardId: v.id("walkForwards"), daily: vDailyReturns }).index(
    "by_walkForward",
    ["walkForwardId"],
  ),
};
