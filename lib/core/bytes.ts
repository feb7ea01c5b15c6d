/** Byte helpers that run in every runtime: no Buffer, no atob. All numbers are stored little endian. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CODES = new Uint8Array(64);
const VALUES = new Int16Array(128).fill(-1);
for (let i = 0; i < 64; i++) {
  CODES[i] = ALPHABET.charCodeAt(i);
  VALUES[ALPHABET.charCodeAt(i)] = i;
}
const PAD = 61;
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Standard base64 with padding (RFC 4648 section 4). */
export function base64Encode(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let o = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const b = bytes[i + 1] ?? 0;
    const c = bytes[i + 2] ?? 0;
    const word = (bytes[i]! << 16) | (b << 8) | c;
    out[o++] = CODES[word >>> 18]!;
    out[o++] = CODES[(word >>> 12) & 63]!;
    out[o++] = i + 1 < bytes.length ? CODES[(word >>> 6) & 63]! : PAD;
    out[o++] = i + 2 < bytes.length ? CODES[word & 63]! : PAD;
  }
  return asciiToString(out);
}

/** Inverse of `base64Encode`. Throws on a wrong length, a foreign character or stray bits before the padding. */
export function base64Decode(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new RangeError(`base64: length ${text.length} is not a multiple of 4`);
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const out = new Uint8Array((text.length / 4) * 3 - padding);
  let o = 0;
  for (let i = 0; i < text.length; i += 4) {
    const padded = i + 4 === text.length ? padding : 0;
    let word = 0;
    for (let j = 0; j < 4; j++) {
      const code = text.charCodeAt(i + j);
      const value = j >= 4 - padded ? 0 : code < 128 ? VALUES[code]! : -1;
      if (value < 0) throw new RangeError(`base64: character ${i + j} is outside the standard alphabet`);
      word = (word << 6) | value;
    }
    if ((padded === 1 && (word & 0xff) !== 0) || (padded === 2 && (word & 0xffff) !== 0)) {
      throw new RangeError("base64: bits are set under the padding, so the text is not canonical");
    }
    out[o++] = word >>> 16;
    if (padded < 2) out[o++] = (word >>> 8) & 255;
    if (padded < 1) out[o++] = word & 255;
  }
  return out;
}

function asciiToString(codes: Uint8Array): string {
  let text = "";
  // Argument lists are limited, so the codes are joined in slices.
  for (let i = 0; i < codes.length; i += 8192) text += String.fromCharCode(...codes.subarray(i, i + 8192));
  return text;
}

/** Joins parts into one new array. */
export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Eight bytes per value, little endian; keeps every bit, NaN payloads included. */
export function float64ToBytes(values: Float64Array): Uint8Array {
  const out = new Uint8Array(values.byteLength);
  out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return LITTLE_ENDIAN ? out : reverseWords(out, 8);
}

/** Inverse of `float64ToBytes`. Throws when the length is not a multiple of 8. */
export function bytesToFloat64(bytes: Uint8Array): Float64Array {
  return new Float64Array(alignedCopy(bytes, 8, "float64"));
}

/** Four bytes per value, little endian; keeps every bit. */
export function float32ToBytes(values: Float32Array): Uint8Array {
  const out = new Uint8Array(values.byteLength);
  out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return LITTLE_ENDIAN ? out : reverseWords(out, 4);
}

/** Inverse of `float32ToBytes`. Throws when the length is not a multiple of 4. */
export function bytesToFloat32(bytes: Uint8Array): Float32Array {
  return new Float32Array(alignedCopy(bytes, 4, "float32"));
}

function alignedCopy(bytes: Uint8Array, size: number, name: string): ArrayBuffer {
  if (bytes.length % size !== 0) {
    throw new RangeError(`${name}: ${bytes.length} bytes is not a multiple of ${size}`);
  }
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  if (!LITTLE_ENDIAN) reverseWords(copy, size);
  return copy.buffer;
}

function reverseWords(bytes: Uint8Array, size: number): Uint8Array {
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
  return bytes;
}
