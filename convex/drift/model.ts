/** Owns drift: references, checks, levels and alerts. A check, its level and what is done about it are one transaction. */
import { ConvexError, type Infer, type ObjectType } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { CALM, type DriftLevel, nextDriftState } from "../../lib/drift/level";
import { DEFAULT_DRIFT_POLICY, type DriftAction, type DriftPolicy, isWatched } from "../../lib/drift/policy";
import { actionShift, scoreDrift } from "../../lib/drift/score";
import { applyPlatt, expectedCalibrationError } from "../../lib/stats/calibration";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import { decisionsOfModel } from "../decisions/model";
import { newestFills } from "../execution/model";
import { championOf, rollback } from "../governance/model";
import { activeCycle, learningPolicy, startDue } from "../learning/model";
import { activeRuns, progressOf, restrain } from "../runs/model";
import type { referenceFields, vDriftLevel } from "./schema";

export { thinReports } from "./ledger";

const DRIFT_ACTOR = "system:drift";
/** Decisions and fills below which a signal is not measured. */
const DECISIONS_MIN = 50;
const DECISIONS_MAX = 500;
const FILLS_MIN = 10;
const FILLS_MAX = 200;
const CALIBRATION_BINS = 10;
const FLAT = 1;
/** Policy versions that are looked through for the last change. */
const VERSIONS_MAX = 100;
const UNRESTRAINED = "Decisions are unrestrained again.";

type Reference = Doc<"driftReferences">;

export async function referenceOf(ctx: QueryCtx, versionId: Id<"agentVersions">): Promise<Reference | null> {
  return ctx.db
    .query("driftReferences")
    .withIndex("by_version", (q) => q.eq("versionId", versionId))
    .unique();
}

/** Stores a version's reference; the first one stays. */
export async function saveReference(
  ctx: MutationCtx,
  reference: Omit<ObjectType<typeof referenceFields>, "atMs">,
): Promise<void> {
  if ((await referenceOf(ctx, reference.versionId)) !== null) return;
  await ctx.db.insert("driftReferences", { ...reference, atMs: Date.now() });
}

/** The drift part of the learning policy in force for a run; off where it does not watch runs on such bars. */
export async function driftPolicyOf(ctx: QueryCtx, run: Doc<"runs">): Promise<DriftPolicy> {
  const { drift } = (await learningPolicy(ctx, run.instrument, run.timeframe)).values;
  return { ...drift, enabled: isWatched(drift, run.feed) };
}

export async function stateOf(ctx: QueryCtx, runId: Id<"runs">): Promise<Doc<"driftStates"> | null> {
  return ctx.db
    .query("driftStates")
    .withIndex("by_run", (q) => q.eq("runId", runId))
    .unique();
}

/**
 * Since when a run is watched, or not, as its policy says now: the first of the newest policy versions in a row that
 * say the same, or the start of the run where that is later.
 */
export async function watchedSince(ctx: QueryCtx, run: Doc<"runs">): Promise<number> {
  const { instrument, timeframe, feed } = run;
  const isOn = (await driftPolicyOf(ctx, run)).enabled;
  const startedAtMs = run.startedAtMs ?? run.createdAtMs;
  const versions = ctx.db
    .query("learningPolicies")
    .withIndex("by_market_and_version", (q) => q.eq("instrument", instrument).eq("timeframe", timeframe))
    .order("desc");
  let sinceMs: number | null = null;
  for (const { values, atMs } of await versions.take(VERSIONS_MAX)) {
    if (isWatched(values.drift, feed) !== isOn) return Math.max(startedAtMs, sinceMs!);
    sinceMs = atMs;
  }
  // Before the first version the default held.
  if (isWatched(DEFAULT_DRIFT_POLICY, feed) === isOn) return startedAtMs;
  return Math.max(startedAtMs, sinceMs ?? startedAtMs);
}

/** A policy was set: what drift had restrained and nobody watches any more is let go, and says so. */
export async function releaseUnwatched(
  ctx: MutationCtx,
  market: { instrument: string; timeframe: Doc<"runs">["timeframe"] },
): Promise<void> {
  for (const run of await activeRuns(ctx)) {
    if (run.instrument !== market.instrument || run.timeframe !== market.timeframe) continue;
    const state = await stateOf(ctx, run._id);
    if (state === null || state.level === "calm" || (await driftPolicyOf(ctx, run)).enabled) continue;
    await restrain(ctx, run, null);
    const now = Date.now();
    await ctx.db.patch(state._id, { ...CALM, atMs: now });
    await ctx.db.insert("driftAlerts", {
      ...{ runId: run._id, ...market, versionId: run.versionId },
      ...{ fromLevel: state.level, level: "calm", score: state.score, signal: "policy" },
      sentence: "The learning policy does not watch this run for drift any more.",
      ...{ action: "none", actionSentence: UNRESTRAINED },
      barOpenTimeMs: (await progressOf(ctx, run)).lastBarOpenTimeMs ?? 0,
      ...{ detectedAtMs: now, actedAtMs: now, isOpen: true },
    });
  }
}

