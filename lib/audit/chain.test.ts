import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AuditContent,
  type AuditEntry,
  auditHash,
  CHAIN_START,
  GENESIS_HASH,
  verifyEntries,
} from "./chain";

/** An honest chain with these actions. */
function chainOf(actions: string[]): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (const [sequence, action] of actions.entries()) {
    const content: AuditContent = {
      sequence,
      previousHash: entries.at(-1)?.hash ?? GENESIS_HASH,
      actor: "local:ada",
      action,
      subjectType: "run",
      subjectId: `run-${sequence}`,
      detail: '{"reason":"test"}',
      atMs: 1_750_000_000_000 + sequence,
    };
    entries.push({ ...content, hash: auditHash(content) });
  }
  return entries;
}

const actions = fc.array(fc.string({ maxLength: 12 }), { minLength: 2, maxLength: 12 });
const changes: { [Field in keyof AuditContent]: (entry: AuditEntry) => AuditContent[Field] } = {
  sequence: (entry) => entry.sequence + 1,
  previousHash: (entry) =>
    `${entry.previousHash.slice(0, 63)}${entry.previousHash.endsWith("0") ? "1" : "0"}`,
  actor: (entry) => `${entry.actor}!`,
  action: (entry) => `${entry.action}!`,
  subjectType: (entry) => `${entry.subjectType}!`,
  subjectId: (entry) => `${entry.subjectId}!`,
  detail: () => "{}",
  atMs: (entry) => entry.atMs + 1,
};

describe("audit chain", () => {
  it("an honest chain verifies whole, in pages of any size, and an empty one too", () => {
    expect(verifyEntries([], CHAIN_START)).toEqual({ ok: true, position: CHAIN_START });
    fc.assert(
      fc.property(actions, fc.integer({ min: 1, max: 5 }), (names, page) => {
        const entries = chainOf(names);
        let position = CHAIN_START;
        for (let at = 0; at < entries.length; at += page) {
          const check = verifyEntries(entries.slice(at, at + page), position);
          if (!check.ok) return false;
          position = check.position;
        }
        expect(position).toEqual({ nextSequence: names.length, previousHash: entries.at(-1)!.hash });
        return true;
      }),
      { numRuns: 50 },
    );
  });

  it.each(Object.keys(changes) as (keyof AuditContent)[])(
    "D-08: an edited %s is named as the first bad link, wherever it is",
    (field) => {
      fc.assert(
        fc.property(actions, fc.nat(), (names, pick) => {
          const entries = chainOf(names);
          const at = pick % entries.length;
          entries[at] = { ...entries[at]!, [field]: changes[field](entries[at]!) };
          expect(verifyEntries(entries, CHAIN_START)).toMatchObject({ ok: false, sequence: at });
        }),
        { numRuns: 25 },
      );
    },
  );

  it("D-08: an edited entry whose own hash was made to fit breaks the link after it", () => {
    const entries = chainOf(["a", "b", "c", "d"]);
    const forged = { ...entries[1]!, action: "something else" };
    entries[1] = { ...forged, hash: auditHash(forged) };
    expect(verifyEntries(entries, CHAIN_START)).toMatchObject({ ok: false, sequence: 2 });
  });

  it("D-08: removed, swapped and inserted entries are named where the order breaks", () => {
    fc.assert(
      fc.property(actions, fc.nat(), (names, pick) => {
        const entries = chainOf(names);
        const at = pick % (entries.length - 1);
        const removed = entries.filter((_, i) => i !== at);
        expect(verifyEntries(removed, CHAIN_START)).toMatchObject({ ok: false, sequence: at });
        const swapped = [...entries];
        [swapped[at], swapped[at + 1]] = [swapped[at + 1]!, swapped[at]!];
        expect(verifyEntries(swapped, CHAIN_START)).toMatchObject({ ok: false, sequence: at });
        const inserted = entries.toSpliced(at + 1, 0, entries[at]!);
        expect(verifyEntries(inserted, CHAIN_START)).toMatchObject({ ok: false, sequence: at + 1 });
      }),
      { numRuns: 50 },
    );
  });

  it("two entries that differ in one field only have different hashes", () => {
    const [entry] = chainOf(["a"]);
    const hashes = Object.entries(changes).map(([field, change]) =>
      auditHash({ ...entry!, [field]: change(entry!) }),
    );
    expect(new Set([entry!.hash, ...hashes]).size).toBe(hashes.length + 1);
  });
});
