/** Owns evaluations, their trades and equity, and the trial ledger; the only writer of those tables. */
import { ConvexError, type Infer, type ObjectType } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { bytesToFloat64 } from "../../lib/core/bytes";
import type { GateResult } from "../../lib/stats/gateResult";
import { evaluateGates, type GatePolicy, type GateSubject } from "../../lib/stats/gates";
import { moments } from "../../lib/stats/moments";
import { toPerformance } from "../../lib/stats/performance";
import { SHARPE_CONVENTION } from "../../lib/stats/returns";
import { summariseTrades, verifyTrades } from "../../lib/stats/summariseTrades";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import type { evaluationFields, trialFields, vTrade } from "./schema";

export async function requireEvaluation(ctx: QueryCtx, id: Id<"evaluations">): Promise<Doc<"evaluations">> {
  const evaluation = await ctx.db.get(id);
  if (evaluation === null)
    throw new ConvexError(appError("NOT_FOUND", "This evaluation is unknown", "evaluationId"));
  return evaluation;
}

type Trial = Omit<ObjectType<typeof trialFields>, "atMs">;

/** Counts one trial. Nothing updates or deletes these rows: promotion must know how many were run. */
export async function recordTrial(ctx: MutationCtx, trial: Trial): Promise<void> {
  await ctx.db.insert("trials", { ...trial, atMs: Date.now() });
}

/** Trials of one kind on an instrument and timeframe; at most 10,000 are read. */
export async function trialsOf(
  ctx: QueryCtx,
  instrument: string,
  timeframe: string,
  kind: Trial["kind"],
): Promise<Doc<"trials">[]> {
  return ctx.db
    .query("trials")
    .withIndex("by_instrument_and_timeframe_and_kind", (q) =>
      q.eq("instrument", instrument).eq("timeframe", timeframe).eq("kind", kind),
    )
    .take(10_000);
}

/** Trials counted on an instrument and timeframe: trainings, walk-forwards and search trials. */
export async function trialCountOf(ctx: QueryCtx, instrument: string, timeframe: string): Promise<number> {
  let count = 0;
  for (const kind of ["training", "walkForward", "search"] as const) {
    count += (await trialsOf(ctx, instrument, timeframe, kind)).length;
  }
  return count;
}

interface EquityColumns {
  openTimesMs: Float64Array;
  equityUsd: Float64Array;
  positionQty: Float64Array;
}