/** Actions and calibration over the model's own newest decisions of the run. */
async function decisionSignals(ctx: QueryCtx, run: Doc<"runs">, reference: Reference, windowBars: number) {
  const newest = await decisionsOfModel(ctx, run, Math.min(windowBars, DECISIONS_MAX));
  const answered = newest.filter(({ action }) => action !== null);
  if (answered.length < DECISIONS_MIN) return { actionPsi: null, calibrationGap: null };
  const share = (wanted: number) =>
    answered.filter(({ action }) => action === wanted).length / answered.length;
  const actionPsi = actionShift(reference.actionMix, { short: share(0), flat: share(1), long: share(2) });
  const { calibration } = reference;
  if (calibration === null) return { actionPsi, calibrationGap: null };
  const stated: number[] = [];
  const outcomes: number[] = [];
  for (let i = 1; i < newest.length; i++) {
    const { action, confidence, referencePrice } = newest[i]!;
    if (action === null || action === FLAT) continue;
    // Newest first: the bar after this decision stands before it.
    const move = (newest[i - 1]!.referencePrice - referencePrice) * (action - FLAT);
    if (move === 0) continue;
    stated.push(applyPlatt(calibration, confidence));
    outcomes.push(move > 0 ? 1 : 0);
  }
  if (stated.length < DECISIONS_MIN) return { actionPsi, calibrationGap: null };
  const error = expectedCalibrationError(stated, outcomes, CALIBRATION_BINS);
  return { actionPsi, calibrationGap: error - calibration.error };
}

async function slippageGapBps(ctx: QueryCtx, run: Doc<"runs">, reference: Reference): Promise<number | null> {
  const fills = await newestFills(ctx, run._id, FILLS_MAX);
  let slippageUsd = 0;
  let notionalUsd = 0;
  for (const fill of fills) {
    slippageUsd += fill.slippageUsd;
    notionalUsd += Math.abs(fill.qty * fill.referencePrice);
  }
  if (fills.length < FILLS_MIN || notionalUsd === 0 || reference.slippageBps === null) return null;
  return (1e4 * slippageUsd) / notionalUsd - reference.slippageBps;
}

export interface Check {
  barOpenTimeMs: number;
  windowBars: number;
  features: { name: string; psi: number; statistic: number; pValue: number }[];
}

/** Records a check of a run and acts on a change of level, all at once; a repeated bar changes nothing. */
export async function recordCheck(
  ctx: MutationCtx,
  run: Doc<"runs">,
  { barOpenTimeMs, windowBars, features }: Check,
): Promise<Infer<typeof vDriftLevel>> {
  const { _id: runId, versionId, instrument } = run;
  const stored = await ctx.db
    .query("driftReports")
    .withIndex("by_run_and_bar", (q) => q.eq("runId", runId).eq("barOpenTimeMs", barOpenTimeMs))
    .first();
  if (stored !== null) return stored.level;
  const reference = await referenceOf(ctx, versionId);
  if (reference === null) {
    throw new ConvexError(appError("NOT_READY", "This version has no drift reference yet", "versionId"));
  }
  const policy = await driftPolicyOf(ctx, run);
  // It was asked for before the policy was changed.
  if (!policy.enabled) return "calm";
  const signals = {
    features,
    ...(await decisionSignals(ctx, run, reference, windowBars)),
    slippageGapBps: await slippageGapBps(ctx, run, reference),
  };
  const { score, signal, sentence, drifted } = scoreDrift(signals, policy);
  const row = await stateOf(ctx, runId);
  // Another model is measured against another reference: it starts calm.
  const before = row === null || row.versionId !== versionId ? CALM : row;
  const state = nextDriftState(before, score, policy);
  const now = Date.now();
  const fields = { runId, versionId, ...state, score, atMs: now };
  if (row === null) await ctx.db.insert("driftStates", fields);
  else await ctx.db.replace(row._id, fields);
  await ctx.db.insert("driftReports", {
    ...{ runId, instrument, versionId, barOpenTimeMs, windowBars, score, sentence },
    ...{ ...signals, features: features.map((feature, i) => ({ ...feature, drifted: drifted[i]! })) },
    level: state.level,
    atMs: now,
  });
  if (state.level === before.level) return state.level;
  const { action, actionSentence } = await act(ctx, run, state.level, sentence, policy);
  await ctx.db.insert("driftAlerts", {
    ...{ runId, instrument, timeframe: run.timeframe, versionId, barOpenTimeMs, score, signal, sentence },
    ...{ fromLevel: before.level, level: state.level, action, actionSentence },
    detectedAtMs: now,
    actedAtMs: Date.now(),
    isOpen: true,
  });
  await appendAudit(ctx, {
    actor: DRIFT_ACTOR,
    action: `drift.${state.level}`,
    subjectType: "run",
    subjectId: runId,
    detail: { versionId, score, sentence, action, actionSentence },
  });
  return state.level;
}

