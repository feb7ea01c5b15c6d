/** Owns learning cycles: each step is started by the end of the one before it, on the server, and can be repeated. */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { timeframeMs } from "../../lib/market/timeframe";
import type { Timeframe } from "../../lib/market/types";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { recipeHash, recipeOf, requestTraining, requireVersion, setTrainingStatus } from "../agents/model";
import { appendAudit } from "../audit/model";
import { championOf } from "../governance/model";
import { findSeries } from "../market/model";
import { enqueueJob, type JobPayload, releaseJob } from "../ops/model";
import { endShadow, requireShadow } from "../shadows/model";
import { endWalkForward, requestWalkForward, requireWalkForward } from "../walkForwards/model";
import { activeCycle, end, LEARNER, learningPolicy, move, policiesInForce, requireCycle } from "./ledger";
import { deltasOnFolds, judge, settleShadow } from "./promotion";

export { activeCycle, learningPolicy, policiesInForce, requireCycle, setLearningPolicy } from "./ledger";

type Cycle = Doc<"learningCycles">;

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export interface CycleRequest {
  instrument: string;
  timeframe: Timeframe;
  trigger: Cycle["trigger"];
  /** Bars from here on are left out; default: the newest stored bar. */
  asOfMs?: number;
}

/** The days that a cycle trains and is evaluated on; the newest are for the evaluation. */
async function windows(ctx: QueryCtx, request: CycleRequest, policy: Cycle["policy"]) {
  const { instrument, timeframe, asOfMs = Number.POSITIVE_INFINITY } = request;
  const { source, sourceTimeframe } = policy;
  const series = await findSeries(ctx, { instrument, timeframe: sourceTimeframe, source });
  const step = timeframeMs(timeframe);
  const newestMs = series === null ? 0 : series.lastOpenTimeMs + timeframeMs(sourceTimeframe);
  const evaluateToMs = Math.floor(Math.min(newestMs, asOfMs) / step) * step;
  const trainToMs = evaluateToMs - policy.evaluationDays * DAY_MS;
  const firstMs = Math.ceil((series?.firstOpenTimeMs ?? 0) / step) * step;
  const trainFromMs = Math.max(firstMs, trainToMs - policy.trainingDays * DAY_MS);
  if (series === null || trainFromMs >= trainToMs) {
    const what = `${sourceTimeframe} bars of ${instrument} from ${source}`;
    const message =
      series === null
        ? `There are no ${what}; import some, or set the policy's source`
        : `The ${what} do not reach back over ${policy.evaluationDays} days of evaluation; set fewer evaluationDays`;
    throw new ConvexError(appError("NO_DATA", message, "source"));
  }
  return { trainFromMs, trainToMs, evaluateToMs };
}

/** Starts a cycle. Refuses a second one on the same instrument, and a policy without bars to learn from. */
export async function startCycle(
  ctx: MutationCtx,
  request: CycleRequest,
  actor: string,
): Promise<Id<"learningCycles">> {
  const { instrument, timeframe, trigger } = request;
  const running = await activeCycle(ctx, instrument);
  if (running !== null) {
    const message = `A learning cycle of ${instrument} is at "${running.status}" already; cancel it, or wait for its end`;
    throw new ConvexError(appError("ALREADY_RUNNING", message, "instrument"));
  }
  const { values } = await learningPolicy(ctx, instrument, timeframe);
  const cycle = await insertCycle(ctx, request, actor, await windows(ctx, request, values));
  await appendAudit(ctx, {
    actor,
    action: "learning.start",
    subjectType: "learningCycle",
    subjectId: cycle._id,
    detail: { instrument, timeframe, trigger, policyVersion: cycle.policyVersion },
  });
  await takeStep(ctx, cycle, undefined);
  return cycle._id;
}

async function insertCycle(
  ctx: MutationCtx,
  { instrument, timeframe, trigger }: CycleRequest,
  startedBy: string,
  span: Pick<Cycle, "trainFromMs" | "trainToMs" | "evaluateToMs">,
): Promise<Cycle> {
  const { version: policyVersion, values: policy } = await learningPolicy(ctx, instrument, timeframe);
  const champion = await championOf(ctx, instrument);
  const now = Date.now();
  const cycleId = await ctx.db.insert("learningCycles", {
    ...{ instrument, timeframe, policyVersion, policy, trigger, startedBy, ...span },
    status: "queued",
    isActive: true,
    championVersionId: champion?.versionId,
    gates: [],
    foldDeltas: [],
    evaluationDeltas: [],
    reasons: [],
    startedAtMs: now,
    updatedAtMs: now,
  });
  return requireCycle(ctx, cycleId);
}

