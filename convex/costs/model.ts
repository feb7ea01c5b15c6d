/** Owns the execution-cost models and which of them is in force; the only writer of both tables. */
import { ConvexError, type Infer } from "convex/values";
import { assertCostModel, costModelHash } from "../../lib/broker/charges";
import { COST_MODELS } from "../../lib/broker/costModels";
import type { CostModel } from "../../lib/broker/types";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { findInstrument } from "../../lib/market/instruments";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import type { vCostSource } from "./schema";

export interface CostsInForce {
  modelId: string;
  hash: string;
  model: CostModel;
  /** False for the assumed model that ships with the desk. */
  isMeasured: boolean;
}

/** Refuses an argument. */
export function refuse(message: string, field: string): never {
  throw new ConvexError(appError("INVALID_ARGUMENT", message, field));
}

function shippedModelOf(instrument: string): CostModel {
  const found = findInstrument(instrument);
  if (!found.ok) refuse(found.error, "instrument");
  return COST_MODELS[found.value.costModelId]!.model;
}

export async function findModel(ctx: QueryCtx, modelId: string): Promise<Doc<"costModels"> | null> {
  return ctx.db
    .query("costModels")
    .withIndex("by_modelId", (q) => q.eq("modelId", modelId))
    .unique();
}

/** Newest first; at most a page. */
export async function usesOf(ctx: QueryCtx, instrument: string): Promise<Doc<"costModelUses">[]> {
  return ctx.db
    .query("costModelUses")
    .withIndex("by_instrument_and_sequence", (q) => q.eq("instrument", instrument))
    .order("desc")
    .take(LIMITS.pageSize);
}

/** The content behind an id, stored or shipped; refuses a stored one whose content is not its hash. */
export async function requireModel(
  ctx: QueryCtx,
  modelId: string,
  instrument: string,
): Promise<CostsInForce> {
  const shipped = COST_MODELS[modelId];
  if (shipped !== undefined) {
    return { modelId, hash: costModelHash(shipped.model), model: shipped.model, isMeasured: false };
  }
  const row = await findModel(ctx, modelId);
  if (row === null) {
    throw new ConvexError(
      appError("NOT_FOUND", `Cost model ${modelId} is unknown; see them with: assay costs list`, "modelId"),
    );
  }
  if (row.instrument !== instrument) {
    refuse(`Cost model ${modelId} was fitted for ${row.instrument}, not for ${instrument}`, "modelId");
  }
  if (costModelHash(row.model) !== row.hash) {
    throw new ConvexError(
      appError(
        "COST_MODEL_HASH_MISMATCH",
        `The content of ${modelId} is not its hash; do not use it`,
        "modelId",
      ),
    );
  }
  return { modelId, hash: row.hash, model: row.model, isMeasured: true };
}

/** What a fill of this instrument costs from now on: the model last put in force, else the shipped one. */
export async function costsInForce(ctx: QueryCtx, instrument: string): Promise<CostsInForce> {
  const [use] = await usesOf(ctx, instrument);
  return requireModel(ctx, use?.modelId ?? shippedModelOf(instrument).id, instrument);
}

export interface NewCostModel {
  instrument: string;
  model: CostModel;
  source: Infer<typeof vCostSource>;
  basis: string;
}

/** Stores a model for ever. The same content again is the same row; an id can never get another content. */
export async function saveModel(
  ctx: MutationCtx,
  { instrument, model, source, basis }: NewCostModel,
  actor: string,
): Promise<{ modelId: string; version: number; hash: string }> {
  shippedModelOf(instrument);
  try {
    assertCostModel(model);
  } catch (error) {
    refuse((error as Error).message, "model");
  }
  if (basis.trim().length < 3 || basis.length > LIMITS.basisChars) {
    refuse(`basis must be 3 to ${LIMITS.basisChars} characters; say where the numbers come from`, "basis");
  }
  const hash = costModelHash(model);
  const existing = await findModel(ctx, model.id);
  if (existing?.hash === hash && existing.instrument === instrument) {
    return { modelId: model.id, version: existing.version, hash };
  }
  if (existing !== null || COST_MODELS[model.id] !== undefined) {
    throw new ConvexError(
      appError(
        "CONFLICT",
        `Cost model ${model.id} exists with other content; a change needs a new id`,
        "model",
      ),
    );
  }
  const newest = await ctx.db
    .query("costModels")
    .withIndex("by_instrument_and_version", (q) => q.eq("instrument", instrument))
    .order("desc")
    .first();
  const version = (newest?.version ?? 0) + 1;
  await ctx.db.insert("costModels", {
    ...{ modelId: model.id, instrument, version, model, hash, source, basis },
    fittedAtMs: Date.now(),
    createdBy: actor,
  });
  await appendAudit(ctx, {
    actor,
    action: "costs.fit",
    subjectType: "costModel",
    subjectId: model.id,
    detail: { instrument, version, hash, source: source.kind },
  });
  return { modelId: model.id, version, hash };
}

/** Puts a model in force for trainings requested from now on; what was trained before keeps its own. */
export async function putInForce(
  ctx: MutationCtx,
  { instrument, modelId, reason }: { instrument: string; modelId: string; reason: string },
  actor: string,
  kind: Doc<"costModelUses">["kind"] = "use",
): Promise<{ modelId: string; hash: string }> {
  if (reason.trim().length < 3 || reason.length > LIMITS.reasonChars) {
    refuse(`reason must be 3 to ${LIMITS.reasonChars} characters; say why`, "reason");
  }
  shippedModelOf(instrument);
  const { hash } = await requireModel(ctx, modelId, instrument);
  const row = await findModel(ctx, modelId);
  if (row?.source.kind === "fills" && row.source.simulated) {
    refuse(
      `${modelId} was fitted on fills of a simulated venue; only real fills measure the market`,
      "modelId",
    );
  }
  const [newest] = await usesOf(ctx, instrument);
  await ctx.db.insert("costModelUses", {
    ...{ instrument, sequence: (newest?.sequence ?? 0) + 1, kind, modelId, hash, reason, actor },
    atMs: Date.now(),
  });
  await appendAudit(ctx, {
    actor,
    action: `costs.${kind}`,
    subjectType: "costModel",
    subjectId: modelId,
    detail: { instrument, hash, reason, previous: newest?.modelId ?? null },
  });
  return { modelId, hash };
}

/**
 * Takes back the newest choice that has not been taken back: the model chosen before it is in force again, and
 * after the first choice of all the shipped one. So repeated rollbacks go further back.
 */
export async function rollBackModel(
  ctx: MutationCtx,
  { instrument, reason }: { instrument: string; reason: string },
  actor: string,
): Promise<{ modelId: string; hash: string }> {
  const chosen: string[] = [];
  for (const { kind, modelId } of (await usesOf(ctx, instrument)).reverse()) {
    if (kind === "rollback") chosen.pop();
    else if (chosen.at(-1) !== modelId) chosen.push(modelId);
  }
  if (chosen.length === 0) {
    throw new ConvexError(
      appError(
        "CONFLICT",
        `${instrument} is on the shipped model; there is nothing to roll back to`,
        "instrument",
      ),
    );
  }
  const modelId = chosen.at(-2) ?? shippedModelOf(instrument).id;
  return putInForce(ctx, { instrument, modelId, reason }, actor, "rollback");
}
