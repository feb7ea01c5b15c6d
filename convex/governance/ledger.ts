/** Owns the kill switch, the champions and the promotion policy; what engaging does is in killSwitch.ts, promotions in promotion.ts. */
import { ConvexError, type Infer } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { canonicalJson } from "../../lib/core/canonicalJson";
import type { KillMode } from "../../lib/risk/types";
import { DEFAULT_GATE_POLICY, type GatePolicy, gatePolicyProblem } from "../../lib/stats/gates";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import type { vGatePolicyValues } from "./schema";

export interface KillState {
  epoch: number;
  mode: KillMode;
  reason: string;
  changedBy: string;
  changedAtMs: number;
}

/** A desk whose switch was never set trades nothing: fail closed. */
const UNSET: KillState = {
  epoch: 0,
  mode: "noNewRisk",
  reason: "the kill switch was never armed",
  changedBy: "",
  changedAtMs: 0,
};

export async function readKillSwitch(ctx: QueryCtx): Promise<KillState> {
  const row = await ctx.db.query("killSwitch").first();
  if (row === null) return UNSET;
  const { _id, _creationTime, ...state } = row;
  return state;
}

/** Changes the mode; the epoch grows with every change. `reason` must say why. */
export async function writeKillSwitch(
  ctx: MutationCtx,
  mode: KillMode,
  givenReason: string,
  actor: string,
): Promise<number> {
  const reason = requireReason(givenReason);
  const row = await ctx.db.query("killSwitch").first();
  const epoch = (row?.epoch ?? 0) + 1;
  const fields = { epoch, mode, reason, changedBy: actor, changedAtMs: Date.now() };
  if (row === null) await ctx.db.insert("killSwitch", fields);
  else await ctx.db.replace(row._id, fields);
  await appendAudit(ctx, {
    actor,
    action: mode === "armed" ? "killSwitch.arm" : "killSwitch.engage",
    subjectType: "killSwitch",
    subjectId: String(epoch),
    detail: { mode, reason },
  });
  return epoch;
}

export async function ensureKillSwitch(ctx: MutationCtx, actor: string): Promise<void> {
  const row = await ctx.db.query("killSwitch").first();
  if (row === null) await writeKillSwitch(ctx, "armed", "first start of this desk", actor);
}

/** A reason a person can read later: 3 characters or more. */
export function requireReason(reason: string): string {
  const trimmed = reason.trim();
  if (trimmed.length < 3 || trimmed.length > LIMITS.reasonChars) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", `reason must be 3 to ${LIMITS.reasonChars} characters; say why`, "reason"),
    );
  }
  return trimmed;
}

export async function armKillSwitch(
  ctx: MutationCtx,
  reason: string,
  actor: string,
): Promise<{ epoch: number }> {
  return { epoch: await writeKillSwitch(ctx, "armed", reason, actor) };
}

export async function championOf(ctx: QueryCtx, instrument: string): Promise<Doc<"champions"> | null> {
  return ctx.db
    .query("champions")
    .withIndex("by_instrument", (q) => q.eq("instrument", instrument))
    .unique();
}

export async function setChampion(
  ctx: MutationCtx,
  instrument: string,
  versionId: Id<"agentVersions">,
  actor: string,
): Promise<Id<"agentVersions"> | undefined> {
  const current = await championOf(ctx, instrument);
  const fields = { instrument, versionId, promotedBy: actor, promotedAtMs: Date.now() };
  if (current === null) {
    await ctx.db.insert("champions", fields);
    return undefined;
  }
  // Promoted again: the champion before it stays the one to fall back to (U-02).
  if (current.versionId === versionId) return undefined;
  await ctx.db.replace(current._id, { ...fields, previousVersionId: current.versionId });
  return current.versionId;
}

/** One step back; what stood before the restored champion is not known any more. */
export async function restoreChampion(
  ctx: MutationCtx,
  { _id, instrument }: Doc<"champions">,
  versionId: Id<"agentVersions">,
  actor: string,
): Promise<void> {
  await ctx.db.replace(_id, { instrument, versionId, promotedBy: actor, promotedAtMs: Date.now() });
}

/** The promotion policy in force: the newest row, else the default that ships with the desk. */
export async function activeGatePolicy(ctx: QueryCtx): Promise<GatePolicy> {
  const row = await ctx.db.query("gatePolicies").withIndex("by_version").order("desc").first();
  return row === null ? DEFAULT_GATE_POLICY : { id: row.policyId, version: row.version, ...row.values };
}

/** Puts a new version of the policy in force; the old ones stay to be read. Refuses thresholds that mean nothing. */
export async function setGatePolicy(
  ctx: MutationCtx,
  values: Infer<typeof vGatePolicyValues>,
  givenReason: string,
  actor: string,
): Promise<number> {
  const reason = requireReason(givenReason);
  const problem = gatePolicyProblem(values);
  if (problem !== null) {
    throw new ConvexError(appError("INVALID_ARGUMENT", problem.message, problem.field));
  }
  const { id: policyId, version } = await activeGatePolicy(ctx);
  const next = version + 1;
  await ctx.db.insert("gatePolicies", { policyId, version: next, values, reason, actor, atMs: Date.now() });
  await appendAudit(ctx, {
    actor,
    action: "gatePolicy.set",
    subjectType: "gatePolicy",
    subjectId: String(next),
    detail: { values: canonicalJson(values), reason },
  });
  return next;
}
