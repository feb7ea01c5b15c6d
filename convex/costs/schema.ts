import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vCostModel } from "../validators";

/** What a cost model was fitted on. */
export const vCostSource = v.union(
  v.object({
    kind: v.literal("spreadFile"),
    fileName: v.string(),
    fileSha256: v.string(),
    rows: v.number(),
    /** Months used, both inclusive, e.g. "2025-07". */
    fromMonth: v.string(),
    toMonth: v.string(),
    /** Bars behind the quantiles. */
    bars: v.number(),
    /** Where the prices came from that turned points into bps. */
    priceBasis: v.string(),
  }),
  v.object({
    kind: v.literal("fills"),
    runs: v.array(v.id("runs")),
    fills: v.number(),
    fromMs: v.number(),
    toMs: v.number(),
    /** Fills of a simulated venue measure the simulation, not the market: such a model cannot be put in force. */
    simulated: v.boolean(),
  }),
);

/** One immutable, dated table. `version` counts up per instrument; `hash` is the SHA-256 of `model`. */
export const costModelFields = {
  modelId: v.string(),
  instrument: v.string(),
  version: v.number(),
  model: vCostModel,
  hash: v.string(),
  source: vCostSource,
  /** Which numbers are measured and which assumed. */
  basis: v.string(),
  fittedAtMs: v.number(),
  createdBy: v.string(),
};

/** Which model is in force: append only, the newest row of an instrument decides. */
export const costModelUseFields = {
  instrument: v.string(),
  sequence: v.number(),
  kind: v.union(v.literal("use"), v.literal("rollback")),
  modelId: v.string(),
  hash: v.string(),
  reason: v.string(),
  actor: v.string(),
  atMs: v.number(),
};

export const costTables = {
  costModels: defineTable(costModelFields)
    .index("by_modelId", ["modelId"])
    .index("by_instrument_and_version", ["instrument", "version"]),
  costModelUses: defineTable(costModelUseFields).index("by_instrument_and_sequence", [
    "instrument",
    "sequence",
  ]),
};
