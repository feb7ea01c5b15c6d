import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  base64Decode,
  base64Encode,
  bytesToFloat32,
  bytesToFloat64,
  concatBytes,
  float32ToBytes,
  float64ToBytes,
} from "./bytes";

const text = (s: string) => new TextEncoder().encode(s);

describe("bytes", () => {
  it("encodes the RFC 4648 vectors", () => {
    const vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
    expect(vectors.map((_, n) => base64Encode(text("foobar".slice(0, n))))).toEqual(vectors);
  });

  it("base64 decodes what it encodes, at any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
        expect(base64Decode(base64Encode(bytes))).toEqual(bytes);
      }),
    );
  });

  it("base64 refuses wrong lengths, foreign characters and non-canonical padding", () => {
    for (const bad of ["A", "AAA", "A*==", "Zh==", "Zm9=", "=AAA", "AA=A", "Zg==Zg=="]) {
      expect(() => base64Decode(bad), bad).toThrow(RangeError);
    }
  });

  it("stores floats little endian and keeps every bit, from unaligned offsets too", () => {
    expect(float64ToBytes(new Float64Array([1]))).toEqual(new Uint8Array([0, 0, 0, 0, 0, 0, 0xf0, 0x3f]));
    expect(float32ToBytes(new Float32Array([1]))).toEqual(new Uint8Array([0, 0, 0x80, 0x3f]));
    fc.assert(
      fc.property(fc.float64Array(), fc.float32Array(), (doubles, singles) => {
        const shifted = concatBytes(new Uint8Array(1), float64ToBytes(doubles)).subarray(1);
        expect(bytesToFloat64(shifted)).toEqual(doubles);
        expect(bytesToFloat32(float32ToBytes(singles))).toEqual(singles);
      }),
    );
    expect(() => bytesToFloat64(new Uint8Array(9))).toThrow(/multiple of 8/);
  });
});