async function job(ctx: MutationCtx, payload: JobPayload): Promise<Id<"jobs">> {
  return enqueueJob(ctx, payload, LEARNER);
}

/** The next step of a cycle whose job has succeeded with `resultId`. */
async function takeStep(ctx: MutationCtx, cycle: Cycle, resultId: string | undefined): Promise<void> {
  const { policy, instrument, timeframe, trainFromMs: fromMs, trainToMs: toMs } = cycle;
  const { source, sourceTimeframe, featureSetId } = policy;
  switch (cycle.status) {
    case "queued": {
      const build = { instrument, timeframe, source, sourceTimeframe, fromMs, toMs, featureSetId };
      const jobId = await job(ctx, { kind: "datasetBuild", purpose: "training", ...build });
      return move(ctx, cycle, "dataset", "Builds the training window.", { jobId });
    }
    case "dataset": {
      const datasetId = resultId as Id<"datasets">;
      const { algorithm, steps, hyperparameters, seeds } = policy;
      const request = { datasetId, algorithm, steps, seed: seeds[0]!, hyperparameters };
      const { versionId, jobId } = await requestTraining(ctx, request, LEARNER);
      const fields = { datasetId, challengerVersionId: versionId, jobId };
      return move(ctx, cycle, "training", "Trains the challenger.", fields);
    }
    case "training":
      return startWalkForward(ctx, cycle);
    case "walkForward": {
      const foldDeltas = await deltasOnFolds(ctx, cycle);
      const jobId = await evaluate(ctx, cycle, cycle.challengerVersionId!);
      return move(ctx, cycle, "evaluation", "Evaluates the challenger on the newest days.", {
        foldDeltas,
        jobId,
      });
    }
    case "evaluation": {
      const evaluationId = resultId as Id<"evaluations">;
      if (cycle.championVersionId === undefined) return judge(ctx, { ...cycle, evaluationId });
      const jobId = await evaluate(ctx, cycle, cycle.championVersionId);
      const sentence = "Evaluates the champion on the same days.";
      return move(ctx, cycle, "championEvaluation", sentence, { evaluationId, jobId });
    }
    case "championEvaluation":
      return judge(ctx, { ...cycle, championEvaluationId: resultId as Id<"evaluations"> });
  }
}

function evaluate(ctx: MutationCtx, cycle: Cycle, versionId: Id<"agentVersions">): Promise<Id<"jobs">> {
  const { source, sourceTimeframe } = cycle.policy;
  const range = { fromMs: cycle.trainToMs, toMs: cycle.evaluateToMs };
  return job(ctx, { kind: "evaluate", versionId, source, sourceTimeframe, ...range });
}

/** The champion's recipe is retrained beside the challenger's on the same folds, unless they are one recipe. */
async function startWalkForward(ctx: MutationCtx, cycle: Cycle): Promise<void> {
  const { instrument, timeframe, policy, datasetId, championVersionId } = cycle;
  const challenger = await requireVersion(ctx, cycle.challengerVersionId!);
  const recipe = recipeOf(challenger);
  const rival = championVersionId === undefined ? null : await requireVersion(ctx, championVersionId);
  const hash = recipeHash(recipe, instrument, timeframe);
  const isSame = rival !== null && recipeHash(recipeOf(rival), rival.instrument, rival.timeframe) === hash;
  const fits =
    rival !== null && rival.timeframe === timeframe && rival.featureFingerprint === recipe.featureFingerprint;
  const { folds, trainFraction, seeds, costMultipliers, probes } = policy;
  const { walkForwardId, jobId } = await requestWalkForward(
    ctx,
    {
      datasetId: datasetId!,
      recipe,
      plan: { folds, mode: "expanding", trainFraction, seeds, costMultipliers, probes },
      versionId: challenger._id,
      champion: fits && !isSame ? { versionId: rival._id, recipe: recipeOf(rival) } : undefined,
    },
    LEARNER,
  );
  const sentence =
    rival === null
      ? "Walks the challenger's recipe forward; there is no champion yet."
      : isSame
        ? "Walks the recipe forward; it is the champion's too, so the two models are compared on the newest days."
        : fits
          ? "Walks both recipes forward over the same folds."
          : "Walks the challenger's recipe forward; the champion reads other features or another timeframe.";
  await move(ctx, cycle, "walkForward", sentence, { walkForwardId, jobId });
}

/** A job has ended: the cycle that waits for it goes on by itself, apart from the transaction of the worker. */
export async function noteJobEnd(ctx: MutationCtx, jobId: Id<"jobs">): Promise<void> {
  const cycle = await ctx.db
    .query("learningCycles")
    .withIndex("by_job", (q) => q.eq("jobId", jobId))
    .first();
  if (cycle?.isActive) await scheduleAdvance(ctx, cycle._id);
}

