/** Members and sign-in, for people. */
import { v } from "convex/values";
import { adminMutation, adminQuery, anonymousMutation, identityQuery } from "../builders";
import { createSignInLink, findMember, redeemSignInLink, setMemberDisabled } from "./model";
import { vRole } from "./roles";

/** The signed-in member, or null when there is none (the console then shows the sign-in page). */
export const me = identityQuery({
  args: {},
  returns: v.union(v.null(), v.object({ subject: v.string(), displayName: v.string(), role: vRole })),
  handler: async (ctx) => {
    if (ctx.tokenIdentifier === null) return null;
    const member = await findMember(ctx, ctx.tokenIdentifier);
    if (member === null || member.disabled) return null;
    return { subject: member.subject, displayName: member.displayName, role: member.role };
  },
});

export const listMembers = adminQuery({
  args: {},
  returns: v.array(
    v.object({ subject: v.string(), displayName: v.string(), role: vRole, disabled: v.boolean() }),
  ),
  handler: async (ctx) => {
    const members = await ctx.db.query("members").take(100);
    return members.map(({ subject, displayName, role, disabled }) => ({
      subject,
      displayName,
      role,
      disabled,
    }));
  },
});

export const inviteMember = adminMutation({
  args: { codeHash: v.string(), role: vRole, subject: v.string(), displayName: v.string() },
  returns: v.object({ expiresAtMs: v.number() }),
  handler: (ctx, args) => createSignInLink(ctx, args, ctx.actor.tokenIdentifier),
});

export const setDisabled = adminMutation({
  args: { subject: v.string(), disabled: v.boolean() },
  returns: v.null(),
  handler: async (ctx, { subject, disabled }) => {
    await setMemberDisabled(ctx, subject, disabled, ctx.actor.tokenIdentifier);
    return null;
  },
});

/** Null when the link is not valid (any more). */
export const redeemLink = anonymousMutation({
  args: { codeHash: v.string() },
  returns: v.union(v.null(), v.object({ subject: v.string(), displayName: v.string(), role: vRole })),
  handler: (ctx, args) => redeemSignInLink(ctx, args.codeHash),
});
