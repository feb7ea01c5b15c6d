/** What the desk's own start-up may do about access, under its service identity. */
import { v } from "convex/values";
import { workerMutation } from "../builders";
import { ensureKillSwitch } from "../governance/model";
import { ensureDefaults as ensureRiskDefaults } from "../risk/model";
import { createSignInLink, ensureMember } from "./model";
import { vRole } from "./roles";

/** Makes a fresh desk usable: the command line's member, the first risk limits, an armed kill switch. Idempotent. */
export const bootstrap = workerMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const actor = ctx.actor.tokenIdentifier;
    await ensureMember(ctx, { subject: "local:cli", displayName: "Command line", role: "admin" }, actor);
    await ensureRiskDefaults(ctx, actor);
    await ensureKillSwitch(ctx, actor);
    return null;
  },
});

export const createLink = workerMutation({
  limit: "tokenCalls",
  args: { codeHash: v.string(), role: vRole, subject: v.string(), displayName: v.string() },
  returns: v.object({ expiresAtMs: v.number() }),
  handler: (ctx, args) => createSignInLink(ctx, args, ctx.actor.tokenIdentifier),
});