function joined(parts: Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** The stored equity of an evaluation, whole. */
export async function equityOf(ctx: QueryCtx, evaluationId: Id<"evaluations">): Promise<EquityColumns> {
  const parts = await ctx.db
    .query("evaluationEquity")
    .withIndex("by_evaluation_and_part", (q) => q.eq("evaluationId", evaluationId))
    .take(16);
  const column = (name: keyof EquityColumns) =>
    joined(parts.map((part) => bytesToFloat64(new Uint8Array(part[name]))));
  return {
    openTimesMs: column("openTimesMs"),
    equityUsd: column("equityUsd"),
    positionQty: column("positionQty"),
  };
}

export async function equityForView(ctx: QueryCtx, evaluationId: Id<"evaluations">, points: number) {
  const { openTimesMs, equityUsd, positionQty } = await equityOf(ctx, evaluationId);
  const stride = Math.max(1, Math.ceil(equityUsd.length / points));
  const keep: number[] = [];
  for (let i = 0; i < equityUsd.length; i += stride) keep.push(i);
  const last = equityUsd.length - 1;
  if (last >= 0 && keep.at(-1) !== last) keep.push(last);
  return {
    openTimesMs: keep.map((i) => openTimesMs[i]!),
    equityUsd: keep.map((i) => equityUsd[i]!),
    positionQty: keep.map((i) => positionQty[i]!),
  };
}

export async function tradesOf(
  ctx: QueryCtx,
  evaluationId: Id<"evaluations">,
  part: number,
): Promise<Infer<typeof vTrade>[]> {
  const row = await ctx.db
    .query("evaluationTrades")
    .withIndex("by_evaluation_and_part", (q) => q.eq("evaluationId", evaluationId).eq("part", part))
    .unique();
  return row?.trades ?? [];
}

export async function allTrades(
  ctx: QueryCtx,
  evaluationId: Id<"evaluations">,
): Promise<Infer<typeof vTrade>[]> {
  const parts = await ctx.db
    .query("evaluationTrades")
    .withIndex("by_evaluation_and_part", (q) => q.eq("evaluationId", evaluationId))
    .take(64);
  return parts.flatMap((part) => part.trades);
}

type Evaluation = ObjectType<typeof evaluationFields>;

export interface NewEvaluation {
  evaluation: Omit<Evaluation, "performance" | "trialCount" | "createdAtMs" | "bars" | "simulated">;
  /** Oldest first, at most `LIMITS.tradesPerPart` a part. */
  tradeParts: { trades: Infer<typeof vTrade>[] }[];
  equityParts: { openTimesMs: ArrayBuffer; equityUsd: ArrayBuffer; positionQty: ArrayBuffer }[];
}

/**
 * Records an evaluation in one transaction. The figures are recomputed here from trades and equity, and a
 * record whose trades do not explain its equity is refused. The same job records once.
 */
export async function recordEvaluation(
  ctx: MutationCtx,
  { evaluation, tradeParts, equityParts }: NewEvaluation,
  simulated: boolean,
  actor: string,
): Promise<Id<"evaluations">> {
  const existing = await ctx.db
    .query("evaluations")
    .withIndex("by_job", (q) => q.eq("jobId", evaluation.jobId))
    .unique();
  if (existing !== null) return existing._id;
  if (tradeParts.some((part) => part.trades.length > LIMITS.tradesPerPart)) {
    throw new ConvexError(
      appError("LIMIT_EXCEEDED", `a trade part holds at most ${LIMITS.tradesPerPart} trades`, "tradeParts"),
    );
  }
  const column = (name: "openTimesMs" | "equityUsd") =>
    joined(equityParts.map((part) => bytesToFloat64(new Uint8Array(part[name]))));
  const record = {
    symbol: evaluation.instrument,
    trades: tradeParts.flatMap((part) => part.trades),
    equityUsd: column("equityUsd"),
    openTimesMs: column("openTimesMs"),
  };
  const check = verifyTrades(record);
  if (!check.ok)
    throw new ConvexError(
      appError("INVALID_ARGUMENT", `The evaluation contradicts itself: ${check.error}`, "trades"),
    );
  const summary = summariseTrades(record);
  const evaluationId = await ctx.db.insert("evaluations", {
    ...evaluation,
    simulated,
    bars: summary.bars,
    performance: toPerformance(summary),
    trialCount: await trialCountOf(ctx, evaluation.instrument, evaluation.timeframe),
    createdAtMs: Date.now(),
  });
  for (const [part, { trades }] of tradeParts.entries()) {
    await ctx.db.insert("evaluationTrades", { evaluationId, part, trades });
  }
  for (const [part, columns] of equityParts.entries()) {
    await ctx.db.insert("evaluationEquity", { evaluationId, part, ...columns });
  }
  await recordTrial(ctx, {
    instrument: evaluation.instrument,
    timeframe: evaluation.timeframe,
    kind: "evaluation",
    versionId: evaluation.versionId,
    evaluationId,
    sharpePerObservation: summary.sharpe.perObservation,
  });
  await appendAudit(ctx, {
    actor,
    action: "evaluation.record",
    subjectType: "evaluation",
    subjectId: evaluationId,
    detail: { versionId: evaluation.versionId, netPnlUsd: summary.netPnlUsd, tradeCount: summary.tradeCount },
  });
  return evaluationId;
}

/**
 * What deflates a Sharpe: how many trainings were counted on the instrument and timeframe, and the variance of
 * the newest per-observation Sharpe of each evaluated version.
 */
export async function trialStatistics(
  ctx: QueryCtx,
  instrument: string,
  timeframe: string,
  observations: number,
): Promise<{ trialCount: number; sharpeVariance: number }> {
  const evaluations = await trialsOf(ctx, instrument, timeframe, "evaluation");
  const newest = new Map<string, number>();
  for (const trial of evaluations) newest.set(String(trial.versionId), trial.sharpePerObservation ?? 0);
  const sharpeVariance = varianceOf([...newest.values()], observations);
  return { trialCount: Math.max(1, await trialCountOf(ctx, instrument, timeframe)), sharpeVariance };
}

/**
 * Sample variance of Sharpe ratios; of fewer than two, that of a worthless strategy's Sharpe over the same
 * observations, 1 / (T - 1).
 */
export function varianceOf(sharpes: readonly number[], observations: number): number {
  if (sharpes.length < 2) return 1 / Math.max(1, observations - 1);
  return moments(sharpes).deviation ** 2;
}

/** The gates of an evaluation as they stand now: more trials since then make the deflated Sharpe stricter. */
export async function gatesFor(
  ctx: QueryCtx,
  evaluation: Doc<"evaluations">,
  policy: GatePolicy,
): Promise<{ gates: GateResult[]; trialCount: number }> {
  const { performance, instrument, timeframe } = evaluation;
  const { value, convention: _convention, ...sharpe } = performance.sharpe;
  const { trialCount, sharpeVariance } = await trialStatistics(
    ctx,
    instrument,
    timeframe,
    sharpe.observations,
  );
  const baselines: GateSubject["baselines"] = {};
  for (const baseline of evaluation.baselines) {
    baselines[baseline.name] = { netPnlUsd: baseline.performance.netPnlUsd };
  }
  const subject: GateSubject = {
    ...performance,
    sharpe: { ...sharpe, annualised: value, convention: SHARPE_CONVENTION },
    baselines,
  };
  return { gates: evaluateGates(subject, trialCount, sharpeVariance, policy), trialCount };
}