export async function scheduleAdvance(ctx: MutationCtx, cycleId: Id<"learningCycles">): Promise<void> {
  await ctx.scheduler.runAfter(0, internal.learning.internal.advance, { cycleId });
}

export async function scheduleSettling(ctx: MutationCtx, shadowId: Id<"shadows">): Promise<void> {
  const { cycleId } = await requireShadow(ctx, shadowId);
  await scheduleAdvance(ctx, cycleId);
}

/**
 * Takes the step that a cycle is due, if any: idempotent, so that the end of a job and the minute's sweep may both
 * ask. An expected refusal ends the cycle with its reason; nothing is promoted by a step that did not succeed.
 */
export async function advanceCycle(ctx: MutationCtx, cycle: Cycle): Promise<void> {
  if (!cycle.isActive) return;
  try {
    if (cycle.status === "shadow") return await settleShadow(ctx, cycle);
    const awaited = cycle.jobId === undefined ? null : await ctx.db.get(cycle.jobId);
    if (awaited === null || awaited.status === "queued" || awaited.status === "running") return;
    if (awaited.status === "succeeded") return await takeStep(ctx, cycle, awaited.resultId);
    const isCancelled = awaited.status === "cancelled";
    const why = awaited.error?.message ?? "its job was cancelled";
    await end(ctx, cycle, isCancelled ? "cancelled" : "failed", `At "${cycle.status}": ${why}`);
  } catch (error) {
    const data = error instanceof ConvexError ? (error.data as { message?: string }) : null;
    if (data === null) throw error;
    await end(ctx, cycle, "failed", `After "${cycle.status}": ${data.message ?? String(error)}`);
  }
}

/** Stops a cycle; what its job has recorded stays. */
export async function cancelCycle(ctx: MutationCtx, cycle: Cycle, actor: string): Promise<void> {
  if (!cycle.isActive) {
    throw new ConvexError(appError("CONFLICT", `This cycle is already ${cycle.status}`, "cycleId"));
  }
  const reason = `Cancelled by ${actor}.`;
  const awaited = cycle.jobId === undefined ? null : await ctx.db.get(cycle.jobId);
  if (awaited !== null) await releaseJob(ctx, awaited);
  if (awaited?.status === "queued" && awaited.payload.kind === "train") {
    const version = await requireVersion(ctx, awaited.payload.versionId);
    await setTrainingStatus(ctx, version, "cancelled", reason);
  }
  if (awaited?.status === "queued" && awaited.payload.kind === "walkForward") {
    const walkForward = await requireWalkForward(ctx, awaited.payload.walkForwardId);
    await endWalkForward(ctx, walkForward, "cancelled", reason);
  }
  const shadow = cycle.shadowId === undefined ? null : await requireShadow(ctx, cycle.shadowId);
  if (shadow?.isActive) await endShadow(ctx, shadow, "ended", reason);
  await end(ctx, cycle, "cancelled", reason);
}

/** Every minute: what lost its trigger goes on, and cycles whose cadence is due begin. */
export async function sweepCycles(ctx: MutationCtx): Promise<void> {
  const active = await ctx.db
    .query("learningCycles")
    .withIndex("by_active", (q) => q.eq("isActive", true))
    .take(100);
  for (const cycle of active) await advanceCycle(ctx, cycle);
  for (const { instrument, timeframe, values } of await policiesInForce(ctx)) {
    if (!values.enabled || (await activeCycle(ctx, instrument)) !== null) continue;
    const newest = await ctx.db
      .query("learningCycles")
      .withIndex("by_instrument_and_startedAt", (q) => q.eq("instrument", instrument))
      .order("desc")
      .filter((q) => q.eq(q.field("timeframe"), timeframe))
      .first();
    if (newest !== null && Date.now() - newest.startedAtMs < values.cadenceHours * HOUR_MS) continue;
    await startDue(ctx, { instrument, timeframe, trigger: "cadence" });
  }
}

/** Starts a cycle that nobody waits for; a refusal is kept as a failed cycle, so that it is seen and waits its turn. */
export async function startDue(ctx: MutationCtx, request: CycleRequest): Promise<void> {
  try {
    await startCycle(ctx, request, LEARNER);
  } catch (error) {
    if (!(error instanceof ConvexError)) throw error;
    const { message } = error.data as { message: string };
    const cycle = await insertCycle(ctx, request, LEARNER, { trainFromMs: 0, trainToMs: 0, evaluateToMs: 0 });
    await end(ctx, cycle, "failed", message);
  }
}
