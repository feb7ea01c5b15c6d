/** Owns learning policies, and the rows of learning cycles: where each stands, and why. */
import { ConvexError, type Infer } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { DEFAULT_LEARNING_POLICY, learningPolicyProblem } from "../../lib/learning/policy";
import type { Timeframe } from "../../lib/market/types";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import { requireReason } from "../governance/model";
import type { vLearningPolicy } from "./schema";

export type PolicyValues = Infer<typeof vLearningPolicy>;

type Cycle = Doc<"learningCycles">;
type End = "promoted" | "rejected" | "failed" | "cancelled";

/** Who acts when nobody does. */
export const LEARNER = "system:learning";

export interface PolicyInForce {
  /** 0 is the default that ships with the desk. */
  version: number;
  values: PolicyValues;
}

/** The learning policy in force for an instrument and timeframe. */
export async function learningPolicy(
  ctx: QueryCtx,
  instrument: string,
  timeframe: Timeframe,
): Promise<PolicyInForce> {
  const row = await ctx.db
    .query("learningPolicies")
    .withIndex("by_market_and_version", (q) => q.eq("instrument", instrument).eq("timeframe", timeframe))
    .order("desc")
    .first();
  return row === null
    ? { version: 0, values: DEFAULT_LEARNING_POLICY as PolicyValues }
    : { version: row.version, values: row.values };
}

/** The newest policy of every market that has one. */
export async function policiesInForce(ctx: QueryCtx): Promise<Doc<"learningPolicies">[]> {
  const rows = await ctx.db.query("learningPolicies").withIndex("by_market_and_version").take(1_000);
  return [...new Map(rows.map((row) => [`${row.instrument} ${row.timeframe}`, row])).values()];
}

/** Puts a new version of the policy in force; the old ones stay to be read. */
export async function setLearningPolicy(
  ctx: MutationCtx,
  market: { instrument: string; timeframe: Timeframe },
  values: PolicyValues,
  givenReason: string,
  actor: string,
): Promise<number> {
  const reason = requireReason(givenReason);
  const problem = learningPolicyProblem(values);
  if (problem !== null) throw new ConvexError(appError("INVALID_ARGUMENT", problem.message, problem.field));
  const version = (await learningPolicy(ctx, market.instrument, market.timeframe)).version + 1;
  await ctx.db.insert("learningPolicies", { ...market, version, values, reason, actor, atMs: Date.now() });
  await appendAudit(ctx, {
    actor,
    action: "learningPolicy.set",
    subjectType: "learningPolicy",
    subjectId: `${market.instrument} ${market.timeframe} ${version}`,
    detail: { values: canonicalJson(values), reason },
  });
  return version;
}

export async function requireCycle(ctx: QueryCtx, cycleId: Id<"learningCycles">): Promise<Cycle> {
  const cycle = await ctx.db.get(cycleId);
  if (cycle === null)
    throw new ConvexError(appError("NOT_FOUND", "This learning cycle is unknown", "cycleId"));
  return cycle;
}

/** The cycle that goes on for an instrument; there is at most one. */
export async function activeCycle(ctx: QueryCtx, instrument: string): Promise<Cycle | null> {
  return ctx.db
    .query("learningCycles")
    .withIndex("by_instrument_and_active", (q) => q.eq("instrument", instrument).eq("isActive", true))
    .first();
}

/** A step of a cycle, with what it says of itself. */
export async function move(
  ctx: MutationCtx,
  cycle: Cycle,
  status: Cycle["status"],
  sentence: string,
  fields: Partial<Cycle> = {},
): Promise<void> {
  const now = Date.now();
  const current = await requireCycle(ctx, cycle._id);
  const reasons = [...current.reasons, { step: status, sentence, atMs: now }];
  await ctx.db.patch(cycle._id, { ...fields, status, reasons, updatedAtMs: now });
}

/** The end of a cycle, for good. */
export async function end(
  ctx: MutationCtx,
  cycle: Cycle,
  status: End,
  sentence: string,
  fields: Partial<Cycle> = {},
) {
  await move(ctx, cycle, status, sentence, { ...fields, isActive: false, finishedAtMs: Date.now() });
  await appendAudit(ctx, {
    actor: LEARNER,
    action: `learning.${status}`,
    subjectType: "learningCycle",
    subjectId: cycle._id,
    detail: { instrument: cycle.instrument, sentence: sentence.slice(0, LIMITS.reasonChars) },
  });
}
