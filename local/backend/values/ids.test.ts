import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeId, encodeId, newInternalId } from "./ids";

const internalId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));

describe("document ids", () => {
  it("decode to the table and internal id they were made of", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 27 }), internalId, (tableNumber, id) => {
        expect(decodeId(encodeId(tableNumber, id))).toEqual({ tableNumber, internalId: id });
      }),
    );
  });

  it("have 32 characters for an application's tables", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10001, max: 16383 }),
        internalId,
        (t, id) => encodeId(t, id).length === 32,
      ),
    );
  });

  it("with one character changed are no id", () => {
    fc.assert(
      fc.property(
        internalId,
        fc.nat(31),
        fc.constantFrom(..."0123456789abcdefghjkmnpqrstvwxyz"),
        (id, at, char) => {
          const text = encodeId(10001, id);
          fc.pre(text[at] !== char);
          expect(decodeId(text.slice(0, at) + char + text.slice(at + 1))).toBeNull();
        },
      ),
    );
    for (const text of ["", "x", "j".repeat(32), "!".repeat(32)]) expect(decodeId(text)).toBeNull();
  });

  it("made later sort later, so that neighbours in time are neighbours on disk", () => {
    const zeros = (length: number) => new Uint8Array(length);
    expect(newInternalId(1_700_000_000_001, zeros) > newInternalId(1_700_000_000_000, zeros)).toBe(true);
  });
});
