/** Evaluations as the worker hands them in. */
import { v } from "convex/values";
import { workerMutation } from "../builders";
import { requireDataset } from "../datasets/model";
import { requireLease } from "../ops/model";
import { recordEvaluation } from "./model";
import { equityPartFields, evaluationFields, vTrade } from "./schema";

const {
  performance: _performance,
  trialCount: _trialCount,
  createdAtMs: _createdAtMs,
  bars: _bars,
  simulated: _simulated,
  ...submittedFields
} = evaluationFields;
const { evaluationId: _evaluationId, part: _part, ...equityColumns } = equityPartFields;

/** Trades and equity go in; every figure that gates read is recomputed from them here. */
export const record = workerMutation({
  args: {
    leaseToken: v.number(),
    evaluation: v.object(submittedFields),
    tradeParts: v.array(v.object({ trades: v.array(vTrade) })),
    equityParts: v.array(v.object(equityColumns)),
  },
  returns: v.id("evaluations"),
  handler: async (ctx, { leaseToken, ...submitted }) => {
    await requireLease(ctx, submitted.evaluation.jobId, leaseToken);
    const dataset = await requireDataset(ctx, submitted.evaluation.datasetId);
    return recordEvaluation(ctx, submitted, dataset.simulated, ctx.actor.tokenIdentifier);
  },
});
