/** Governance for people: the kill switch, champions, promotions. */
import { v } from "convex/values";
import { adminMutation, operatorMutation, viewerQuery } from "../builders";
import { engageKillSwitch } from "./killSwitch";
import {
  activeGatePolicy,
  armKillSwitch,
  promote as promoteVersion,
  setGatePolicy as putGatePolicy,
  readKillSwitch,
  rollback as rollBack,
} from "./model";
import {
  championFields,
  gatePolicyFields,
  killSwitchFields,
  promotionFields,
  vGatePolicyValues,
  vGateResult,
} from "./schema";

export const killSwitch = viewerQuery({
  args: {},
  returns: v.object(killSwitchFields),
  handler: (ctx) => readKillSwitch(ctx),
});

/** Stops new risk, cancels, or flattens every active run; effective when this call returns. */
export const engage = operatorMutation({
  args: {
    mode: v.union(v.literal("noNewRisk"), v.literal("cancelAll"), v.literal("flatten")),
    reason: v.string(),
  },
  returns: v.object({ epoch: v.number(), ordersCancelledIn: v.number(), fills: v.number() }),
  handler: (ctx, { mode, reason }) => engageKillSwitch(ctx, mode, reason, ctx.actor.tokenIdentifier),
});

/** A separate act of an admin. */
export const arm = adminMutation({
  args: { reason: v.string() },
  returns: v.object({ epoch: v.number() }),
  handler: (ctx, { reason }) => armKillSwitch(ctx, reason, ctx.actor.tokenIdentifier),
});

export const listChampions = viewerQuery({
  args: {},
  returns: v.array(v.object({ ...championFields, versionName: v.string() })),
  handler: async (ctx) => {
    const rows = await ctx.db.query("champions").withIndex("by_instrument").take(50);
    const champions = [];
    for (const { _id, _creationTime, ...fields } of rows) {
      champions.push({ ...fields, versionName: (await ctx.db.get(fields.versionId))?.name ?? "unknown" });
    }
    return champions;
  },
});

export const listPromotions = viewerQuery({
  args: {},
  returns: v.array(v.object({ ...promotionFields, _id: v.id("promotions"), versionName: v.string() })),
  handler: async (ctx) => {
    const rows = await ctx.db.query("promotions").withIndex("by_at").order("desc").take(50);
    const promotions = [];
    for (const { _creationTime, ...fields } of rows) {
      promotions.push({ ...fields, versionName: (await ctx.db.get(fields.versionId))?.name ?? "unknown" });
    }
    return promotions;
  },
});

const vPromotionOutcome = v.object({
  outcome: v.union(v.literal("promoted"), v.literal("refused"), v.literal("forced")),
  gates: v.array(vGateResult),
});

/** Recomputes the gates from the newest evaluation; refuses and records why, or makes the champion. */
export const promote = operatorMutation({
  args: { versionId: v.id("agentVersions") },
  returns: vPromotionOutcome,
  handler: (ctx, { versionId }) => promoteVersion(ctx, versionId, ctx.actor.tokenIdentifier, null),
});

/** Promotes against failing gates: an admin's act, with a reason, in the audit chain. */
export const forcePromote = adminMutation({
  args: { versionId: v.id("agentVersions"), reason: v.string() },
  returns: vPromotionOutcome,
  handler: (ctx, { versionId, reason }) => promoteVersion(ctx, versionId, ctx.actor.tokenIdentifier, reason),
});

/** Back to the previous champion, while runs go on; they switch between two bars. Refused when there is none before. */
export const rollback = operatorMutation({
  args: { instrument: v.string(), reason: v.string() },
  returns: v.object({
    versionId: v.id("agentVersions"),
    rolledBackVersionId: v.id("agentVersions"),
    /** Active runs that follow. */
    runs: v.number(),
  }),
  handler: (ctx, { instrument, reason }) => rollBack(ctx, instrument, reason, ctx.actor.tokenIdentifier),
});

const vGatePolicy = v.object({ id: v.string(), version: v.number(), values: vGatePolicyValues });

/** The promotion policy in force. */
export const gatePolicy = viewerQuery({
  args: {},
  returns: vGatePolicy,
  handler: async (ctx) => {
    const { id, version, ...values } = await activeGatePolicy(ctx);
    return { id, version, values };
  },
});

/** Earlier versions of the policy, newest first. */
export const gatePolicyHistory = viewerQuery({
  args: {},
  returns: v.array(v.object({ ...gatePolicyFields, _id: v.id("gatePolicies") })),
  handler: async (ctx) => {
    const rows = await ctx.db.query("gatePolicies").withIndex("by_version").order("desc").take(50);
    return rows.map(({ _creationTime, ...fields }) => fields);
  },
});

/** A new version of the thresholds: an admin's act, with a reason, in the audit chain. */
export const setGatePolicy = adminMutation({
  args: { values: vGatePolicyValues, reason: v.string() },
  returns: v.object({ version: v.number() }),
  handler: async (ctx, { values, reason }) => ({
    version: await putGatePolicy(ctx, values, reason, ctx.actor.tokenIdentifier),
  }),
});
