/** Owns walk-forwards, their slices and trades; the only writer of those tables. */
import { ConvexError, type Infer, type ObjectType } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { bytesToFloat64 } from "../../lib/core/bytes";
import { baselineProblem } from "../../lib/stats/baselineRule";
import { dailyReturns, joinDailyReturns } from "../../lib/stats/dailyReturns";
import { toPerformance } from "../../lib/stats/performance";
import { BASELINE_NAMES } from "../../lib/stats/reportTypes";
import { summariseTrades, verifyTrades } from "../../lib/stats/summariseTrades";
import { summariseWalkForward } from "../../lib/stats/walkForwardSummary";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { assertTrainable, recipeHash, requireTrainingDataset } from "../agents/model";
import type { vRecipe } from "../agents/schema";
import { appendAudit } from "../audit/model";
import { recordTrial } from "../evaluations/model";
import type { vTrade } from "../evaluations/schema";
import { enqueueJob, requireLease } from "../ops/model";
import {
  assertLayout,
  assertPlan,
  missingPart,
  type Plan,
  refuse,
  type WalkForwardBeginning,
} from "./checks";
import type { sliceFields, vProbe } from "./schema";

export type { Plan } from "./checks";
export { kernelSentenceOf, newestFinished, walkForwardGates } from "./gates";

export async function requireWalkForward(
  ctx: QueryCtx,
  id: Id<"walkForwards">,
): Promise<Doc<"walkForwards">> {
  const row = await ctx.db.get(id);
  if (row === null) {
    throw new ConvexError(appError("NOT_FOUND", "This walk-forward is unknown", "walkForwardId"));
  }
  return row;
}

export interface WalkForwardRequest {
  datasetId: Id<"datasets">;
  recipe: Infer<typeof vRecipe>;
  plan: Plan;
  versionId?: Id<"agentVersions">;
  champion?: { versionId: Id<"agentVersions">; recipe: Infer<typeof vRecipe> };
  searchId?: Id<"searches">;
}

/** Checks the request against its dataset and queues the job. */
export async function requestWalkForward(
  ctx: MutationCtx,
  request: WalkForwardRequest,
  actor: string,
): Promise<{ walkForwardId: Id<"walkForwards">; jobId: Id<"jobs"> }> {
  const { recipe, plan } = request;
  assertPlan(plan);
  assertTrainable(recipe.steps, plan.seeds, recipe.hyperparameters);
  const dataset = await requireTrainingDataset(ctx, request.datasetId);
  if (
    dataset.featureSetId !== recipe.featureSetId ||
    dataset.featureFingerprint !== recipe.featureFingerprint
  ) {
    refuse("datasetId", `the dataset holds ${dataset.featureSetId}, the recipe wants ${recipe.featureSetId}`);
  }
  const { instrument, timeframe } = dataset;
  const walkForwardId = await ctx.db.insert("walkForwards", {
    ...request,
    instrument,
    timeframe,
    datasetHash: dataset.datasetHash,
    simulated: dataset.simulated,
    recipeHash: recipeHash(recipe, instrument, timeframe),
    status: "queued",
    requestedBy: actor,
    foldRanges: [],
    probes: [],
    createdAtMs: Date.now(),
  });
  const jobId = await enqueueJob(ctx, { kind: "walkForward", walkForwardId }, actor);
  await ctx.db.patch(walkForwardId, { jobId });
  await appendAudit(ctx, {
    actor,
    action: "walkForward.request",
    subjectType: "walkForward",
    subjectId: walkForwardId,
    detail: {
      folds: plan.folds,
      seeds: plan.seeds.join(","),
      algorithm: recipe.algorithm,
      steps: recipe.steps,
      datasetHash: dataset.datasetHash,
    },
  });
  return { walkForwardId, jobId };
}

