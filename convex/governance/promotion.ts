/** Owns promotions and rollbacks: gates recomputed here, a refusal with its reasons kept, a champion made or replaced. */
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
import { pauseStranded, pointRuns } from "../runs/model";
import { newestFinished, walkForwardGates } from "../walkForwards/model";
import { activeGatePolicy, championOf, requireReason, restoreChampion, setChampion } from "./ledger";

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
export async function gatesOf(ctx: QueryCtx, version: Doc<"agentVersions">, policy: GatePolicy) {
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
  const unmet = await unmetChampion(ctx, version, walkForward);
  const compared =
    unmet === null
      ? walked
      : [
          ...walked.filter(({ gate }) => gate !== "beatsChampion"),
          missing("beatsChampion", policy.walkForward.minChampionDeltaUsd, unmet),
        ];
  return { evaluation, walkForward, gates: [...evaluated, ...compared] };
}

/** Why the walk-forward says nothing of the champion that is to be replaced; null when it does, or there is none. */
async function unmetChampion(
  ctx: QueryCtx,
  version: Doc<"agentVersions">,
  walkForward: Doc<"walkForwards"> | null,
): Promise<string | null> {
  const current = await championOf(ctx, version.instrument);
  if (walkForward === null || current === null || current.versionId === version._id) return null;
  if (walkForward.champion?.versionId === current.versionId) return null;
  const champion = await requireVersion(ctx, current.versionId);
  const hashOf = (own: Doc<"agentVersions">) => recipeHash(recipeOf(own), own.instrument, own.timeframe);
  // Of one recipe, both are the same on every fold: newer bars tell them apart, in the learning cycle.
  if (hashOf(champion) === hashOf(version)) return null;
  return champion.timeframe === version.timeframe
    ? `The champion ${champion.name} was not retrained on the same folds; run again: assay walk-forward --version`
    : `The champion ${champion.name} trades ${champion.timeframe} bars and cannot be retrained on folds of ${version.timeframe}.`;
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
  const { evaluation, walkForward, gates } = await gatesOf(ctx, version, policy);
  const passes = allGatesPass(gates);
  const outcome = passes ? "promoted" : reason === undefined ? "refused" : "forced";
  if (outcome !== "refused") {
    const previous = await setChampion(ctx, version.instrument, versionId, actor);
    await setVersionStatus(ctx, versionId, "champion");
    if (previous !== undefined && previous !== versionId) {
      await setVersionStatus(ctx, previous, "retired");
      await pointRuns(ctx, { from: previous, to: version, cause: "promotion" }, actor);
    }
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

/**
 * Puts the previous champion back, at once, while runs go on: those of the outgoing one follow between two bars,
 * and one that cannot follow is paused. There is one step back: a second one is refused until the next promotion.
 */
export async function rollback(
  ctx: MutationCtx,
  instrument: string,
  givenReason: string,
  actor: string,
): Promise<{ versionId: Id<"agentVersions">; rolledBackVersionId: Id<"agentVersions">; runs: number }> {
  const reason = requireReason(givenReason);
  const current = await championOf(ctx, instrument);
  if (current?.previousVersionId === undefined) {
    const message =
      current === null
        ? `${instrument} has no champion; promote a version first`
        : `The champion of ${instrument} has none before it to go back to; promote a version instead`;
    throw new ConvexError(appError("NOT_READY", message, "instrument"));
  }
  const version = await requireVersion(ctx, current.previousVersionId);
  await requireManifest(ctx, version);
  await restoreChampion(ctx, current, version._id, actor);
  await setVersionStatus(ctx, current.versionId, "retired");
  await setVersionStatus(ctx, version._id, "champion");
  const { following, stranded } = await pointRuns(
    ctx,
    { from: current.versionId, to: version, cause: "rollback" },
    actor,
  );
  for (const run of stranded) {
    await pauseStranded(ctx, run, `its model was rolled back and it cannot follow to ${version.name}`, actor);
  }
  await ctx.db.insert("promotions", {
    versionId: version._id,
    instrument,
    outcome: "rolledBack",
    policyVersion: (await activeGatePolicy(ctx)).version,
    gates: [],
    reason,
    actor,
    atMs: Date.now(),
  });
  await appendAudit(ctx, {
    actor,
    action: "promotion.rollback",
    subjectType: "agentVersion",
    subjectId: version._id,
    detail: { instrument, rolledBack: current.versionId, runs: following.length, reason },
  });
  return { versionId: version._id, rolledBackVersionId: current.versionId, runs: following.length };
}
