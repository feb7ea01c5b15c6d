/** Owns shadows: a challenger's ghost account beside the champion's, its decisions, and their running difference. */
import { ConvexError, type ObjectType } from "convex/values";
import { advanceBar } from "../../lib/broker/advanceBar";
import type { AccountState, CostModel } from "../../lib/broker/types";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { adjudicate, breachOf, decisionOrderId } from "../../lib/decision/adjudicate";
import { shadowVerdict } from "../../lib/learning/shadow";
import type { Candle } from "../../lib/market/types";
import { emptySequence, extendSequence } from "../../lib/stats/confidenceSequence";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireVersion } from "../agents/model";
import type { submissionFields } from "../decisions/schema";
import { championOf, readKillSwitch } from "../governance/model";
import { currentLimits } from "../risk/model";
import { environmentOf, isActive, requireRun } from "../runs/model";

export { thinGhosts } from "./ledger";

type Shadow = Doc<"shadows">;

const DAY_MS = 86_400_000;

export async function requireShadow(ctx: QueryCtx, shadowId: Id<"shadows">): Promise<Shadow> {
  const shadow = await ctx.db.get(shadowId);
  if (shadow === null) throw new ConvexError(appError("NOT_FOUND", "This shadow is unknown", "shadowId"));
  return shadow;
}

/** The shadow that goes on for an instrument; there is at most one. */
export async function activeShadow(ctx: QueryCtx, instrument: string): Promise<Shadow | null> {
  return ctx.db
    .query("shadows")
    .withIndex("by_instrument_and_active", (q) => q.eq("instrument", instrument).eq("isActive", true))
    .first();
}

/** A shadow that waits for a run of the champion; bars before the cycle's evaluation ended do not count. */
export async function openShadow(
  ctx: MutationCtx,
  cycle: Doc<"learningCycles">,
  championVersionId: Id<"agentVersions">,
): Promise<Id<"shadows">> {
  const version = await requireVersion(ctx, cycle.challengerVersionId!);
  const { rules, sizing } = await environmentOf(ctx, version);
  const { shadow: policy } = cycle.policy;
  return ctx.db.insert("shadows", {
    cycleId: cycle._id,
    instrument: cycle.instrument,
    timeframe: cycle.timeframe,
    versionId: version._id,
    championVersionId,
    ...{ policy, rules, sizing },
    status: "waiting",
    isActive: true,
    fromMs: cycle.evaluateToMs,
    pending: null,
    dayStartMs: 0,
    dayStartEquityUsd: 0,
    championEquityUsd: 0,
    sequence: emptySequence(),
    ...{ lower: -policy.bound, upper: policy.bound, mean: 0 },
    decisions: 0,
    lastBarOpenTimeMs: 0,
    sentence: "Waits for a run of the champion.",
    startedAtMs: Date.now(),
  });
}

export async function endShadow(
  ctx: MutationCtx,
  shadow: Shadow,
  status: "promote" | "reject" | "ended",
  sentence: string,
): Promise<void> {
  await ctx.db.patch(shadow._id, {
    status,
    isActive: false,
    sentence,
    pending: null,
    finishedAtMs: Date.now(),
  });
}

interface ChampionBar {
  account: AccountState;
  costs: CostModel;
  /** Settled funding, as the champion's account was charged it. */
  fundingRateAt?: (timeMs: number) => number;
}

/** Who decides beside the champion, and the account it decides with. */
export interface Ghost {
  shadowId: Id<"shadows">;
  versionId: Id<"agentVersions">;
  account: AccountState;
}

export type ShadowStep =
  | { kind: "none" }
  /** The ghost's account after the bar; it decides next. */
  | { kind: "decide"; ghost: Ghost }
  /** It has ended; its cycle is to be settled. */
  | { kind: "ended"; shadowId: Id<"shadows"> };

const NONE: ShadowStep = { kind: "none" };

/**
 * Moves the ghost over a bar that the champion's account has just been moved over, in the same transaction, and
 * extends the running difference. The first shared bar only copies the champion's position and money: both start as one.
 */
