/** Execution-cost models for people: what there is, what is in force, and changing it. */
import { v } from "convex/values";
import { COST_MODELS } from "../../lib/broker/costModels";
import { LIMITS } from "../../lib/contract/limits";
import { operatorMutation, viewerQuery } from "../builders";
import { vCostModel } from "../validators";
import { fitFromFills as fitOwnFills } from "./fit";
import { costsInForce, findModel, putInForce, rollBackModel, saveModel, usesOf } from "./model";
import { costModelFields, costModelUseFields, vCostSource } from "./schema";

const { model: _model, ...headFields } = costModelFields;
const vSaved = v.object({ modelId: v.string(), version: v.number(), hash: v.string() });
const vUsed = v.object({ modelId: v.string(), hash: v.string() });

/** The stored models of an instrument, newest first, without their tables. */
export const list = viewerQuery({
  args: { instrument: v.string() },
  returns: v.array(v.object(headFields)),
  handler: async (ctx, { instrument }) => {
    const rows = await ctx.db
      .query("costModels")
      .withIndex("by_instrument_and_version", (q) => q.eq("instrument", instrument))
      .order("desc")
      .take(LIMITS.pageSize);
    return rows.map(({ _id, _creationTime, model: _table, ...head }) => head);
  },
});

/** One model with its table, or null; a shipped one has no source. */
export const get = viewerQuery({
  args: { modelId: v.string() },
  returns: v.union(
    v.null(),
    v.object({ kind: v.literal("stored"), ...costModelFields }),
    v.object({
      kind: v.literal("shipped"),
      modelId: v.string(),
      model: vCostModel,
      basis: v.string(),
      standing: v.union(v.literal("assumed"), v.literal("experiment")),
    }),
  ),
  handler: async (ctx, { modelId }) => {
    const shipped = COST_MODELS[modelId];
    if (shipped !== undefined) {
      const { model, basis, standing } = shipped;
      return { kind: "shipped" as const, modelId, model, basis, standing };
    }
    const row = await findModel(ctx, modelId);
    if (row === null) return null;
    const { _id, _creationTime, ...fields } = row;
    return { kind: "stored" as const, ...fields };
  },
});

/** The model in force for an instrument, and the history of that choice, newest first. */
export const current = viewerQuery({
  args: { instrument: v.string() },
  returns: v.object({
    modelId: v.string(),
    hash: v.string(),
    model: vCostModel,
    isMeasured: v.boolean(),
    history: v.array(v.object(costModelUseFields)),
  }),
  handler: async (ctx, { instrument }) => {
    const uses = await usesOf(ctx, instrument);
    return {
      ...(await costsInForce(ctx, instrument)),
      history: uses.map(({ _id, _creationTime, ...use }) => use),
    };
  },
});

export const save = operatorMutation({
  args: { instrument: v.string(), model: vCostModel, source: vCostSource, basis: v.string() },
  returns: vSaved,
  handler: (ctx, args) => saveModel(ctx, args, ctx.actor.tokenIdentifier),
});

export const use = operatorMutation({
  args: { instrument: v.string(), modelId: v.string(), reason: v.string() },
  returns: vUsed,
  handler: (ctx, args) => putInForce(ctx, args, ctx.actor.tokenIdentifier),
});

export const rollback = operatorMutation({
  args: { instrument: v.string(), reason: v.string() },
  returns: vUsed,
  handler: (ctx, args) => rollBackModel(ctx, args, ctx.actor.tokenIdentifier),
});

export const fitFromFills = operatorMutation({
  args: { instrument: v.string(), runs: v.array(v.id("runs")) },
  returns: v.object({ modelId: v.string(), version: v.number(), hash: v.string(), fills: v.number() }),
  handler: (ctx, args) => fitOwnFills(ctx, args, ctx.actor.tokenIdentifier),
});
