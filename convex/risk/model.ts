/** Owns the versioned risk limits. The newest version is in force; there are no limits in code (K-08). */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { parseRiskLimits } from "../../lib/risk/limits";
import type { RiskLimits } from "../../lib/risk/types";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";

/** Written once, at the desk's first start, so that an operator sees and can change every number. */
const FIRST_LIMITS: RiskLimits = {
  maxPositionNotionalUsd: 25_000,
  maxLeverage: 3,
  maxDailyLossUsd: 500,
  maxDrawdownFraction: 0.25,
  maxOrdersPerHour: 30,
  maxBarAgeMs: 180_000,
};

export async function currentLimits(ctx: QueryCtx): Promise<Doc<"riskLimits"> | null> {
  return ctx.db.query("riskLimits").withIndex("by_version").order("desc").first();
}

export async function requireLimits(ctx: QueryCtx): Promise<Doc<"riskLimits">> {
  const limits = await currentLimits(ctx);
  if (limits === null) {
    throw new ConvexError(
      appError(
        "RISK_LIMITS_MISSING",
        "No risk limits are set; an admin must set them on the Governance page first",
      ),
    );
  }
  return limits;
}

export async function ensureDefaults(ctx: MutationCtx, actor: string): Promise<void> {
  if ((await currentLimits(ctx)) === null)
    await setLimits(ctx, FIRST_LIMITS, "first start of this desk", actor);
}

export async function setLimits(
  ctx: MutationCtx,
  limits: RiskLimits,
  reason: string,
  actor: string,
): Promise<void> {
  for (const [field, value] of Object.entries(limits)) {
    if (value <= 0) {
      throw new ConvexError(
        appError("INVALID_ARGUMENT", `${field} is ${value}; every risk limit must be above 0`, field),
      );
    }
  }
  const readable = parseRiskLimits(limits);
  if (!readable.ok) {
    const field = Object.keys(limits).find((name) => readable.error.includes(name));
    throw new ConvexError(appError("INVALID_ARGUMENT", readable.error, field));
  }
  if (reason.trim().length < 3 || reason.length > LIMITS.reasonChars) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", `reason must be 3 to ${LIMITS.reasonChars} characters; say why`, "reason"),
    );
  }
  const version = ((await currentLimits(ctx))?.version ?? 0) + 1;
  await ctx.db.insert("riskLimits", { version, limits, createdBy: actor, reason, createdAtMs: Date.now() });
  await appendAudit(ctx, {
    actor,
    action: "risk.setLimits",
    subjectType: "riskLimits",
    subjectId: String(version),
    detail: { ...limits, reason },
  });
}
