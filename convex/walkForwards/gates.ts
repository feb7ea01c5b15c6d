/** Reads only: what the promotion policy says of a finished walk-forward, with the trials counted until now. */
import { LIMITS } from "../../lib/contract/limits";
import { sameUnderlying } from "../../lib/market/instruments";
import { kernelSentence } from "../../lib/policy/kernel/sameBits";
import { probabilityOfOverfitting } from "../../lib/stats/backtestOverfitting";
import type { DailyReturns } from "../../lib/stats/dailyReturns";
import type { GateResult } from "../../lib/stats/gateResult";
import type { WalkForwardGatePolicy } from "../../lib/stats/gates";
import { evaluateWalkForwardGates, type TrialLedger } from "../../lib/stats/walkForwardGates";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { outcomeSharpes, trialCountOf, varianceOf } from "../evaluations/model";

/** Even numbers of blocks, best first: 16 gives 12,870 splits; short records make do with fewer. */
const BLOCKS = [16, 12, 8, 4] as const;
const ROWS_PER_BLOCK_MIN = 5;

/** The days that every column has, as a row-major matrix cut to whole blocks; null where too few. */
function overfittingOf(columns: DailyReturns[]): { configurations: number; pbo: number | null } {
  const configurations = columns.length;
  if (configurations < 2) return { configurations, pbo: null };
  const byDay = columns.map(({ dayMs, returns }) => new Map(dayMs.map((day, i) => [day, returns[i]!])));
  const days = columns[0]!.dayMs.filter((day) => byDay.every((column) => column.has(day)));
  const blocks = BLOCKS.find((count) => days.length >= count * ROWS_PER_BLOCK_MIN);
  if (blocks === undefined) return { configurations, pbo: null };
  const rows = days.length - (days.length % blocks);
  const matrix = new Float64Array(rows * configurations);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < configurations; k++) matrix[row * configurations + k] = byDay[k]!.get(days[row]!)!;
  }
  return { configurations, pbo: probabilityOfOverfitting(matrix, rows, configurations, blocks).pbo };
}

/** A recipe that was tried on fewer of this one's days is other evidence. */
const DAYS_SHARED_MIN = 0.5;

async function dailyOf(ctx: QueryCtx, walkForwardId: Id<"walkForwards">): Promise<DailyReturns | null> {
  const stored = await ctx.db
    .query("walkForwardDaily")
    .withIndex("by_walkForward", (q) => q.eq("walkForwardId", walkForwardId))
    .unique();
  return stored?.daily ?? null;
}

/**
 * One column a recipe tried on the same price over mostly the same days (the newest of each), this one's first. A
 * dataset built anew, moved by a bar or named otherwise is no other evidence.
 */
async function configurationsBeside(
  ctx: QueryCtx,
  walkForward: Doc<"walkForwards">,
): Promise<DailyReturns[]> {
  const own = await dailyOf(ctx, walkForward._id);
  if (own === null) return [];
  const newest = new Map([[walkForward.recipeHash, walkForward]]);
  for (const symbol of sameUnderlying(walkForward.instrument)) {
    const rows = await ctx.db
      .query("walkForwards")
      .withIndex("by_instrument_and_status", (q) => q.eq("instrument", symbol).eq("status", "finished"))
      .order("desc")
      .take(LIMITS.configurationsCompared);
    for (const row of rows) if (!newest.has(row.recipeHash)) newest.set(row.recipeHash, row);
  }
  const days = new Set(own.dayMs);
  const columns = [own];
  for (const { _id } of newest.values()) {
    if (_id === walkForward._id) continue;
    const daily = await dailyOf(ctx, _id);
    const shared = daily?.dayMs.filter((day) => days.has(day)).length ?? 0;
    if (daily !== null && shared >= DAYS_SHARED_MIN * days.size) columns.push(daily);
  }
  return columns;
}

/** How many trials were counted, how much their Sharpe ratios differ, and how likely selection overfitted. */
export async function trialLedgerOf(ctx: QueryCtx, walkForward: Doc<"walkForwards">): Promise<TrialLedger> {
  const { instrument, summary } = walkForward;
  const observations = summary?.seeds[0]?.sharpe.observations ?? 0;
  return {
    trialCount: Math.max(1, await trialCountOf(ctx, instrument)),
    sharpeVariance: varianceOf(await outcomeSharpes(ctx, instrument), observations),
    overfitting: overfittingOf(await configurationsBeside(ctx, walkForward)),
  };
}

/** The gates of a finished walk-forward as they stand now. */
export async function walkForwardGates(
  ctx: QueryCtx,
  walkForward: Doc<"walkForwards">,
  policy: WalkForwardGatePolicy,
): Promise<{ gates: GateResult[]; ledger: TrialLedger }> {
  const ledger = await trialLedgerOf(ctx, walkForward);
  if (walkForward.summary === undefined) return { gates: [], ledger };
  return { gates: evaluateWalkForwardGates(walkForward.summary, walkForward.probes, ledger, policy), ledger };
}

export async function newestFinished(ctx: QueryCtx, hash: string): Promise<Doc<"walkForwards"> | null> {
  return ctx.db
    .query("walkForwards")
    .withIndex("by_recipe_and_status", (q) => q.eq("recipeHash", hash).eq("status", "finished"))
    .order("desc")
    .first();
}

/** Which kernel trained it, beside the newest other run of its recipe on its dataset that another one trained. */
export async function kernelSentenceOf(ctx: QueryCtx, walkForward: Doc<"walkForwards">): Promise<string> {
  const rows = await ctx.db
    .query("walkForwards")
    .withIndex("by_recipe_and_status", (q) =>
      q.eq("recipeHash", walkForward.recipeHash).eq("status", "finished"),
    )
    .order("desc")
    .take(LIMITS.pageSize);
  const isOther = (row: Doc<"walkForwards">) =>
    row._id !== walkForward._id &&
    row.datasetHash === walkForward.datasetHash &&
    row.kernels?.some((kernel) => !walkForward.kernels?.includes(kernel));
  const other = rows.find(isOther);
  return kernelSentence(
    walkForward,
    other && {
      name: `the run of ${new Date(other.createdAtMs).toISOString().slice(0, 10)}`,
      kernels: other.kernels,
    },
  );
}
