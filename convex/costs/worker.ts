import { v } from "convex/values";
import { workerQuery } from "../builders";
import { vCostModel } from "../validators";
import { requireModel } from "./model";

/** A cost model's content, checked against its hash. */
export const model = workerQuery({
  args: { instrument: v.string(), modelId: v.string() },
  returns: v.object({ modelId: v.string(), hash: v.string(), model: vCostModel, isMeasured: v.boolean() }),
  handler: (ctx, { instrument, modelId }) => requireModel(ctx, modelId, instrument),
});
