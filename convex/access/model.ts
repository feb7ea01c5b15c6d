/** Owns members and one-time sign-in links. The only writer of both tables. */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { appendAudit } from "../audit/model";
import { countUse } from "../rateLimits";
import {
  API_SUBJECT_PREFIX,
  LOCAL_ISSUER_DEFAULT,
  type Role,
  type Scope,
  SERVICE_SUBJECT_PREFIX,
} from "./roles";

export async function findMember(ctx: QueryCtx, tokenIdentifier: string): Promise<Doc<"members"> | null> {
  return ctx.db
    .query("members")
    .withIndex("by_tokenIdentifier", (q) => q.eq("tokenIdentifier", tokenIdentifier))
    .unique();
}

function localTokenIdentifier(subject: string): string {
  return `${process.env.ASSAY_AUTH_ISSUER ?? LOCAL_ISSUER_DEFAULT}|${subject}`;
}

/** Creates or updates a local member; idempotent. `subject` is the token's `sub`. */
export async function ensureMember(
  ctx: MutationCtx,
  member: { subject: string; displayName: string; role: Role },
  actor: string,
): Promise<void> {
  const tokenIdentifier = localTokenIdentifier(member.subject);
  const existing = await findMember(ctx, tokenIdentifier);
  if (existing !== null && existing.role === member.role && existing.displayName === member.displayName)
    return;
  if (existing === null) {
    await ctx.db.insert("members", { ...member, tokenIdentifier, disabled: false });
  } else {
    await ctx.db.patch(existing._id, { role: member.role, displayName: member.displayName });
  }
  await appendAudit(ctx, {
    actor,
    action: existing === null ? "member.add" : "member.change",
    subjectType: "member",
    subjectId: member.subject,
    detail: { role: member.role, displayName: member.displayName },
  });
}

/**
 * Shuts a member out, or lets them in again; it holds from their very next call, whatever token they have. Nobody
 * disables themselves, so a desk keeps at least one admin.
 */
export async function setMemberDisabled(
  ctx: MutationCtx,
  subject: string,
  disabled: boolean,
  actor: string,
): Promise<void> {
  const member = await findMember(ctx, localTokenIdentifier(subject));
  if (member === null) throw new ConvexError(appError("NOT_FOUND", "This member is unknown", "subject"));
  if (member.tokenIdentifier === actor) {
    throw new ConvexError(appError("CONFLICT", "You cannot disable yourself; another admin can", "subject"));
  }
  if (member.disabled === disabled) return;
  await ctx.db.patch(member._id, { disabled });
  await appendAudit(ctx, {
    actor,
    action: disabled ? "member.disable" : "member.enable",
    subjectType: "member",
    subjectId: subject,
    detail: { role: member.role },
  });
}

export async function findApiToken(ctx: QueryCtx, subject: string): Promise<Doc<"apiTokens"> | null> {
  return ctx.db
    .query("apiTokens")
    .withIndex("by_subject", (q) => q.eq("subject", subject))
    .unique();
}

const TOKEN_NAME = /^[a-z0-9][a-z0-9-]{1,39}$/;
const DAY_MS = 86_400_000;

/** Lets tokens of this name act in the given scopes until they expire; repeating it renews, and enables again. */
export async function allowApiToken(
  ctx: MutationCtx,
  { name, scopes, days }: { name: string; scopes: Scope[]; days: number },
  actor: string,
): Promise<{ subject: string; expiresAtMs: number }> {
  const refuse = (message: string, field: string) => {
    throw new ConvexError(appError("INVALID_ARGUMENT", message, field));
  };
  if (!TOKEN_NAME.test(name)) refuse("name must be 2 to 40 small letters, digits and hyphens", "name");
  if (!(Number.isInteger(days) && days >= 1 && days <= 366)) refuse("days must be 1 to 366", "days");
  if (scopes.length === 0) refuse("scopes is empty; a token that may do nothing is of no use", "scopes");
  const subject = `${API_SUBJECT_PREFIX}${name}`;
  const existing = await findApiToken(ctx, subject);
  const fields = { scopes: [...new Set(scopes)], expiresAtMs: Date.now() + days * DAY_MS, disabled: false };
  if (existing === null) await ctx.db.insert("apiTokens", { subject, name, ...fields, createdBy: actor });
  else await ctx.db.patch(existing._id, fields);
  await appendAudit(ctx, {
    actor,
    action: "token.allow",
    subjectType: "token",
    subjectId: name,
    detail: { scopes: fields.scopes.join(" "), days },
  });
  return { subject, expiresAtMs: fields.expiresAtMs };
}

