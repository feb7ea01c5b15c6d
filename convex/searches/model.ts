/** Owns searches and their trials; the only writer of those tables. Each trial is a walk-forward of its own. */
import { ConvexError, type ObjectType } from "convex/values";
import { appError } from "../../lib/contract/errors";
import {
  checkRanges,
  halvingLadder,
  SEARCH_LIMITS,
  sampleConfigurations,
  survivors,
} from "../../lib/search/sampleConfigurations";
import { proposeConfigurations } from "../../lib/search/tpe";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { recipeFor, requireTrainingDataset } from "../agents/model";
import { appendAudit } from "../audit/model";
import { releaseJob, requireJob, resumeJob } from "../ops/model";
import { endWalkForward, requestWalkForward, requeueWalkForward } from "../walkForwards/model";
import type { searchRequestFields } from "./schema";

export type SearchRequest = ObjectType<typeof searchRequestFields>;

export async function requireSearch(ctx: QueryCtx, id: Id<"searches">): Promise<Doc<"searches">> {
  const search = await ctx.db.get(id);
  if (search === null) throw new ConvexError(appError("NOT_FOUND", "This search is unknown", "searchId"));
  return search;
}

function refuse(field: string, message: string): never {
  throw new ConvexError(appError("INVALID_ARGUMENT", message, field));
}

function assertRequest(request: SearchRequest): void {
  const ranges = checkRanges(request.ranges);
  if (!ranges.ok) refuse(ranges.error.field, ranges.error.message);
  const whole = (field: "configurations" | "reduction" | "rungs", low: number, high: number) => {
    const value = request[field];
    if (!Number.isInteger(value) || value < low || value > high) {
      refuse(field, `${field} must be a whole number from ${low} to ${high}`);
    }
  };
  whole("configurations", 2, SEARCH_LIMITS.configurationsMax);
  whole("reduction", 2, 8);
  whole("rungs", 1, SEARCH_LIMITS.rungsMax);
  const overlap = request.ranges.find(({ name }) => name in request.fixed);
  if (overlap !== undefined) refuse("fixed", `${overlap.name} is both fixed and searched; name it once`);
}

export async function trialsOfRung(
  ctx: QueryCtx,
  searchId: Id<"searches">,
  rung: number,
): Promise<Doc<"searchTrials">[]> {
  return ctx.db
    .query("searchTrials")
    .withIndex("by_search_and_rung", (q) => q.eq("searchId", searchId).eq("rung", rung))
    .take(SEARCH_LIMITS.configurationsMax);
}

export async function requestSearch(
  ctx: MutationCtx,
  request: SearchRequest,
  actor: string,
): Promise<Id<"searches">> {
  const dataset = await requireTrainingDataset(ctx, request.datasetId);
  assertRequest(request);
  const { configurations, firstSteps, reduction, rungs } = request;
  const searchId = await ctx.db.insert("searches", {
    ...request,
    instrument: dataset.instrument,
    timeframe: dataset.timeframe,
    datasetHash: dataset.datasetHash,
    ladder: halvingLadder(configurations, firstSteps, reduction, rungs),
    rung: 0,
    status: "running",
    requestedBy: actor,
    createdAtMs: Date.now(),
  });
  const search = await requireSearch(ctx, searchId);
  await startRung(ctx, search, 0, nextConfigurations(search, []));
  await appendAudit(ctx, {
    actor,
    action: "search.request",
    subjectType: "search",
    subjectId: searchId,
    detail: {
      ...{ algorithm: request.algorithm, configurations, rungs, datasetHash: dataset.datasetHash },
      sampler: request.sampler ?? "random",
    },
  });
  return searchId;
}

/**
 * What the first rung tries after these, which have all ended: everything at once when drawn at random, batch after
 * batch when each is proposed from the scores of those before. None when the rung is full.
 */
function nextConfigurations(
  { sampler, ranges, configurations, seed }: Doc<"searches">,
  trials: readonly Doc<"searchTrials">[],
): Record<string, number>[] {
  if (sampler !== "tpe") return trials.length > 0 ? [] : sampleConfigurations(ranges, configurations, seed);
  const observed = trials.map((row) => ({ configuration: row.hyperparameters, score: scoreOf(row) }));
  return proposeConfigurations(ranges, observed, configurations, seed);
}

const scoreOf = (trial: Doc<"searchTrials">): number | null =>
  trial.status === "finished" ? (trial.sharpePerDay ?? null) : null;

/** Queues a walk-forward for each; `from` is how many trials the rung has already. */
async function startRung(
  ctx: MutationCtx,
  search: Doc<"searches">,
  rung: number,
  configurations: Record<string, number>[],
  from = 0,
): Promise<void> {
  const { steps } = search.ladder[rung]!;
  const dataset = await requireTrainingDataset(ctx, search.datasetId);
  for (const [index, drawn] of configurations.entries()) {
    const hyperparameters = { ...search.fixed, ...drawn };
    const { walkForwardId } = await requestWalkForward(
      ctx,
      {
        datasetId: search.datasetId,
        recipe: await recipeFor(ctx, dataset, { algorithm: search.algorithm, steps, hyperparameters }),
        plan: {
          folds: search.folds,
          mode: "expanding",
          trainFraction: 0.5,
          seeds: search.trainingSeeds,
          costMultipliers: [1],
          probes: false,
        },
        searchId: search._id,
      },
      search.requestedBy,
    );
    await ctx.db.insert("searchTrials", {
      searchId: search._id,
      rung,
      index: from + index,
      hyperparameters: drawn,
      steps,
      walkForwardId,
      status: "running",
    });
  }
  await ctx.db.patch(search._id, { rung });
}