/** The walk-forward, if the caller holds the lease of the job that runs it (W-05). */
export async function requireWalkForwardLease(
  ctx: QueryCtx,
  jobId: Id<"jobs">,
  leaseToken: number,
  walkForwardId: Id<"walkForwards">,
): Promise<Doc<"walkForwards">> {
  const job = await requireLease(ctx, jobId, leaseToken);
  if (job.payload.kind !== "walkForward" || job.payload.walkForwardId !== walkForwardId) {
    throw new ConvexError(appError("LEASE_LOST", "This lease is for another walk-forward", "walkForwardId"));
  }
  return requireWalkForward(ctx, walkForwardId);
}

const trialOf = (
  { _id, instrument, timeframe, versionId, recipeHash: hash }: Doc<"walkForwards">,
  foldRanges: WalkForwardBeginning["foldRanges"],
) => ({
  ...{ instrument, timeframe, walkForwardId: _id, versionId, recipeHash: hash },
  fromMs: foldRanges[0]?.trainFromMs,
  toMs: foldRanges.at(-1)?.testToMs,
});

/** The layout of the folds, and a trial from now on; a second worker that goes on must come to the same one. */
export async function beginWalkForward(
  ctx: MutationCtx,
  walkForward: Doc<"walkForwards">,
  beginning: WalkForwardBeginning,
): Promise<void> {
  if (
    walkForward.environmentHash !== undefined &&
    walkForward.environmentHash !== beginning.environmentHash
  ) {
    throw new ConvexError(
      appError(
        "CONFLICT",
        "The environment has changed since this walk-forward began; start a new one",
        "environmentHash",
      ),
    );
  }
  assertLayout(walkForward, beginning);
  const kind = walkForward.searchId === undefined ? "walkForward" : "search";
  await recordTrial(ctx, { ...trialOf(walkForward, beginning.foldRanges), kind });
  const { kernel, ...layout } = beginning;
  const { kernels = [] } = walkForward;
  await ctx.db.patch(walkForward._id, {
    ...layout,
    kernels: kernels.includes(kernel) ? kernels : [...kernels, kernel],
    status: "running",
    startedAtMs: walkForward.startedAtMs ?? Date.now(),
    error: undefined,
  });
}

export async function slicesOf(
  ctx: QueryCtx,
  walkForwardId: Id<"walkForwards">,
): Promise<Doc<"walkForwardSlices">[]> {
  const perFold = LIMITS.walkForwardSeedsMax * 2 * (LIMITS.costMultipliersMax + 1) + 8;
  return ctx.db
    .query("walkForwardSlices")
    .withIndex("by_walkForward_and_fold", (q) => q.eq("walkForwardId", walkForwardId))
    .take(LIMITS.walkForwardFoldsMax * perFold);
}

type Slice = ObjectType<typeof sliceFields>;
export interface SubmittedSlice
  extends Pick<
    Slice,
    "subject" | "fold" | "costMultiplier" | "lagBars" | "entropy" | "calibrationError" | "artifactSha256"
  > {
  trades: Infer<typeof vTrade>[];
  openTimesMs: ArrayBuffer;
  equityUsd: ArrayBuffer;
}

/**
 * Records what one subject did in one fold. Figures and daily returns are recomputed here, and a slice whose
 * trades do not explain its equity is refused. What is recorded already is left alone (W-04).
 */
