/** Members and sign-in, for people. */
import { v } from "convex/values";
import { adminMutation, adminQuery, anonymousMutation, identityQuery } from "../builders";
import {
  allowApiToken,
  createSignInLink,
  findMember,
  redeemSignInLink,
  revokeApiToken,
  setMemberDisabled,
} from "./model";
import { vRole } from "./roles";
import { apiTokenFields, vScope } from "./schema";

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

export const listTokens = adminQuery({
  args: {},
  returns: v.array(v.object(apiTokenFields)),
  handler: async (ctx) => {
    const rows = await ctx.db.query("apiTokens").withIndex("by_subject").take(100);
    return rows.map(({ _id, _creationTime, ...fields }) => fields);
  },
});

/** Lets a machine act in the given scopes; the token itself is made where the desk's key is. */
export const allowToken = adminMutation({
  args: { name: v.string(), scopes: v.array(vScope), days: v.number() },
  returns: v.object({ subject: v.string(), expiresAtMs: v.number() }),
  handler: (ctx, args) => allowApiToken(ctx, args, ctx.actor.tokenIdentifier),
});

export const revokeToken = adminMutation({
  args: { name: v.string() },
  returns: v.null(),
  handler: async (ctx, { name }) => {
    await revokeApiToken(ctx, name, ctx.actor.tokenIdentifier);
    return null;
  },
});
