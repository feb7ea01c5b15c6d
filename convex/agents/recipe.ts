/** What a version is made from; the domain's other files and neighbours reach it through model.ts. */
import type { Infer } from "convex/values";
import { costModelHash } from "../../lib/broker/charges";
import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { sha256Hex } from "../../lib/core/sha256";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { costsInForce } from "../costs/model";
import type { vRecipe } from "./schema";

type Recipe = Infer<typeof vRecipe>;

/** How the version was made; one of an older desk was charged the costs that ship with it. */
export function recipeOf(version: Doc<"agentVersions">): Recipe {
  const { algorithm, stepsRequested, hyperparameters = {}, featureSetId, featureFingerprint } = version;
  const { costModelId = DEFAULT_COST_MODEL.id, costModelHash: hash } = version;
  return {
    ...{ algorithm, steps: stepsRequested, hyperparameters, featureSetId, featureFingerprint, costModelId },
    costModelHash: hash ?? costModelHash(DEFAULT_COST_MODEL),
  };
}

/** A recipe for a dataset's features under the costs in force now. */
export async function recipeFor(
  ctx: QueryCtx,
  { instrument, featureSetId, featureFingerprint }: Doc<"datasets">,
  made: Pick<Recipe, "algorithm" | "steps" | "hyperparameters">,
): Promise<Recipe> {
  const costs = await costsInForce(ctx, instrument);
  return { ...made, featureSetId, featureFingerprint, costModelId: costs.modelId, costModelHash: costs.hash };
}

/** One hash for a recipe on an instrument and timeframe: walk-forwards are found by it. */
export function recipeHash(recipe: Recipe, instrument: string, timeframe: string): string {
  return sha256Hex(canonicalJson({ recipe, instrument, timeframe }));
}
