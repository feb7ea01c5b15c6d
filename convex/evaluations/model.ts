/** Owns evaluations, their trades and equity, and the trial ledger; the only writer of those tables. */
import { ConvexError, type Infer, type ObjectType } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { bytesToFloat64 } from "../../lib/core/bytes";
import { baselineProblem } from "../../lib/stats/baselineRule";
import type { GateResult } from "../../lib/stats/gateResult";
import {
  type BarRange,
  evaluateGates,
  type GatePolicy,
  type GateSubject,
  unseenGate,
} from "../../lib/stats/gates";
import { toPerformance } from "../../lib/stats/performance";
import type { BaselineName } from "../../lib/stats/reportTypes";
import { SHARPE_CONVENTION } from "../../lib/stats/returns";
import { summariseTrades, verifyTrades } from "../../lib/stats/summariseTrades";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import type { evaluationFields, trialFields, vTrade } from "./schema";
import { isRecorded, trialCountOf, trialStatistics } from "./trials";

export { outcomeSharpes, trialCountOf, trialStatistics, varianceOf } from "./trials";

export async function requireEvaluation(ctx: QueryCtx, id: Id<"evaluations">): Promise<Doc<"evaluations">> {
  const evaluation = await ctx.db.get(id);
  if (evaluation === null)
    throw new ConvexError(appError("NOT_FOUND", "This evaluation is unknown", "evaluationId"));
  return evaluation;
}

type Trial = Omit<ObjectType<typeof trialFields>, "atMs">;

/**
 * Counts one trial. Nothing updates or deletes these rows: promotion must know how many were run. One that was
 * begun before (its worker died, or it was resumed) is not written twice.
 */
export async function recordTrial(ctx: MutationCtx, trial: Trial): Promise<void> {
  if (trial.kind !== "evaluation" && (await isRecorded(ctx, trial))) return;
  await ctx.db.insert("trials", { ...trial, atMs: Date.now() });
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
  evaluation: Omit<
    Evaluation,
    "performance" | "trialCount" | "createdAtMs" | "bars" | "simulated" | "baselines"
  >;
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
  if (summary.fromMs < evaluation.fromMs || summary.toMs >= evaluation.toMs) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", "The bars are not those of the range that was asked for", "equityParts"),
    );
  }
  const evaluationId = await ctx.db.insert("evaluations", {
    ...evaluation,
    simulated,
    bars: summary.bars,
    performance: toPerformance(summary),
    baselines: [],
    trialCount: await trialCountOf(ctx, evaluation.instrument),
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
    fromMs: evaluation.fromMs,
    toMs: evaluation.toMs,
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

interface NewBaseline {
  name: BaselineName;
  rule: string;
  tradeParts: { trades: Infer<typeof vTrade>[] }[];
  equityParts: ArrayBuffer[];
}

/** Adds what a baseline did on the bars of an evaluation; refuses trades that do not explain its equity. */
export async function addBaseline(
  ctx: MutationCtx,
  evaluation: Doc<"evaluations">,
  { name, rule, tradeParts, equityParts }: NewBaseline,
): Promise<void> {
  if (evaluation.baselines.some((baseline) => baseline.name === name)) return;
  const { openTimesMs } = await equityOf(ctx, evaluation._id);
  const trades = tradeParts.flatMap((part) => part.trades);
  const equityUsd = joined(equityParts.map((part) => bytesToFloat64(new Uint8Array(part))));
  const refuse = (problem: string) => {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", `The baseline ${name} is refused: ${problem}`, "trades"),
    );
  };
  if (equityUsd.length !== openTimesMs.length) {
    refuse(`it has ${equityUsd.length} bars, the evaluation ${openTimesMs.length}`);
  }
  if (equityUsd[0] !== evaluation.performance.initialEquityUsd) refuse("it starts with another account");
  const record = { symbol: evaluation.instrument, trades, equityUsd, openTimesMs };
  const check = verifyTrades(record);
  if (!check.ok) refuse(check.error);
  const broken = baselineProblem(name, trades, openTimesMs);
  if (broken !== null) refuse(broken);
  const baseline = { name, rule, performance: toPerformance(summariseTrades(record)) };
  await ctx.db.patch(evaluation._id, { baselines: [...evaluation.baselines, baseline] });
}

/** The bars that a version has learned from. */
async function trainedOn(ctx: QueryCtx, versionId: Id<"agentVersions">): Promise<BarRange> {
  const version = await ctx.db.get(versionId);
  const dataset = version === null ? null : await ctx.db.get(version.datasetId);
  // A dataset that is not known any more may have held any bar.
  return dataset ?? { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
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
  const gates = [
    ...evaluateGates(subject, trialCount, sharpeVariance, policy),
    unseenGate(evaluation, await trainedOn(ctx, evaluation.versionId)),
  ];
  return { gates, trialCount };
}