/** Shuts a machine out from its very next call, whatever token it holds. */
export async function revokeApiToken(ctx: MutationCtx, name: string, actor: string): Promise<void> {
  const token = await findApiToken(ctx, `${API_SUBJECT_PREFIX}${name}`);
  if (token === null) throw new ConvexError(appError("NOT_FOUND", "No token has this name", "name"));
  if (token.disabled) return;
  await ctx.db.patch(token._id, { disabled: true });
  await appendAudit(ctx, {
    actor,
    action: "token.revoke",
    subjectType: "token",
    subjectId: name,
    detail: {},
  });
}

async function findLink(ctx: QueryCtx, codeHash: string): Promise<Doc<"signInLinks"> | null> {
  return ctx.db
    .query("signInLinks")
    .withIndex("by_codeHash", (q) => q.eq("codeHash", codeHash))
    .unique();
}

/** Stores the hash of a one-time code; the link works once and for `LIMITS.signInLinkTtlMs`. */
export async function createSignInLink(
  ctx: MutationCtx,
  link: { codeHash: string; role: Role; subject: string; displayName: string },
  actor: string,
): Promise<{ expiresAtMs: number }> {
  // A redeemed link becomes a token with this subject: one of a service would be a worker's authority.
  if (link.subject.startsWith(SERVICE_SUBJECT_PREFIX)) {
    throw new ConvexError(
      appError(
        "INVALID_ARGUMENT",
        `subject must not start with ${SERVICE_SUBJECT_PREFIX}; name a person`,
        "subject",
      ),
    );
  }
  if ((await findLink(ctx, link.codeHash)) !== null) {
    throw new ConvexError(appError("CONFLICT", "A link with this code exists; make a new code", "codeHash"));
  }
  const expiresAtMs = Date.now() + LIMITS.signInLinkTtlMs;
  await ctx.db.insert("signInLinks", { ...link, expiresAtMs });
  await appendAudit(ctx, {
    actor,
    action: "signIn.linkCreated",
    subjectType: "member",
    subjectId: link.subject,
    detail: { role: link.role, expiresAtMs },
  });
  return { expiresAtMs };
}

/**
 * Uses up a link. Wrong, used and expired codes give the same answer, null, so guessing learns nothing; they count,
 * which a thrown error would undo, against the address that they came from and the member whom a stale link names.
 * Throws RATE_LIMITED when there were too many. A right code is never refused for them: it holds 192 random bits,
 * so no number of tries finds one, while a refusal would let anybody lock the members out, all of whom come from
 * the console's own address.
 */
export async function redeemSignInLink(
  ctx: MutationCtx,
  codeHash: string,
): Promise<{ subject: string; displayName: string; role: Role } | null> {
  const link = await findLink(ctx, codeHash);
  const now = Date.now();
  if (link === null || link.usedAtMs !== undefined || link.expiresAtMs < now) {
    const address = (await ctx.meta.getRequestMetadata()).ip ?? "unknown";
    const key = `${address} ${link?.subject ?? ""}`;
    await countUse(ctx, "signInFailures", key);
    return null;
  }
  await ctx.db.patch(link._id, { usedAtMs: now });
  const { subject, displayName, role } = link;
  await ensureMember(ctx, { subject, displayName, role }, "sign-in link");
  await appendAudit(ctx, {
    actor: subject,
    action: "signIn.redeemed",
    subjectType: "member",
    subjectId: subject,
    detail: { role },
  });
  return { subject, displayName, role };
}
