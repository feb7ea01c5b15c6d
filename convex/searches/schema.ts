import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vAlgorithm, vHyperparameters } from "../agents/schema";
import { vTimeframe } from "../validators";

export const vSearchRange = v.object({
  name: v.string(),
  scale: v.union(v.literal("linear"), v.literal("log"), v.literal("integer"), v.literal("choice")),
  min: v.number(),
  max: v.number(),
  /** Only for the scale `choice`. */
  choices: v.array(v.number()),
});

export const vSearchStatus = v.union(
  v.literal("running"),
  v.literal("finished"),
  v.literal("failed"),
  v.literal("cancelled"),
);

/** What was asked for. */
export const searchRequestFields = {
  datasetId: v.id("datasets"),
  algorithm: vAlgorithm,
  /** Overrides that every configuration shares. */
  fixed: vHyperparameters,
  ranges: v.array(vSearchRange),
  configurations: v.number(),
  /** How the first rung's configurations are found; random when absent, as on older desks. */
  sampler: v.optional(v.union(v.literal("random"), v.literal("tpe"))),
  /** Seed of the drawing; the trainings use `trainingSeeds`. */
  seed: v.number(),
  trainingSeeds: v.array(v.number()),
  folds: v.number(),
  /** Environment steps of the first rung. */
  firstSteps: v.number(),
  /** Every rung trains this many times as long and keeps one in this many. */
  reduction: v.number(),
  /** 1 is plain random search. */
  rungs: v.number(),
};

export const searchFields = {
  ...searchRequestFields,
  instrument: v.string(),
  timeframe: vTimeframe,
  datasetHash: v.string(),
  ladder: v.array(v.object({ steps: v.number(), configurations: v.number() })),
  /** Index into `ladder`. */
  rung: v.number(),
  status: vSearchStatus,
  requestedBy: v.string(),
  /** Best Sharpe per day of the last finished rung, and its configuration. */
  best: v.optional(
    v.object({ hyperparameters: vHyperparameters, steps: v.number(), sharpePerDay: v.number() }),
  ),
  error: v.optional(v.string()),
  createdAtMs: v.number(),
  finishedAtMs: v.optional(v.number()),
};

/** One configuration on one rung: a walk-forward of its own, which any worker may run by lease. */
export const searchTrialFields = {
  searchId: v.id("searches"),
  rung: v.number(),
  index: v.number(),
  hyperparameters: vHyperparameters,
  steps: v.number(),
  walkForwardId: v.id("walkForwards"),
  status: v.union(v.literal("running"), v.literal("finished"), v.literal("failed"), v.literal("cancelled")),
  sharpePerDay: v.optional(v.number()),
  netPnlUsd: v.optional(v.number()),
};

export const searchTables = {
  searches: defineTable(searchFields).index("by_createdAt", ["createdAtMs"]),
  searchTrials: defineTable(searchTrialFields)
    .index("by_search_and_rung", ["searchId", "rung"])
    .index("by_walkForward", ["walkForwardId"]),
};