/**
 * Called when a walk-forward of a search has ended: notes its score and, when the rung is done, starts the next
 * one with the best, or ends the search.
 */
export async function advanceSearch(ctx: MutationCtx, walkForward: Doc<"walkForwards">): Promise<void> {
  const trial = await ctx.db
    .query("searchTrials")
    .withIndex("by_walkForward", (q) => q.eq("walkForwardId", walkForward._id))
    .unique();
  if (trial === null) return;
  const { summary, status } = walkForward;
  const median = summary?.seeds.find(({ subject }) => subject === summary.medianSubject);
  await ctx.db.patch(trial._id, {
    status: status === "finished" || status === "failed" || status === "cancelled" ? status : "running",
    sharpePerDay: median?.sharpe.perObservation,
    netPnlUsd: median?.netPnlUsd,
  });
  const search = await requireSearch(ctx, trial.searchId);
  if (search.status === "running" && trial.rung === search.rung) await advanceRung(ctx, search);
}

/** Goes on when every trial of the rung has ended: more of them, the next rung with the best, or the end. */
async function advanceRung(ctx: MutationCtx, search: Doc<"searches">): Promise<void> {
  const trials = (await trialsOfRung(ctx, search._id, search.rung)).sort((a, b) => a.index - b.index);
  if (trials.some((row) => row.status === "running")) return;
  const more = search.rung === 0 ? nextConfigurations(search, trials) : [];
  if (more.length > 0) return startRung(ctx, search, 0, more, trials.length);
  const scores = trials.map(scoreOf);
  const next = search.ladder[search.rung + 1];
  const kept = survivors(scores, next?.configurations ?? 1).map((index) => trials[index]!);
  const best = kept[0];
  if (best === undefined) {
    await endSearch(
      ctx,
      search,
      "failed",
      "No configuration of this rung finished; look at its walk-forwards",
    );
    return;
  }
  const { hyperparameters, steps } = best;
  await ctx.db.patch(search._id, {
    best: {
      hyperparameters: { ...search.fixed, ...hyperparameters },
      steps,
      sharpePerDay: best.sharpePerDay!,
    },
  });
  if (next === undefined) await endSearch(ctx, search, "finished");
  else
    await startRung(
      ctx,
      search,
      search.rung + 1,
      kept.map((row) => row.hyperparameters),
    );
}

async function endSearch(
  ctx: MutationCtx,
  search: Doc<"searches">,
  status: "finished" | "failed" | "cancelled",
  error?: string,
): Promise<void> {
  await ctx.db.patch(search._id, { status, error, finishedAtMs: Date.now() });
}

/**
 * Goes on with a cancelled search: the trials that were stopped go back to the queue with the folds they have, and
 * what is proposed after them is what would have been.
 */
export async function resumeSearch(ctx: MutationCtx, search: Doc<"searches">, actor: string): Promise<void> {
  if (search.status !== "cancelled") {
    throw new ConvexError(
      appError("CONFLICT", `Only a cancelled search resumes; this one is ${search.status}`, "searchId"),
    );
  }
  const stopped = (await trialsOfRung(ctx, search._id, search.rung)).filter(
    (trial) => trial.status === "cancelled",
  );
  for (const trial of stopped) {
    const walkForward = await ctx.db.get(trial.walkForwardId);
    if (walkForward?.jobId === undefined) continue;
    // Refuses while a worker is still on its way to stop: then nothing of this is kept.
    await resumeJob(ctx, await requireJob(ctx, walkForward.jobId), actor);
    await requeueWalkForward(ctx, walkForward);
    await ctx.db.patch(trial._id, { status: "running" });
  }
  await ctx.db.patch(search._id, { status: "running", error: undefined, finishedAtMs: undefined });
  await advanceRung(ctx, await requireSearch(ctx, search._id));
  await appendAudit(ctx, {
    actor,
    action: "search.resume",
    subjectType: "search",
    subjectId: search._id,
    detail: { rung: search.rung, trials: stopped.length },
  });
}

/** Cancels what is waiting or running; trials that were begun stay counted. */
export async function cancelSearch(ctx: MutationCtx, search: Doc<"searches">, actor: string): Promise<void> {
  if (search.status !== "running") {
    throw new ConvexError(appError("CONFLICT", `This search is ${search.status} already`, "searchId"));
  }
  await endSearch(ctx, search, "cancelled");
  for (const trial of await trialsOfRung(ctx, search._id, search.rung)) {
    if (trial.status !== "running") continue;
    const walkForward = await ctx.db.get(trial.walkForwardId);
    if (walkForward?.jobId === undefined) continue;
    await releaseJob(ctx, await requireJob(ctx, walkForward.jobId));
    await endWalkForward(ctx, walkForward, "cancelled", "Its search was cancelled");
    await ctx.db.patch(trial._id, { status: "cancelled" });
  }
  await appendAudit(ctx, {
    actor,
    action: "search.cancel",
    subjectType: "search",
    subjectId: search._id,
    detail: { rung: search.rung },
  });
}
