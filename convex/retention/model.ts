/** Owns the retention policy and how far its sweep has come. What may go is decided by the domain that owns the rows. */
import { ConvexError, type Infer } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { DEFAULT_RETENTION_POLICY, retentionPolicyProblem } from "../../lib/retention/policy";
import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import { thinHolds } from "../decisions/model";
import { thinReports } from "../drift/model";
import { requireReason } from "../governance/model";
import { thinGhosts } from "../shadows/model";
import type { vRetentionPolicy, vSweptTable } from "./schema";

export type PolicyValues = Infer<typeof vRetentionPolicy>;
type SweptTable = Infer<typeof vSweptTable>;

const DAY_MS = 86_400_000;

/** Rows of a table stored in (afterMs, beforeMs), oldest first, at most `limit`. */
export interface Batch {
  afterMs: number;
  beforeMs: number;
  limit: number;
}

export async function retentionPolicy(ctx: QueryCtx): Promise<{ version: number; values: PolicyValues }> {
  const row = await ctx.db.query("retentionPolicies").withIndex("by_version").order("desc").first();
  return row === null
    ? { version: 0, values: DEFAULT_RETENTION_POLICY }
    : { version: row.version, values: row.values };
}

/** Puts a new version of the policy in force; the old ones stay to be read. */
export async function setRetentionPolicy(
  ctx: MutationCtx,
  values: PolicyValues,
  givenReason: string,
  actor: string,
): Promise<number> {
  const reason = requireReason(givenReason);
  const problem = retentionPolicyProblem(values);
  if (problem !== null) throw new ConvexError(appError("INVALID_ARGUMENT", problem.message, problem.field));
  const version = (await retentionPolicy(ctx)).version + 1;
  await ctx.db.insert("retentionPolicies", { version, values, reason, actor, atMs: Date.now() });
  await appendAudit(ctx, {
    actor,
    action: "retentionPolicy.set",
    subjectType: "retentionPolicy",
    subjectId: String(version),
    detail: { values: canonicalJson(values), reason },
  });
  return version;
}

async function sweepOf(ctx: QueryCtx, table: SweptTable): Promise<Doc<"retentionSweeps"> | null> {
  return ctx.db
    .query("retentionSweeps")
    .withIndex("by_table", (q) => q.eq("table", table))
    .unique();
}

const SWEEPS = {
  decisions: { days: "holdDays", thin: thinHolds },
  shadowDecisions: { days: "ghostDays", thin: thinGhosts("shadowDecisions") },
  shadowParts: { days: "ghostDays", thin: thinGhosts("shadowParts") },
  driftReports: { days: "driftReportDays", thin: thinReports },
} as const;

export const SWEPT_TABLES = Object.keys(SWEEPS) as SweptTable[];

/**
 * Settles the next rows of a table that are past their age, at most `LIMITS.rowsPerSweep`; while there are more it
 * goes on in transactions of its own. A sweep that is repeated or cut off changes nothing that it would not have.
 */
export async function sweepTable(ctx: MutationCtx, table: SweptTable): Promise<void> {
  const { values } = await retentionPolicy(ctx);
  if (!values.enabled) return;
  const { days, thin } = SWEEPS[table];
  const row = await sweepOf(ctx, table);
  const batch = {
    afterMs: row?.settledToMs ?? 0,
    beforeMs: Date.now() - values[days] * DAY_MS,
    limit: LIMITS.rowsPerSweep,
  };
  const { settledToMs, deleted, kept } = await thin(ctx, batch);
  if (settledToMs === null) return;
  const next = {
    ...{ table, settledToMs, atMs: Date.now() },
    deleted: (row?.deleted ?? 0) + deleted,
    kept: (row?.kept ?? 0) + kept,
  };
  if (row === null) await ctx.db.insert("retentionSweeps", next);
  else await ctx.db.replace(row._id, next);
  if (deleted + kept === batch.limit) {
    await ctx.scheduler.runAfter(0, internal.retention.internal.sweep, { table });
  }
}
