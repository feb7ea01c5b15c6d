/** Owns promotions: gates recomputed here, a refusal with its reasons kept, a champion made or replaced. */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import type { GateName, GateResult } from "../../lib/stats/gateResult";
import { allGatesPass, type GatePolicy } from "../../lib/stats/gates";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { recipeHash, recipeOf, requireManifest, requireVersion, setVersionStatus } from "../agents/model";
import { appendAudit } from "../audit/model";
import { gatesFor } from "../evaluations/model";
import { newestFinished, walkForwardGates } from "../walkForwards/model";
import { activeGatePolicy, setChampion } from "./model";

async function newestEvaluation(
  ctx: QueryCtx,
  versionId: Id<"agentVersions">,
): Promise<Doc<"evaluations"> | null> {
  return ctx.db
    .query("evaluations")
    .withIndex("by_version", (q) => q.eq("versionId", versionId))
    .order("desc")
    .first();
}

const missing = (gate: GateName, threshold: number, sentence: string): GateResult => {
  return { gate, passed: false, value: null, threshold, convention: null, sentence };
};

/** Every gate of the policy: those of the newest evaluation, then those of its recipe's newest walk-forward. */
async function allGates(ctx: QueryCtx, version: Doc<"agentVersions">, policy: GatePolicy) {
  const evaluation = await newestEvaluation(ctx, version._id);
  const evaluated =
    evaluation === null
      ? [
          missing(
            "minTrades",
            policy.minTrades,
            "There is no evaluation of this version yet; run: assay evaluate",
          ),
        ]
      : (await gatesFor(ctx, evaluation, policy)).gates;
  const hash = recipeHash(recipeOf(version), version.instrument, version.timeframe);
  const walkForward = await newestFinished(ctx, hash);
  const walked =
    walkForward === null
      ? [
          missing(
            "walkForward",
            policy.walkForward.minFolds,
            "This recipe was not walked forward yet; run: assay walk-forward --version",
          ),
        ]
      : (await walkForwardGates(ctx, walkForward, policy.walkForward)).gates;
  return { evaluation, walkForward, gates: [...evaluated, ...walked] };
}

/**
 * Promotes a version to champion of its instrument when every gate passes. With `forceReason` (an admin's act)
 * it promotes against failing gates. Every attempt is kept, refusals too.
 */
export async function promote(
  ctx: MutationCtx,
  versionId: Id<"agentVersions">,
  actor: string,
  forceReason: string | null,
): Promise<{ outcome: "promoted" | "refused" | "forced"; gates: GateResult[] }> {
  const version = await requireVersion(ctx, versionId);
  await requireManifest(ctx, version);
  const reason = forceReason?.trim();
  if (reason !== undefined && (reason.length < 3 || reason.length > LIMITS.reasonChars)) {
    throw new ConvexError(
      appError(
        "INVALID_ARGUMENT",
        `reason must be 3 to ${LIMITS.reasonChars} characters; say why the gates are overruled`,
        "reason",
      ),
    );
  }
  const policy = await activeGatePolicy(ctx);
  const { evaluation, walkForward, gates } = await allGates(ctx, version, policy);
  const passes = allGatesPass(gates);
  const outcome = passes ? "promoted" : reason === undefined ? "refused" : "forced";
  if (outcome !== "refused") {
    const previous = await setChampion(ctx, version.instrument, versionId, actor);
    if (previous !== undefined && previous !== versionId) await setVersionStatus(ctx, previous, "retired");
    await setVersionStatus(ctx, versionId, "champion");
  }
  await ctx.db.insert("promotions", {
    versionId,
    instrument: version.instrument,
    evaluationId: evaluation?._id,
    walkForwardId: walkForward?._id,
    outcome,
    policyVersion: policy.version,
    gates,
    reason,
    actor,
    atMs: Date.now(),
  });
  await appendAudit(ctx, {
    actor,
    action: `promotion.${outcome}`,
    subjectType: "agentVersion",
    subjectId: versionId,
    detail: {
      failing: gates
        .filter((gate) => !gate.passed)
        .map((gate) => gate.gate)
        .join(","),
      reason,
    },
  });
  return { outcome, gates };
}
