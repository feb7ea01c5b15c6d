/** Owns evaluations, their trades and equity, and the trial ledger; the only writer of those tables. */
import { ConvexError, type Infer, type ObjectType } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { bytesToFloat64 } from "../../lib/core/bytes";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { trialFields, vTrade } from "./schema";

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
