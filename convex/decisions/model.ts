/**
 * Owns decisions and replays; the only writer of those tables. A decision, its risk verdicts and its order
 * are one transaction: what is recorded is what was allowed.
 */
import { ConvexError, type ObjectType } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { adjudicate, breachOf, decisionOrderId } from "../../lib/decision/adjudicate";
import { timeframeMs } from "../../lib/market/timeframe";
import { isRepeatedHold } from "../../lib/retention/policy";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { countOrders, placePaperOrder, requireAccount } from "../execution/model";
import { readKillSwitch } from "../governance/model";
import { currentLimits } from "../risk/model";
import { noteDecision, openBreaker, progressOf } from "../runs/model";
import { type replayFields, replayInputFields, type submissionFields } from "./schema";

type Submission = ObjectType<typeof submissionFields>;

const HOUR_MS = 3_600_000;
const ACTIONS = 3;
const UNKNOWN = "This decision is unknown, or the retention policy let it go";

export async function requireDecision(ctx: QueryCtx, id: Id<"decisions">): Promise<Doc<"decisions">> {
  const decision = await ctx.db.get(id);
  if (decision === null) throw new ConvexError(appError("NOT_FOUND", UNKNOWN, "decisionId"));
  return decision;
}

/** What a replay of a run's or a ghost's decision starts from. */
export async function requireReplayable(
  ctx: QueryCtx,
  id: Id<"decisions"> | Id<"shadowDecisions">,
): Promise<ObjectType<typeof replayInputFields>> {
  const row = await ctx.db.get(id);
  if (row === null) {
    throw new ConvexError(appError("NOT_FOUND", UNKNOWN, "decisionId"));
  }
  const fields = Object.keys(replayInputFields) as (keyof typeof replayInputFields)[];
  return Object.fromEntries(
    fields.filter((name) => row[name] !== undefined).map((name) => [name, row[name]]),
  ) as ObjectType<typeof replayInputFields>;
}

function assertSubmission(submission: Submission): void {
  const { action, probabilities } = submission;
  if (action === null) return;
  if (!Number.isInteger(action) || action < 0 || action >= ACTIONS) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", `action is ${action}; use 0 (short), 1 (flat) or 2 (long)`, "action"),
    );
  }
  const total = probabilities.reduce((sum, p) => sum + p, 0);
  if (probabilities.length !== ACTIONS || Math.abs(total - 1) > 1e-3 || probabilities.some((p) => p < 0)) {
    throw new ConvexError(
      appError(
        "INVALID_ARGUMENT",
        `probabilities must be ${ACTIONS} numbers of at least 0 that sum to 1`,
        "probabilities",
      ),
    );
  }
}

/**
 * What the worker says about the bar and about itself must be what the desk knows: risk judges the decision
 * by this price and this age, and a replay will load this artifact.
 */
function assertFits(submission: Submission, run: Doc<"runs">, markPrice: number): void {
  const { barOpenTimeMs, barCloseTimeMs, referencePrice, provenance } = submission;
  const refuse = (field: string, message: string) => {
    throw new ConvexError(appError("INVALID_ARGUMENT", `${field} ${message}`, field));
  };
  const closeTimeMs = barOpenTimeMs + timeframeMs(run.timeframe);
  if (barCloseTimeMs !== closeTimeMs)
    refuse("barCloseTimeMs", `is ${barCloseTimeMs}; this bar closes at ${closeTimeMs}`);
  if (referencePrice !== markPrice)
    refuse("referencePrice", `is ${referencePrice}; the close of this bar is ${markPrice}`);
  const isOfRun =
    provenance.versionId === run.versionId &&
    provenance.artifactSha256 === run.artifactSha256 &&
    provenance.trainingDatasetHash === run.datasetHash &&
    provenance.featureFingerprint === run.featureFingerprint;
  if (!isOfRun)
    refuse("provenance", "names another version, artifact, dataset or feature set than the run's");
}

