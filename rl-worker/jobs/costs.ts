/** The execution costs that a request was made under, checked against the hash it names. */
import { api } from "../../convex/_generated/api";
import { costModelHash } from "../../lib/broker/charges";
import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import type { CostModel } from "../../lib/broker/types";
import type { Desk } from "../transport/desk";

/** A request of an older desk names no model and means the shipped one. Throws when the content has changed. */
export async function costsOf(
  desk: Desk,
  request: { instrument: string; costModelId?: string; costModelHash?: string },
): Promise<CostModel> {
  const { instrument, costModelId, costModelHash: hash } = request;
  if (costModelId === undefined) return DEFAULT_COST_MODEL;
  const { model } = await desk.query(api.costs.worker.model, { instrument, modelId: costModelId });
  if (costModelHash(model) !== hash) {
    throw new Error(`Cost model ${costModelId} is not the one that this was requested with`);
  }
  return model;
}
