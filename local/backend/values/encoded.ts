/** Convex's encoded JSON: what crosses the wire, what syscalls carry, and what the store keeps. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export type JsonObject = { [field: string]: JsonValue };

/** True for a plain encoded object, false for arrays, scalars and the `$integer`-style wrappers. */
export function isPlainObject(value: JsonValue | undefined): value is JsonObject {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  return wrapperOf(value) === null;
}

const WRAPPERS = new Set(["$integer", "$float", "$bytes", "$commitTs", "$undefined"]);

/** The wrapper name of an encoded special value (`$integer`, `$float`, `$bytes`, ...), or null. */
export function wrapperOf(value: JsonObject): string | null {
  let only: string | null = null;
  for (const field in value) {
    if (only !== null || field.charCodeAt(0) !== 36) return null;
    only = field;
  }
  return only !== null && WRAPPERS.has(only) ? only : null;
}

/** Reads the bytes of a `$integer`, `$float` or `$bytes` wrapper. */
export function wrappedBytes(value: JsonObject, wrapper: string): Buffer {
  return Buffer.from(value[wrapper] as string, "base64");
}

/** Encodes a signed 64-bit integer the way the client library does (base64 of 8 little-endian bytes). */
export function encodeInt64(value: bigint): JsonObject {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return { $integer: bytes.toString("base64") };
}

/** Decodes `{"$integer": ...}`; throws when it does not hold 8 bytes. */
export function decodeInt64(value: JsonObject): bigint {
  return wrappedBytes(value, "$integer").readBigInt64LE(0);
}

/** Base64 of an unsigned 64-bit little-endian timestamp: the protocol's `ts`. */
export function encodeTs(ts: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ts);
  return bytes.toString("base64");
}

/** Inverse of {@link encodeTs}. */
export function decodeTs(text: string): bigint {
  return Buffer.from(text, "base64").readBigUInt64LE(0);
}

/** Object with its fields in sorted order, as real Convex emits them. Only the top level is touched. */
export function sortedObject(value: JsonObject): JsonObject {
  const sorted: JsonObject = {};
  for (const field of Object.keys(value).sort()) sorted[field] = value[field] as JsonValue;
  return sorted;
}

/** Plain JSON for clients that ask for `format: "json"`: int64 as decimal text, bytes as base64. */
export function toCleanJson(value: JsonValue): JsonValue {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(toCleanJson);
  switch (wrapperOf(value)) {
    case "$integer":
      return decodeInt64(value).toString();
    case "$float": {
      const float = wrappedBytes(value, "$float").readDoubleLE(0);
      return Number.isFinite(float) ? float : String(float);
    }
    case "$bytes":
      return value.$bytes as string;
  }
  const out: JsonObject = {};
  for (const [field, inner] of Object.entries(value)) out[field] = toCleanJson(inner);
  return out;
}