export async function advanceShadow(
  ctx: MutationCtx,
  run: Doc<"runs">,
  bar: Candle,
  champion: ChampionBar,
): Promise<ShadowStep> {
  const shadow = await activeShadow(ctx, run.instrument);
  if (shadow === null || shadow.timeframe !== run.timeframe) return NONE;
  if ((await championOf(ctx, run.instrument))?.versionId !== shadow.championVersionId) {
    await endShadow(ctx, shadow, "ended", "The champion changed while the shadow went on.");
    return { kind: "ended", shadowId: shadow._id };
  }
  const isNew = bar.openTimeMs >= shadow.fromMs && bar.openTimeMs > shadow.lastBarOpenTimeMs;
  if (run.versionId !== shadow.championVersionId || !isNew) return NONE;
  if (shadow.runId !== run._id || shadow.account === undefined) {
    return (await isHeldByAnother(ctx, shadow, run._id)) ? NONE : bindShadow(ctx, shadow, run, bar, champion);
  }
  const { costs, fundingRateAt } = champion;
  const { account } = advanceBar(shadow.account, shadow.pending, bar, costs, shadow.rules, fundingRateAt);
  const challengerReturn = growth(shadow.account.equityUsd, account.equityUsd);
  const championReturn = growth(shadow.championEquityUsd, champion.account.equityUsd);
  const sequence = extendSequence(shadow.sequence, challengerReturn - championReturn, shadow.policy);
  const { verdict, interval, sentence } = shadowVerdict(sequence, shadow.policy);
  await appendPart(ctx, shadow._id, {
    timeMs: bar.openTimeMs,
    championReturn,
    challengerReturn,
    ...interval,
  });
  const dayStartMs = Math.floor(bar.openTimeMs / DAY_MS) * DAY_MS;
  await ctx.db.patch(shadow._id, {
    ...{ account, sequence, sentence, ...interval, pending: null },
    ...(dayStartMs === shadow.dayStartMs ? {} : { dayStartMs, dayStartEquityUsd: shadow.account.equityUsd }),
    championEquityUsd: champion.account.equityUsd,
    lastBarOpenTimeMs: bar.openTimeMs,
  });
  if (verdict === "continue") {
    return { kind: "decide", ghost: { shadowId: shadow._id, versionId: shadow.versionId, account } };
  }
  if (verdict === "promote" && shadow.breaker !== undefined) {
    const breached = `${sentence} It breached a loss limit on the way and is not promoted: ${shadow.breaker}`;
    await endShadow(ctx, shadow, "reject", breached);
  } else await endShadow(ctx, shadow, verdict, sentence);
  return { kind: "ended", shadowId: shadow._id };
}

/** The ghost that stands at this bar of the run, for a worker that repeats it. */
export async function ghostAt(ctx: QueryCtx, run: Doc<"runs">, barOpenTimeMs: number): Promise<Ghost | null> {
  const shadow = await activeShadow(ctx, run.instrument);
  if (shadow?.account === undefined) return null;
  if (shadow.runId !== run._id || shadow.lastBarOpenTimeMs !== barOpenTimeMs) return null;
  return { shadowId: shadow._id, versionId: shadow.versionId, account: shadow.account };
}

/** Return of one bar; an account that is used up earns nothing more. */
const growth = (before: number, after: number) => (before > 0 ? after / before - 1 : 0);

async function isHeldByAnother(ctx: QueryCtx, shadow: Shadow, runId: Id<"runs">): Promise<boolean> {
  if (shadow.runId === undefined || shadow.runId === runId) return false;
  return isActive(await requireRun(ctx, shadow.runId));
}

async function bindShadow(
  ctx: MutationCtx,
  shadow: Shadow,
  run: Doc<"runs">,
  bar: Candle,
  champion: ChampionBar,
): Promise<ShadowStep> {
  // What the champion has lost from its peak is not the ghost's: its own drawdown begins here.
  const account = { ...champion.account, peakEquityUsd: champion.account.equityUsd };
  await ctx.db.patch(shadow._id, {
    ...{ status: "running", runId: run._id, account, pending: null },
    championEquityUsd: account.equityUsd,
    dayStartMs: Math.floor(bar.openTimeMs / DAY_MS) * DAY_MS,
    dayStartEquityUsd: account.equityUsd,
    lastBarOpenTimeMs: bar.openTimeMs,
    sentence: `Shares the bars of run ${run.name}.`,
  });
  return { kind: "decide", ghost: { shadowId: shadow._id, versionId: shadow.versionId, account } };
}

interface Point {
  timeMs: number;
  championReturn: number;
  challengerReturn: number;
  mean: number;
  lower: number;
  upper: number;
}

