/** Reads the trial ledger: how many trials were begun, and how much their Sharpe ratios differ. */
import type { ObjectType } from "convex/values";
import { sameUnderlying } from "../../lib/market/instruments";
import { moments } from "../../lib/stats/moments";
import { countTrials, type TrialKind } from "../../lib/stats/trialCount";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { trialFields } from "./schema";

/** More of one kind on one instrument are not read: the expected maximum of so many hardly grows any more. */
const ROWS_READ = 5_000;

async function rowsOf(ctx: QueryCtx, instrument: string, kind: TrialKind): Promise<Doc<"trials">[]> {
  return ctx.db
    .query("trials")
    .withIndex("by_instrument_and_kind", (q) => q.eq("instrument", instrument).eq("kind", kind))
    .take(ROWS_READ);
}

/** True when the trial of this training or walk-forward is in the ledger. */
export async function isRecorded(
  ctx: QueryCtx,
  { kind, versionId, walkForwardId }: Omit<ObjectType<typeof trialFields>, "atMs">,
): Promise<boolean> {
  const row =
    walkForwardId === undefined
      ? await ctx.db
          .query("trials")
          .withIndex("by_version_and_kind", (q) => q.eq("versionId", versionId).eq("kind", kind))
          .first()
      : await ctx.db
          .query("trials")
          .withIndex("by_walkForward_and_kind", (q) => q.eq("walkForwardId", walkForwardId).eq("kind", kind))
          .first();
  return row !== null;
}

/**
 * Trials on the price that an instrument follows: on any timeframe, over any period, under any of the names it is
 * traded by. Whoever tried a recipe on other bars of the same price has learned from them all the same.
 */
export async function trialCountOf(ctx: QueryCtx, instrument: string): Promise<number> {
  const rows: Doc<"trials">[] = [];
  for (const symbol of sameUnderlying(instrument)) {
    for (const kind of ["training", "walkForward", "search", "evaluation"] as const) {
      rows.push(...(await rowsOf(ctx, symbol, kind)));
    }
  }
  return countTrials(rows);
}

/**
 * What deflates a Sharpe: how many trials were counted, and the variance of the first per-observation Sharpe of each
 * version that was evaluated on the timeframe (an observation is a bar). The first is the trial: a champion is evaluated
 * again beside each challenger, and the worse it has become, the harder it would otherwise be to replace.
 */
export async function trialStatistics(
  ctx: QueryCtx,
  instrument: string,
  timeframe: string,
  observations: number,
): Promise<{ trialCount: number; sharpeVariance: number }> {
  const first = new Map<string, number>();
  for (const symbol of sameUnderlying(instrument)) {
    for (const trial of await rowsOf(ctx, symbol, "evaluation")) {
      const version = String(trial.versionId);
      if (trial.timeframe !== timeframe || first.has(version)) continue;
      first.set(version, trial.sharpePerObservation ?? 0);
    }
  }
  const sharpeVariance = varianceOf([...first.values()], observations);
  return { trialCount: Math.max(1, await trialCountOf(ctx, instrument)), sharpeVariance };
}

/** The newest Sharpe per day of every recipe that was walked forward to its end. */
export async function outcomeSharpes(ctx: QueryCtx, instrument: string): Promise<number[]> {
  const newest = new Map<string, number>();
  for (const symbol of sameUnderlying(instrument)) {
    // Desks of before the outcomes have it on the trials themselves.
    for (const kind of ["walkForward", "search", "outcome"] as const) {
      for (const { recipeHash, sharpePerDay, _id } of await rowsOf(ctx, symbol, kind)) {
        if (sharpePerDay !== undefined) newest.set(recipeHash ?? _id, sharpePerDay);
      }
    }
  }
  return [...newest.values()];
}

/**
 * Sample variance of Sharpe ratios, and at least that of a worthless strategy's Sharpe over the same observations,
 * 1 / (T - 1): a ledger full of trials that do nothing must not lower the bar for the one that does.
 */
export function varianceOf(sharpes: readonly number[], observations: number): number {
  const ofLuck = 1 / Math.max(1, observations - 1);
  return sharpes.length < 2 ? ofLuck : Math.max(ofLuck, moments(sharpes).deviation ** 2);
}
