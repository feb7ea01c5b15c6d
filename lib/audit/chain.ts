/**
 * The audit log's hash chain (invariant 12): each entry's hash covers its content and the hash before it,
 * so an edited, removed or inserted entry breaks every link after it.
 */
import { canonicalJson } from "../core/canonicalJson";
import { sha256Hex } from "../core/sha256";

export const GENESIS_HASH = "0".repeat(64);

export interface AuditContent {
  sequence: number;
  previousHash: string;
  actor: string;
  action: string;
  subjectType: string;
  subjectId: string;
  detail: string;
  atMs: number;
}

export interface AuditEntry extends AuditContent {
  hash: string;
}

/** SHA-256 (hex) over the canonical JSON of the entry without its own hash. */
export function auditHash(content: AuditContent): string {
  const { sequence, previousHash, actor, action, subjectType, subjectId, detail, atMs } = content;
  return sha256Hex(
    canonicalJson({ sequence, previousHash, actor, action, subjectType, subjectId, detail, atMs }),
  );
}

export interface ChainPosition {
  nextSequence: number;
  previousHash: string;
}

export const CHAIN_START: ChainPosition = { nextSequence: 0, previousHash: GENESIS_HASH };

export type ChainCheck =
  | { ok: true; position: ChainPosition }
  | { ok: false; sequence: number; reason: string };

/** Checks consecutive entries against the position before them; names the first bad link. */
export function verifyEntries(entries: readonly AuditEntry[], from: ChainPosition): ChainCheck {
  let position = from;
  for (const entry of entries) {
    const expected = position.nextSequence;
    if (entry.sequence !== expected) {
      return {
        ok: false,
        sequence: expected,
        reason: `entry ${expected} is missing; found ${entry.sequence} in its place`,
      };
    }
    if (entry.previousHash !== position.previousHash) {
      return {
        ok: false,
        sequence: expected,
        reason: "the stored previous hash is not the hash of the entry before",
      };
    }
    if (auditHash(entry) !== entry.hash) {
      return { ok: false, sequence: expected, reason: "the content does not match its stored hash" };
    }
    position = { nextSequence: expected + 1, previousHash: entry.hash };
  }
  return { ok: true, position };
}
