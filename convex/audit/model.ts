/** Owns the audit chain. Append only; the only writer of auditEntries. */
import { auditHash, GENESIS_HASH } from "../../lib/audit/chain";
import { canonicalJson } from "../../lib/core/canonicalJson";
import type { MutationCtx, QueryCtx } from "../_generated/server";

export interface AuditEvent {
  actor: string;
  action: string;
  subjectType: string;
  subjectId: string;
  detail: Record<string, string | number | boolean | null | undefined>;
}

/** Appends one event inside the caller's transaction: the act and its record commit together or not at all. */
export async function appendAudit(ctx: MutationCtx, event: AuditEvent): Promise<void> {
  const last = await ctx.db.query("auditEntries").withIndex("by_sequence").order("desc").first();
  const content = {
    sequence: last === null ? 0 : last.sequence + 1,
    previousHash: last === null ? GENESIS_HASH : last.hash,
    actor: event.actor,
    action: event.action,
    subjectType: event.subjectType,
    subjectId: event.subjectId,
    detail: canonicalJson(event.detail),
    atMs: Date.now(),
  };
  await ctx.db.insert("auditEntries", { ...content, hash: auditHash(content) });
}

/** What tells this desk from every other one: the hash of the first thing that was ever done on it. */
export async function deskIdOf(ctx: QueryCtx): Promise<string> {
  const first = await ctx.db.query("auditEntries").withIndex("by_sequence").first();
  return first?.hash ?? GENESIS_HASH;
}