interface Acted {
  action: Doc<"driftAlerts">["action"];
  actionSentence: string;
}

/** What the policy says of the level, done now. Drift promotes nothing; severe drift asks for a learning cycle. */
async function act(
  ctx: MutationCtx,
  run: Doc<"runs">,
  level: DriftLevel,
  sentence: string,
  policy: DriftPolicy,
): Promise<Acted> {
  if (level === "calm") {
    await restrain(ctx, run, null);
    return { action: "none", actionSentence: UNRESTRAINED };
  }
  const wanted = level === "severe" ? policy.onSevere : policy.onWarning;
  const acted = await carryOut(ctx, run, wanted, sentence, policy);
  if (level === "severe") await askForCycle(ctx, run);
  return acted;
}

async function carryOut(
  ctx: MutationCtx,
  run: Doc<"runs">,
  wanted: DriftAction,
  sentence: string,
  policy: DriftPolicy,
): Promise<Acted> {
  const holding = "Only closing orders pass until the drift is over.";
  switch (wanted) {
    case "alert":
      await restrain(ctx, run, null);
      return { action: "alert", actionSentence: "Nothing is restrained; the policy asks for an alert only." };
    case "sizeCut":
      await restrain(ctx, run, { sizeFactor: policy.sizeFactor });
      return {
        action: "sizeCut",
        actionSentence: `New positions have ${(100 * policy.sizeFactor).toFixed(0)} % of their size.`,
      };
    case "hold":
      await restrain(ctx, run, { hold: sentence });
      return { action: "hold", actionSentence: holding };
    case "fallback": {
      // It holds until the worker has gone over, and for good where there is nothing to go over to.
      await restrain(ctx, run, { hold: sentence });
      const champion = await championOf(ctx, run.instrument);
      if (champion?.versionId !== run.versionId || champion.previousVersionId === undefined) {
        return {
          action: "hold",
          actionSentence: `There is no previous champion to fall back to. ${holding}`,
        };
      }
      const reason = `drift: ${sentence}`.slice(0, LIMITS.reasonChars);
      const { versionId } = await rollback(ctx, run.instrument, reason, DRIFT_ACTOR);
      const name = (await ctx.db.get(versionId))?.name ?? versionId;
      return { action: "fallback", actionSentence: `The previous champion ${name} takes over.` };
    }
  }
}

async function askForCycle(ctx: MutationCtx, { instrument, timeframe }: Doc<"runs">): Promise<void> {
  const { values } = await learningPolicy(ctx, instrument, timeframe);
  if (!values.enabled || (await activeCycle(ctx, instrument)) !== null) return;
  await startDue(ctx, { instrument, timeframe, trigger: "drift" });
}

/** A person has seen it; what was done about the drift stays as it is. */
export async function acknowledge(
  ctx: MutationCtx,
  alertId: Id<"driftAlerts">,
  note: string | undefined,
  actor: string,
): Promise<void> {
  const alert = await ctx.db.get(alertId);
  if (alert === null) throw new ConvexError(appError("NOT_FOUND", "This alert is unknown", "alertId"));
  if (!alert.isOpen) {
    throw new ConvexError(
      appError("CONFLICT", `${alert.acknowledgedBy} has acknowledged this alert already`, "alertId"),
    );
  }
  if (note !== undefined && note.length > LIMITS.reasonChars) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", `note must have at most ${LIMITS.reasonChars} characters`, "note"),
    );
  }
  await ctx.db.patch(alertId, { isOpen: false, acknowledgedBy: actor, acknowledgedAtMs: Date.now(), note });
  await appendAudit(ctx, {
    actor,
    action: "drift.acknowledge",
    subjectType: "driftAlert",
    subjectId: alertId,
    detail: { note },
  });
}