/** Records the decision of one closed bar; a repeated bar returns the stored decision (O-05, K-03). */
export async function submitDecision(
  ctx: MutationCtx,
  run: Doc<"runs">,
  submission: Submission,
): Promise<{ decisionId: Id<"decisions">; outcome: "order" | "hold" }> {
  const existing = await ctx.db
    .query("decisions")
    .withIndex("by_run_and_bar", (q) => q.eq("runId", run._id).eq("barOpenTimeMs", submission.barOpenTimeMs))
    .unique();
  if (existing !== null) return { decisionId: existing._id, outcome: existing.outcome };
  assertSubmission(submission);
  const account = await requireAccount(ctx, run._id);
  if (account.account.lastBarOpenTimeMs !== submission.barOpenTimeMs) {
    throw new ConvexError(
      appError(
        "CONFLICT",
        `The account stands at bar ${account.account.lastBarOpenTimeMs}; apply bar ${submission.barOpenTimeMs} first`,
        "barOpenTimeMs",
      ),
    );
  }
  assertFits(submission, run, account.account.markPrice);
  const kill = await readKillSwitch(ctx);
  const limits = await currentLimits(ctx);
  const bar = submission.barOpenTimeMs;
  const confidence = submission.action === null ? 0 : (submission.probabilities[submission.action] ?? 0);
  const circumstances = {
    runStatus: run.desired,
    killMode: kill.mode,
    // A replayed bar arrives at its own close; only a live bar can be late.
    nowBarAgeMs: run.feed === "live" ? Math.max(0, Date.now() - submission.barCloseTimeMs) : 0,
    dayStartEquityUsd: account.dayStartEquityUsd,
    ordersLastHour: await countOrders(ctx, run._id, bar - HOUR_MS, bar),
    breaker: run.breaker?.sentence,
    sizeFactor: run.drift?.sizeFactor,
    driftHold: run.drift?.hold,
  };
  const verdict = adjudicate({
    ...circumstances,
    account: account.account,
    sizing: account.sizing,
    rules: account.rules,
    action: submission.action,
    confidence,
    forcedHold: submission.forcedHold,
    referencePrice: submission.referencePrice,
    atr: submission.atr,
    clientOrderId: decisionOrderId(run._id, bar, submission.action),
    limits: limits?.limits ?? null,
  });
  const isOrder = verdict.order !== null;
  const now = Date.now();
  const decisionId = await ctx.db.insert("decisions", {
    runId: run._id,
    sequence: (await progressOf(ctx, run)).decisions,
    instrument: run.instrument,
    ...submission,
    targetPosition: submission.action === null ? 0 : submission.action - 1,
    confidence,
    outcome: isOrder ? "order" : "hold",
    holdReason: verdict.holdReason ?? undefined,
    verdicts: verdict.verdicts,
    account: account.account,
    circumstances,
    riskLimitsVersion: limits?.version ?? 0,
    killEpoch: kill.epoch,
    plannedQty: verdict.planned?.qty ?? 0,
    plannedStopPrice: verdict.planned?.stopPrice ?? 0,
    decidedAtMs: now,
  });
  if (verdict.order !== null) {
    const orderId = await placePaperOrder(ctx, run._id, {
      order: verdict.order,
      origin: "decision",
      decisionId,
      barOpenTimeMs: submission.barOpenTimeMs,
    });
    await ctx.db.patch(decisionId, { orderId });
  }
  await noteDecision(ctx, run, decisionId, !isOrder);
  const breach = breachOf(verdict.verdicts);
  if (breach !== null && run.breaker === undefined) await openBreaker(ctx, run, breach);
  return { decisionId, outcome: isOrder ? "order" : "hold" };
}

/** The newest decisions of a run that its present model took, newest first. */
export async function decisionsOfModel(
  ctx: QueryCtx,
  run: Doc<"runs">,
  limit: number,
): Promise<Doc<"decisions">[]> {
  const rows = await ctx.db
    .query("decisions")
    .withIndex("by_run_and_bar", (q) => q.eq("runId", run._id))
    .order("desc")
    .take(limit);
  const other = rows.findIndex(({ provenance }) => provenance.versionId !== run.versionId);
  return other < 0 ? rows : rows.slice(0, other);
}

/** From the close of the bar to the order, for the newest decisions of a run that became one; not below 0. */
export async function orderDelaysMs(ctx: QueryCtx, runId: Id<"runs">, limit: number): Promise<number[]> {
  const rows = await ctx.db
    .query("decisions")
    .withIndex("by_run_and_outcome_and_bar", (q) => q.eq("runId", runId).eq("outcome", "order"))
    .order("desc")
    .take(limit);
  return rows.map(({ decidedAtMs, barCloseTimeMs }) => Math.max(0, decidedAtMs - barCloseTimeMs));
}

/**
 * Thins holds stored in (afterMs, beforeMs), at most `limit`: the first of each reason in a row stays, and so do those
 * that somebody replayed and the last decision of a run. Orders are not touched.
 */
export async function thinHolds(
  ctx: MutationCtx,
  { afterMs, beforeMs, limit }: { afterMs: number; beforeMs: number; limit: number },
): Promise<{ settledToMs: number | null; deleted: number; kept: number }> {
  const rows = await ctx.db
    .query("decisions")
    .withIndex("by_outcome", (q) =>
      q.eq("outcome", "hold").gt("_creationTime", afterMs).lt("_creationTime", beforeMs),
    )
    .take(limit);
  const lastOf = new Map<Id<"runs">, Id<"decisions"> | undefined>();
  let kept = 0;
  for (const row of rows) {
    const { _id, runId, barOpenTimeMs } = row;
    if (!lastOf.has(runId)) {
      const run = await ctx.db.get(runId);
      lastOf.set(runId, run === null ? undefined : (await progressOf(ctx, run)).lastDecisionId);
    }
    const previous = await ctx.db
      .query("decisions")
      .withIndex("by_run_and_bar", (q) => q.eq("runId", runId).lt("barOpenTimeMs", barOpenTimeMs))
      .order("desc")
      .first();
    const replay = await ctx.db
      .query("replays")
      .withIndex("by_decision", (q) => q.eq("decisionId", _id))
      .first();
    if (replay === null && lastOf.get(runId) !== _id && isRepeatedHold(previous, row)) {
      await ctx.db.delete(_id);
    } else kept += 1;
  }
  return { settledToMs: rows.at(-1)?._creationTime ?? null, deleted: rows.length - kept, kept };
}

type NewReplay = Omit<ObjectType<typeof replayFields>, "atMs">;

export async function recordReplay(ctx: MutationCtx, replay: NewReplay): Promise<Id<"replays">> {
  const existing = await ctx.db
    .query("replays")
    .withIndex("by_job", (q) => q.eq("jobId", replay.jobId))
    .unique();
  if (existing !== null) return existing._id;
  return ctx.db.insert("replays", { ...replay, atMs: Date.now() });
}