async function appendPart(ctx: MutationCtx, shadowId: Id<"shadows">, point: Point): Promise<void> {
  const last = await ctx.db
    .query("shadowParts")
    .withIndex("by_shadow_and_part", (q) => q.eq("shadowId", shadowId))
    .order("desc")
    .first();
  const { timeMs, ...numbers } = point;
  if (last === null || last.timesMs.length >= LIMITS.equityPointsPerPart) {
    await ctx.db.insert("shadowParts", {
      shadowId,
      part: last === null ? 0 : last.part + 1,
      timesMs: [timeMs],
      championReturn: [numbers.championReturn],
      challengerReturn: [numbers.challengerReturn],
      mean: [numbers.mean],
      lower: [numbers.lower],
      upper: [numbers.upper],
    });
    return;
  }
  await ctx.db.patch(last._id, {
    timesMs: [...last.timesMs, timeMs],
    championReturn: [...last.championReturn, numbers.championReturn],
    challengerReturn: [...last.challengerReturn, numbers.challengerReturn],
    mean: [...last.mean, numbers.mean],
    lower: [...last.lower, numbers.lower],
    upper: [...last.upper, numbers.upper],
  });
}

/**
 * Judges the ghost's answer to the bar it stands at, as `submitDecision` judges the champion's: kill switch, run
 * state and risk limits hold for it too. What comes out waits for the next bar's open. A repeated bar returns what
 * is stored; one that is not the ghost's is refused.
 */
export async function decideShadow(
  ctx: MutationCtx,
  run: Doc<"runs">,
  shadow: Shadow,
  submission: ObjectType<typeof submissionFields>,
): Promise<"order" | "hold"> {
  const bar = submission.barOpenTimeMs;
  const existing = await ctx.db
    .query("shadowDecisions")
    .withIndex("by_shadow_and_bar", (q) => q.eq("shadowId", shadow._id).eq("barOpenTimeMs", bar))
    .unique();
  if (existing !== null) return existing.outcome;
  const { account } = shadow;
  const isDue = shadow.isActive && shadow.runId === run._id && shadow.lastBarOpenTimeMs === bar;
  if (account === undefined || !isDue || submission.provenance.versionId !== shadow.versionId) {
    throw new ConvexError(
      appError("CONFLICT", `The shadow does not stand at bar ${bar} of this run`, "submission"),
    );
  }
  const hourAgo = await ctx.db
    .query("shadowDecisions")
    .withIndex("by_shadow_and_bar", (q) =>
      q
        .eq("shadowId", shadow._id)
        .gt("barOpenTimeMs", bar - 3_600_000)
        .lte("barOpenTimeMs", bar),
    )
    .take(100);
  const limits = await currentLimits(ctx);
  const confidence = submission.action === null ? 0 : (submission.probabilities[submission.action] ?? 0);
  const circumstances = {
    runStatus: run.desired,
    killMode: (await readKillSwitch(ctx)).mode,
    nowBarAgeMs: run.feed === "live" ? Math.max(0, Date.now() - submission.barCloseTimeMs) : 0,
    dayStartEquityUsd: shadow.dayStartEquityUsd,
    ordersLastHour: hourAgo.filter(({ outcome }) => outcome === "order").length,
    // Its own: the champion's losses must not stop the one that might replace it.
    breaker: shadow.breaker,
  };
  const { order, planned, holdReason, verdicts } = adjudicate({
    ...circumstances,
    ...{ account, confidence, sizing: shadow.sizing, rules: shadow.rules },
    action: submission.action,
    forcedHold: submission.forcedHold,
    referencePrice: submission.referencePrice,
    atr: submission.atr,
    clientOrderId: decisionOrderId(run._id, bar, submission.action),
    limits: limits?.limits ?? null,
  });
  const outcome = order === null ? "hold" : "order";
  await ctx.db.insert("shadowDecisions", {
    shadowId: shadow._id,
    runId: run._id,
    instrument: run.instrument,
    ...submission,
    ...{ account, circumstances, confidence, outcome, verdicts },
    holdReason: holdReason ?? undefined,
    riskLimitsVersion: limits?.version ?? 0,
    plannedQty: planned?.qty ?? 0,
    plannedStopPrice: planned?.stopPrice ?? 0,
    decidedAtMs: Date.now(),
  });
  await ctx.db.patch(shadow._id, {
    pending: order === null ? null : { ...order },
    decisions: shadow.decisions + 1,
    breaker: shadow.breaker ?? breachOf(verdicts) ?? undefined,
  });
  return outcome;
}
