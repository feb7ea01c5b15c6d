import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint";

const content = fc.record({
  state: fc.jsonValue().map((v) => JSON.parse(JSON.stringify(v).replaceAll("-0", "0"))),
  arrays: fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.float32Array({ maxLength: 20 })),
});

describe("checkpoint file", () => {
  it("decodes to what was encoded, NaN and signed zeros of the arrays included", () => {
    fc.assert(
      fc.property(content, (value) => {
        const decoded = decodeCheckpoint(encodeCheckpoint(value));
        expect(decoded.ok).toBe(true);
        if (!decoded.ok) return;
        expect(decoded.value.state).toEqual(value.state);
        expect(decoded.value.arrays).toEqual({ ...value.arrays });
      }),
    );
  });

  it("W-12: every torn tail and every flipped byte is refused", () => {
    const bytes = encodeCheckpoint({ state: { a: 1 }, arrays: { w: Float32Array.from([1, 2, 3]) } });
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeCheckpoint(bytes.subarray(0, length)).ok).toBe(false);
    }
    for (let i = 0; i < bytes.length; i++) {
      const altered = bytes.slice();
      altered[i]! ^= 0x10;
      expect(decodeCheckpoint(altered).ok).toBe(false);
    }
  });
});
