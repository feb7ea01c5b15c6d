/** Evaluations as the worker hands them in. */
import { ConvexError, type ObjectType, v } from "convex/values";
import { appError } from "../../lib/contract/errors";
import type { Doc } from "../_generated/dataModel";
import { requireVersion } from "../agents/model";
import { workerMutation } from "../builders";
import { requireDataset } from "../datasets/model";
import { requireLease } from "../ops/model";
import { addBaseline, recordEvaluation, requireEvaluation } from "./model";
import { equityPartFields, evaluationFields, vBaselineName, vTrade } from "./schema";

const {
  performance: _performance,
  trialCount: _trialCount,
  createdAtMs: _createdAtMs,
  bars: _bars,
  simulated: _simulated,
  baselines: _baselines,
  ...submittedFields
} = evaluationFields;
const { evaluationId: _evaluationId, part: _part, ...equityColumns } = equityPartFields;

/**
 * An evaluation is evidence for one version: it must be what the job asked for, of that version's artifact, on
 * the dataset it names.
 */
function assertEvaluates(
  evaluation: ObjectType<typeof submittedFields>,
  { payload }: Doc<"jobs">,
  version: Doc<"agentVersions">,
  dataset: Doc<"datasets">,
): void {
  if (payload.kind !== "evaluate" || payload.versionId !== evaluation.versionId) {
    throw new ConvexError(appError("LEASE_LOST", "This lease is for another evaluation", "versionId"));
  }
  const expected = {
    source: payload.source,
    fromMs: payload.fromMs,
    toMs: payload.toMs,
    artifactSha256: version.artifactSha256,
    instrument: version.instrument,
    timeframe: version.timeframe,
    datasetHash: dataset.datasetHash,
  };
  for (const [field, value] of Object.entries(expected)) {
    if (evaluation[field as keyof typeof expected] === value) continue;
    throw new ConvexError(
      appError("INVALID_ARGUMENT", `${field} is not that of the evaluation asked for; evaluate again`, field),
    );
  }
  if (dataset.instrument !== version.instrument || dataset.timeframe !== version.timeframe) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", "the dataset is of another instrument or timeframe", "datasetId"),
    );
  }
}

/** Trades and equity go in; every figure that gates read is recomputed from them here. */
export const record = workerMutation({
  limit: "tokenCalls",
  args: {
    leaseToken: v.number(),
    evaluation: v.object(submittedFields),
    tradeParts: v.array(v.object({ trades: v.array(vTrade) })),
    equityParts: v.array(v.object(equityColumns)),
  },
  returns: v.id("evaluations"),
  handler: async (ctx, { leaseToken, ...submitted }) => {
    const { evaluation } = submitted;
    const job = await requireLease(ctx, evaluation.jobId, leaseToken);
    const dataset = await requireDataset(ctx, evaluation.datasetId);
    assertEvaluates(evaluation, job, await requireVersion(ctx, evaluation.versionId), dataset);
    return recordEvaluation(ctx, submitted, dataset.simulated, ctx.actor.tokenIdentifier);
  },
});

/**
 * One baseline of a recorded evaluation, over the same bars. Its figures too are recomputed from trades and equity;
 * until all are there, the gate that compares with them fails. The same one records once.
 */
export const recordBaseline = workerMutation({
  limit: "tokenCalls",
  args: {
    jobId: v.id("jobs"),
    leaseToken: v.number(),
    evaluationId: v.id("evaluations"),
    name: vBaselineName,
    rule: v.string(),
    tradeParts: v.array(v.object({ trades: v.array(vTrade) })),
    /** Little-endian float64, one value a bar. */
    equityParts: v.array(v.bytes()),
  },
  returns: v.null(),
  handler: async (ctx, { jobId, leaseToken, evaluationId, ...baseline }) => {
    const { payload } = await requireLease(ctx, jobId, leaseToken);
    const evaluation = payload.kind === "evaluate" ? await requireEvaluation(ctx, evaluationId) : null;
    if (evaluation?.jobId !== jobId) {
      throw new ConvexError(appError("LEASE_LOST", "This lease is for another evaluation", "evaluationId"));
    }
    await addBaseline(ctx, evaluation, baseline);
    return null;
  },
});
