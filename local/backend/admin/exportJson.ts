import { decodeInt64, encodeInt64, type JsonObject, type JsonValue, wrapperOf } from "../values/encoded";

/**
 * The JSON of Convex's exports ("uniform" in generated_schema.jsonl): an int64 is a number without a point, a float64 always has a
 * point or an exponent; NaN, the infinities and bytes keep the wrappers of the encoded form. The transformation works on text,
 * because JSON.parse would merge the two kinds of numbers and round large ones.
 */
const TEXT = '"[^"\\\\]*(?:\\\\[\\s\\S][^"\\\\]*)*"';
const NUMBER = "-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?";
const ENCODED_TOKEN = new RegExp(`${TEXT}|\\{"\\$(?:integer|float)":"[^"]*"\\}|${NUMBER}`, "g");
const EXPORTED_TOKEN = new RegExp(`${TEXT}|${NUMBER}`, "g");
const QUOTE = 34;
const BRACE = 123;
const MINUS_ZERO: JsonObject = { $float: "AAAAAAAAAIA=" };
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** A stored document's encoded JSON text in the form of exports. */
export function toExportJson(encoded: string): string {
  return encoded.replace(ENCODED_TOKEN, (token) => {
    const first = token.charCodeAt(0);
    if (first === QUOTE) return token;
    if (first !== BRACE) return /[.eE]/.test(token) ? token : `${token}.0`;
    const wrapped = JSON.parse(token) as JsonObject;
    if ("$integer" in wrapped) return decodeInt64(wrapped).toString();
    return wrapped.$float === MINUS_ZERO.$float ? "-0.0" : token;
  });
}

function encodeNumber(token: string): string {
  if (!/[.eE]/.test(token) && token !== "-0") {
    const integer = BigInt(token);
    if (integer >= INT64_MIN && integer <= INT64_MAX) return JSON.stringify(encodeInt64(integer));
  }
  const value = Number(token);
  if (!Number.isFinite(value)) throw new Error(`The number ${token} is out of range.`);
  return Object.is(value, -0) ? JSON.stringify(MINUS_ZERO) : JSON.stringify(value);
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The one stored form of a wrapper. Throws when it holds something else than its name says. */
function checkedWrapper(value: JsonObject, wrapper: string): JsonValue {
  const text = value[wrapper];
  const isBase64 = typeof text === "string" && BASE64.test(text);
  if (wrapper === "$bytes" && isBase64) return value;
  const bytes = isBase64 ? Buffer.from(text, "base64") : null;
  if (bytes?.length === 8 && wrapper === "$integer") return value;
  if (bytes?.length === 8 && wrapper === "$float") {
    const float = bytes.readDoubleLE(0);
    return Number.isFinite(float) && !Object.is(float, -0) ? float : value;
  }
  throw new Error(`${JSON.stringify(value)} is not a value.`);
}

/** Replaces in place what parsed JSON may hold and the stored form may not. */
function normalise(value: JsonValue, allowWrappers: boolean): JsonValue {
  if (typeof value === "number") return Object.is(value, -0) ? { ...MINUS_ZERO } : value;
  if (value === null || typeof value !== "object") return value;
  if (!Array.isArray(value)) {
    const wrapper = wrapperOf(value);
    if (wrapper !== null && allowWrappers) return checkedWrapper(value, wrapper);
    if (wrapper !== null) throw new Error(`Field name ${wrapper} starts with '$', which is reserved.`);
  }
  const container = value as JsonObject;
  for (const key of Object.keys(container)) container[key] = normalise(container[key]!, allowWrappers);
  return value;
}

/** Inverse of {@link toExportJson}: encoded JSON. Throws with a sentence. */
export function fromExportJson(text: string): JsonValue {
  // Not JSON in the first place: say so before tokens are replaced in it.
  JSON.parse(text);
  const encoded = text.replace(EXPORTED_TOKEN, (token) =>
    token.charCodeAt(0) === QUOTE ? token : encodeNumber(token),
  );
  return normalise(JSON.parse(encoded) as JsonValue, true);
}

/** Encoded JSON of plain JSON, as people write it: every number is a float64. Throws with a sentence. */
export function fromPlainJson(value: JsonValue): JsonValue {
  return normalise(value, false);
}