export async function recordSlices(
  ctx: MutationCtx,
  { _id: walkForwardId, instrument, foldRanges }: Doc<"walkForwards">,
  slices: SubmittedSlice[],
): Promise<void> {
  const first = slices[0];
  if (first === undefined) return;
  const range = foldRanges.find(({ fold }) => fold === first.fold);
  if (range === undefined) refuse("fold", `fold ${first.fold} is not one of this walk-forward's`);
  const recorded = await ctx.db
    .query("walkForwardSlices")
    .withIndex("by_walkForward_and_fold", (q) => q.eq("walkForwardId", walkForwardId).eq("fold", first.fold))
    .take(200);
  for (const { trades, openTimesMs, equityUsd, ...fields } of slices) {
    const isSame = (row: Slice) =>
      row.subject === fields.subject &&
      row.costMultiplier === fields.costMultiplier &&
      row.lagBars === fields.lagBars;
    if (recorded.some(isSame)) continue;
    const record = {
      symbol: instrument,
      trades,
      openTimesMs: bytesToFloat64(new Uint8Array(openTimesMs)),
      equityUsd: bytesToFloat64(new Uint8Array(equityUsd)),
    };
    const check = verifyTrades(record);
    if (!check.ok)
      refuse("slices", `${fields.subject}, fold ${fields.fold} contradicts itself: ${check.error}`);
    const summary = summariseTrades(record);
    if (
      fields.fold !== range.fold ||
      summary.fromMs !== range.testFromMs ||
      summary.toMs !== range.testToMs ||
      summary.bars !== range.testRows
    ) {
      refuse("slices", `${fields.subject} does not cover every bar of the test span of fold ${range.fold}`);
    }
    const baseline = BASELINE_NAMES.find((name) => name === fields.subject);
    const broken = baseline === undefined ? null : baselineProblem(baseline, trades, record.openTimesMs);
    if (broken !== null) refuse("slices", `Fold ${fields.fold}: ${broken}`);
    const sliceId = await ctx.db.insert("walkForwardSlices", {
      walkForwardId,
      ...fields,
      performance: toPerformance(summary),
      daily: dailyReturns(record.openTimesMs, record.equityUsd),
    });
    if (fields.costMultiplier !== 1 || fields.lagBars !== 0) continue;
    for (let part = 0; part * LIMITS.tradesPerPart < trades.length; part++) {
      const from = part * LIMITS.tradesPerPart;
      await ctx.db.insert("walkForwardTrades", {
        sliceId,
        part,
        trades: trades.slice(from, from + LIMITS.tradesPerPart),
      });
    }
  }
}

export async function recordProbe(
  ctx: MutationCtx,
  walkForward: Doc<"walkForwards">,
  probe: Infer<typeof vProbe>,
): Promise<void> {
  const others = walkForward.probes.filter((row) => row.probe !== probe.probe);
  await ctx.db.patch(walkForward._id, { probes: [...others, probe] });
}

/** Draws the summary, leaves its Sharpe in the ledger, and keeps the column for the overfitting matrix. */
export async function finishWalkForward(
  ctx: MutationCtx,
  walkForward: Doc<"walkForwards">,
  actor: string,
): Promise<void> {
  if (walkForward.status === "finished") return;
  const { _id: walkForwardId, foldRanges } = walkForward;
  const slices = await slicesOf(ctx, walkForwardId);
  const missing = missingPart(walkForward, slices);
  if (missing !== null)
    throw new ConvexError(appError("NOT_READY", `Not finished: ${missing}`, "walkForwardId"));
  const summary = summariseWalkForward(slices);
  const median = slices
    .filter((row) => row.subject === summary.medianSubject && row.costMultiplier === 1 && row.lagBars === 0)
    .sort((a, b) => a.fold - b.fold);
  await ctx.db.insert("walkForwardDaily", {
    walkForwardId,
    daily: joinDailyReturns(median.map(({ daily }) => daily)),
  });
  await ctx.db.patch(walkForwardId, { status: "finished", summary, finishedAtMs: Date.now() });
  await recordTrial(ctx, {
    ...trialOf(walkForward, foldRanges),
    kind: "outcome",
    sharpePerDay: summary.seeds.find(({ subject }) => subject === summary.medianSubject)?.sharpe
      .perObservation,
  });
  await appendAudit(ctx, {
    actor,
    action: "walkForward.finish",
    subjectType: "walkForward",
    subjectId: walkForwardId,
    detail: { medianNetPnlUsd: summary.netPnlUsd.median, recipeHash: walkForward.recipeHash },
  });
}

/** Ends one that will not finish; what it recorded stays, so that it can be resumed. */
export async function endWalkForward(
  ctx: MutationCtx,
  walkForward: Doc<"walkForwards">,
  status: "failed" | "cancelled",
  error: string,
): Promise<void> {
  if (walkForward.status === "finished") return;
  await ctx.db.patch(walkForward._id, { status, error });
}

export async function requeueWalkForward(ctx: MutationCtx, walkForward: Doc<"walkForwards">): Promise<void> {
  await ctx.db.patch(walkForward._id, { status: "queued", error: undefined });
}
