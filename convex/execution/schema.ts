import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vAccountState, vCostModel, vInstrumentRules, vSizing } from "../validators";

/** One paper account per run: the broker kernel's state plus the rules it is run with. */
export const accountFields = {
  runId: v.id("runs"),
  account: vAccountState,
  costs: vCostModel,
  rules: vInstrumentRules,
  sizing: vSizing,
  initialBalanceUsd: v.number(),
  dayStartMs: v.number(),
  dayStartEquityUsd: v.number(),
};

export const vOrderState = v.union(
  v.literal("intended"),
  v.literal("sent"),
  v.literal("accepted"),
  v.literal("partiallyFilled"),
  v.literal("pendingCancel"),
  v.literal("unknown"),
  v.literal("filled"),
  v.literal("canceled"),
  v.literal("expired"),
  v.literal("rejected"),
  v.literal("blocked"),
  v.literal("notAccepted"),
);

export const orderFields = {
  runId: v.id("runs"),
  decisionId: v.optional(v.id("decisions")),
  clientOrderId: v.string(),
  /** Why it exists: a decision, the kill switch, or the end of the run. */
  origin: v.union(v.literal("decision"), v.literal("killSwitch"), v.literal("stopRun")),
  qty: v.number(),
  reduceOnly: v.boolean(),
  stopPrice: v.number(),
  state: vOrderState,
  filledQty: v.number(),
  averagePrice: v.number(),
  barOpenTimeMs: v.number(),
  reason: v.optional(v.string()),
  createdAtMs: v.number(),
  updatedAtMs: v.number(),
};

export const fillFields = {
  runId: v.id("runs"),
  /** Deterministic, so that a repeated bar books nothing twice. */
  tradeId: v.string(),
  clientOrderId: v.string(),
  reason: v.union(v.literal("order"), v.literal("stop"), v.literal("liquidation")),
  timeMs: v.number(),
  qty: v.number(),
  price: v.number(),
  referencePrice: v.number(),
  feeUsd: v.number(),
  slippageUsd: v.number(),
  realisedPnlUsd: v.number(),
  positionQtyAfter: v.number(),
};

/** Double entry: the lines of a row sum to zero. */
export const ledgerFields = {
  runId: v.id("runs"),
  sequence: v.number(),
  timeMs: v.number(),
  kind: v.union(v.literal("deposit"), v.literal("fill"), v.literal("funding")),
  reference: v.string(),
  lines: v.array(v.object({ account: v.string(), amountUsd: v.number() })),
};

export const equityFields = {
  runId: v.id("runs"),
  part: v.number(),
  timesMs: v.array(v.number()),
  equityUsd: v.array(v.number()),
  stopPrice: v.array(v.number()),
};

export const executionTables = {
  accounts: defineTable(accountFields).index("by_run", ["runId"]),
  orders: defineTable(orderFields)
    .index("by_run_and_bar", ["runId", "barOpenTimeMs"])
    .index("by_run_and_state", ["runId", "state"])
    .index("by_clientOrderId", ["clientOrderId"]),
  fills: defineTable(fillFields)
    .index("by_run_and_time", ["runId", "timeMs"])
    .index("by_tradeId", ["tradeId"]),
  ledgerEntries: defineTable(ledgerFields).index("by_run_and_sequence", ["runId", "sequence"]),
  equityParts: defineTable(equityFields).index("by_run_and_part", ["runId", "part"]),
};
