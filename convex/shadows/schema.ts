import { defineTable } from "convex/server";
import { v } from "convex/values";
import { submissionFields, vCircumstances } from "../decisions/schema";
import { vRiskVerdict } from "../risk/schema";
import { vAccountState, vInstrumentRules, vSizing, vTimeframe } from "../validators";

/** What the numbers mean stands in lib/learning/policy.ts. */
export const vShadowPolicy = v.object({
  enabled: v.boolean(),
  minBars: v.number(),
  maxBars: v.number(),
  tolerance: v.number(),
  bound: v.number(),
  alpha: v.number(),
});

export const vShadowStatus = v.union(
  v.literal("waiting"),
  v.literal("running"),
  v.literal("promote"),
  v.literal("reject"),
  v.literal("ended"),
);

const vPendingOrder = v.object({
  clientOrderId: v.string(),
  qty: v.number(),
  reduceOnly: v.boolean(),
  stopPrice: v.number(),
});

/** A challenger beside the champion: its ghost account moves through the broker kernel, it has no orders. */
export const shadowFields = {
  cycleId: v.id("learningCycles"),
  instrument: v.string(),
  timeframe: vTimeframe,
  versionId: v.id("agentVersions"),
  championVersionId: v.id("agentVersions"),
  policy: vShadowPolicy,
  /** As the challenger was trained; costs are those of the champion's account. */
  rules: vInstrumentRules,
  sizing: vSizing,
  status: vShadowStatus,
  isActive: v.boolean(),
  /** Bars before this were seen by training or evaluation and do not count. */
  fromMs: v.number(),
  /** The run whose bars it shares; it goes over to the champion's next run when that one ends. */
  runId: v.optional(v.id("runs")),
  account: v.optional(vAccountState),
  pending: v.union(v.null(), vPendingOrder),
  dayStartMs: v.number(),
  dayStartEquityUsd: v.number(),
  /** The first loss limit that the ghost itself breached: it takes no new risk any more, and is not promoted. */
  breaker: v.optional(v.string()),
  championEquityUsd: v.number(),
  sequence: v.object({ count: v.number(), sum: v.number(), squares: v.number(), clipped: v.number() }),
  lower: v.number(),
  upper: v.number(),
  mean: v.number(),
  decisions: v.number(),
  lastBarOpenTimeMs: v.number(),
  sentence: v.string(),
  startedAtMs: v.number(),
  finishedAtMs: v.optional(v.number()),
};

/** The running difference bar by bar, 200 bars a part. */
export const shadowPartFields = {
  shadowId: v.id("shadows"),
  part: v.number(),
  timesMs: v.array(v.number()),
  championReturn: v.array(v.number()),
  challengerReturn: v.array(v.number()),
  mean: v.array(v.number()),
  lower: v.array(v.number()),
  upper: v.array(v.number()),
};

/** A ghost's decision with what makes it again: as `decisions`, with an order that nobody sends. */
export const shadowDecisionFields = {
  shadowId: v.id("shadows"),
  runId: v.id("runs"),
  ...submissionFields,
  instrument: v.string(),
  confidence: v.number(),
  account: vAccountState,
  circumstances: vCircumstances,
  riskLimitsVersion: v.number(),
  outcome: v.union(v.literal("order"), v.literal("hold")),
  holdReason: v.optional(v.string()),
  verdicts: v.array(vRiskVerdict),
  plannedQty: v.number(),
  plannedStopPrice: v.number(),
  decidedAtMs: v.number(),
};

export const shadowTables = {
  shadows: defineTable(shadowFields)
    .index("by_instrument_and_active", ["instrument", "isActive"])
    .index("by_cycle", ["cycleId"]),
  shadowParts: defineTable(shadowPartFields).index("by_shadow_and_part", ["shadowId", "part"]),
  shadowDecisions: defineTable(shadowDecisionFields).index("by_shadow_and_bar", [
    "shadowId",
    "barOpenTimeMs",
  ]),
};
