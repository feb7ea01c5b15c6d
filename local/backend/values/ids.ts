/**
 * Document ids: lowercase Crockford base32 of [varint table number][16-byte internal id][fletcher16 footer].
 * The internal id travels as a 16-character binary string (see keys.ts).
 */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const DIGIT = new Map([...ALPHABET].map((char, value) => [char, value]));

export interface DecodedId {
  tableNumber: number;
  internalId: string;
}

function fletcher16(bytes: Uint8Array, length: number): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < length; i++) {
    low = (low + bytes[i]!) & 255;
    high = (high + low) & 255;
  }
  return (high << 8) | low;
}

function base32Encode(bytes: Uint8Array): string {
  let out = "";
  let bits = 0;
  let pending = 0;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += ALPHABET[(pending >>> bits) & 31];
    }
    pending &= (1 << bits) - 1;
  }
  return bits > 0 ? out + ALPHABET[(pending << (5 - bits)) & 31] : out;
}

function base32Decode(text: string): Uint8Array | null {
  const out = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let pending = 0;
  let at = 0;
  for (const char of text) {
    const digit = DIGIT.get(char);
    if (digit === undefined) return null;
    pending = (pending << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (pending >>> bits) & 255;
      pending &= (1 << bits) - 1;
    }
  }
  return out;
}

/** Builds the id of a document; `internalId` is 16 binary characters. */
export function encodeId(tableNumber: number, internalId: string): string {
  const head: number[] = [];
  let rest = tableNumber;
  while (rest >= 128) {
    head.push((rest & 127) | 128);
    rest >>>= 7;
  }
  head.push(rest);
  const bytes = new Uint8Array(head.length + 18);
  bytes.set(head);
  for (let i = 0; i < 16; i++) bytes[head.length + i] = internalId.charCodeAt(i);
  const footer = fletcher16(bytes, head.length + 16);
  bytes[head.length + 16] = footer & 255;
  bytes[head.length + 17] = footer >>> 8;
  return base32Encode(bytes);
}

/** Table number and internal id of a well-formed id, or null when the text is no id of any table. */
export function decodeId(text: string): DecodedId | null {
  if (text.length < 31 || text.length > 37) return null;
  const bytes = base32Decode(text);
  if (bytes === null) return null;
  let tableNumber = 0;
  let at = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 28) return null;
    tableNumber |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  if (bytes.length !== at + 18) return null;
  const footer = fletcher16(bytes, at + 16);
  if (bytes[at + 16] !== (footer & 255) || bytes[at + 17] !== footer >>> 8) return null;
  const internalId = Buffer.from(bytes.subarray(at, at + 16)).toString("latin1");
  return encodeId(tableNumber, internalId) === text ? { tableNumber, internalId } : null;
}

/** Six bytes of milliseconds, then ten random bytes: neighbours in time are neighbours on disk. */
export function newInternalId(timeMs: number, randomBytes: (length: number) => Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(Math.floor(timeMs), 0, 6);
  bytes.set(randomBytes(10), 6);
  return bytes.toString("latin1");
}
