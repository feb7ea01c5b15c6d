import { type JsonObject, type JsonValue, wrappedBytes, wrapperOf } from "./encoded";

/**
 * Order-preserving keys. A key is a "binary string": one UTF-16 unit (0..255) per byte, so that JavaScript's `<` on
 * two keys is the byte order LevelDB uses, and keys can be Map keys.
 * One tag byte per type in Convex's order: undefined < null < int64 < float64 < boolean < string < bytes < array < object.
 */
const TAG = {
  undefined: "\x01",
  null: "\x02",
  int64: "\x03",
  float64: "\x04",
  false: "\x05",
  true: "\x06",
  string: "\x07",
  bytes: "\x08",
  array: "\x09",
  object: "\x0a",
} as const;

const scratch = Buffer.alloc(8);

/** Nine-byte key of a float64: sign-flipped when positive, all bits inverted when negative. */
export function floatKey(value: number): string {
  scratch.writeDoubleBE(value);
  return TAG.float64 + orderedFloatBits();
}

function orderedFloatBits(): string {
  if (scratch[0]! & 0x80) for (let i = 0; i < 8; i++) scratch[i] = ~scratch[i]! & 0xff;
  else scratch[0] = scratch[0]! ^ 0x80;
  return scratch.toString("latin1", 0, 8);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the zero byte is the terminator being escaped
const ZERO_BYTES = /\x00/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: anything outside printable ASCII takes the byte-exact path
const PLAIN_ASCII = /^[\x01-\x7f]*$/;

/** A zero byte becomes 00 FF and the end is 00, so a prefix sorts before its extensions. */
function terminated(bytes: string): string {
  return `${bytes.includes("\x00") ? bytes.replace(ZERO_BYTES, "\x00\xff") : bytes}\x00`;
}

function stringKey(text: string): string {
  const bytes = PLAIN_ASCII.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
  return TAG.string + terminated(bytes);
}

function wrappedKey(value: JsonObject, wrapper: string): string {
  if (wrapper === "$undefined") return TAG.undefined;
  if (wrapper === "$bytes") return TAG.bytes + terminated(wrappedBytes(value, wrapper).toString("latin1"));
  if (wrapper === "$commitTs") return `${TAG.int64}${"\xff".repeat(8)}`;
  wrappedBytes(value, wrapper).copy(scratch);
  scratch.reverse();
  if (wrapper === "$float") return TAG.float64 + orderedFloatBits();
  scratch[0] = scratch[0]! ^ 0x80;
  return TAG.int64 + scratch.toString("latin1", 0, 8);
}

/** Key of one encoded value; `undefined` (a missing field) sorts first. */
export function valueKey(value: JsonValue | undefined): string {
  if (value === undefined) return TAG.undefined;
  if (value === null) return TAG.null;
  switch (typeof value) {
    case "number":
      return floatKey(value);
    case "boolean":
      return value ? TAG.true : TAG.false;
    case "string":
      return stringKey(value);
  }
  if (Array.isArray(value)) {
    let key: string = TAG.array;
    for (const element of value) key += valueKey(element);
    return `${key}\x00`;
  }
  const wrapper = wrapperOf(value);
  if (wrapper !== null) return wrappedKey(value, wrapper);
  let key: string = TAG.object;
  for (const field of Object.keys(value).sort()) key += stringKey(field) + valueKey(value[field]);
  return `${key}\x00`;
}

/** Four bytes, big-endian: table and index numbers inside keys. */
export function u32Key(value: number): string {
  return String.fromCharCode((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** The smallest key greater than every key that starts with `prefix`. */
export function afterPrefix(prefix: string): string {
  let end = prefix.length;
  while (end > 0 && prefix.charCodeAt(end - 1) === 255) end--;
  if (end === 0) return "\xff".repeat(64);
  return prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1);
}

/** The smallest key greater than `key` itself. */
export function afterKey(key: string): string {
  return `${key}\x00`;
}

export function keyToBuffer(key: string): Buffer {
  return Buffer.from(key, "latin1");
}

export function bufferToKey(bytes: Buffer): string {
  return bytes.toString("latin1");
}
