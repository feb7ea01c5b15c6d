import { createHash } from "node:crypto";
import { fieldAt, type IndexDefinition, indexRowKey } from "../catalog/catalog";
import { isPlainObject, type JsonObject, type JsonValue, wrappedBytes, wrapperOf } from "../values/encoded";
import { floatKey, valueKey } from "../values/keys";
import { lengthCode, tokenize } from "./tokens";

/**
 * Rows of search and vector indexes. Like every index row they are keys without a value and a function of one document, so
 * that pending writes, rollback, backfill and the checker treat them as any other. After the index prefix:
 *
 *   text    01 field digest position                       the documents whose filter field has a value
 *           02 term 00 position count length digest...     the documents that hold a term
 *   vector  01 field digest id                             the documents whose filter field has a value
 *           02 id vector                                   unit vectors, little-endian float32
 *
 * A text position is the creation time, newest first, then the id; every list is sorted by it, so lists are intersected by
 * walking them side by side.
 */
export const FILTER_ROWS = "\x01";
export const CONTENT_ROWS = "\x02";
export const ID_LENGTH = 16;
export const POSITION_LENGTH = 8 + ID_LENGTH;
export const DIGEST_LENGTH = 16;

/** A filter value in 16 bytes: values are equal when their digests are. */
export function filterDigest(value: JsonValue | undefined): string {
  const digest = createHash("sha256").update(valueKey(value), "latin1").digest();
  return digest.toString("latin1", 0, DIGEST_LENGTH);
}

/** Sorts by creation time, newest first, then by id. */
function positionOf(document: JsonObject, internalId: string): string {
  const ascending = floatKey(document._creationTime as number);
  let descending = "";
  for (let i = 1; i < ascending.length; i++) descending += String.fromCharCode(255 - ascending.charCodeAt(i));
  return descending + internalId;
}

/** UTF-8 of a term as a binary string; a term holds no zero byte, so 00 can end it. */
export function termKey(term: string): string {
  return Buffer.from(term, "utf8").toString("latin1");
}

/** Prefix of the list of documents whose `field`-th filter field has a value with this digest. */
export function filterListPrefix(index: IndexDefinition, field: number, digest: string): string {
  return index.prefix + FILTER_ROWS + String.fromCharCode(field) + digest;
}

function textRowKeys(index: IndexDefinition, document: JsonObject, internalId: string): string[] {
  const text = fieldAt(document, index.fields[0]!);
  if (typeof text !== "string") return [];
  const tokens = tokenize(text);
  if (tokens.length === 0) return [];
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  const digests = index.filterFields.map((field) => filterDigest(fieldAt(document, field)));
  const position = positionOf(document, internalId);
  const tail = String.fromCharCode(lengthCode(tokens.length)) + digests.join("");
  const keys = digests.map((digest, field) => filterListPrefix(index, field, digest) + position);
  for (const [term, count] of counts) {
    const occurrences = String.fromCharCode(Math.min(255, count));
    keys.push(`${index.prefix}${CONTENT_ROWS}${termKey(term)}\x00${position}${occurrences}${tail}`);
  }
  return keys;
}

function floatOf(value: JsonValue): number | null {
  if (typeof value === "number") return value;
  if (value === null || typeof value !== "object" || Array.isArray(value) || isPlainObject(value))
    return null;
  return wrapperOf(value) === "$float" ? wrappedBytes(value, "$float").readDoubleLE(0) : null;
}

/** The vector of length one with the same direction, in float32; a zero vector stays zero. Null unless all are finite. */
export function unitVector(values: readonly JsonValue[]): Float32Array | null {
  const vector = new Float32Array(values.length);
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = floatOf(values[i]!);
    if (value === null) return null;
    vector[i] = value;
    if (!Number.isFinite(vector[i]!)) return null;
    squares += vector[i]! * vector[i]!;
  }
  const length = Math.sqrt(squares);
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! / length;
  return vector;
}

function vectorRowKeys(index: IndexDefinition, document: JsonObject, internalId: string): string[] {
  const values = fieldAt(document, index.fields[0]!);
  if (!Array.isArray(values) || values.length !== index.dimensions) return [];
  const vector = unitVector(values);
  if (vector === null) return [];
  const keys = index.filterFields.map(
    (field, i) => filterListPrefix(index, i, filterDigest(fieldAt(document, field))) + internalId,
  );
  keys.push(index.prefix + CONTENT_ROWS + internalId + Buffer.from(vector.buffer).toString("latin1"));
  return keys;
}

/** Every row key of a document in an index of any kind. */
export function indexRowKeys(index: IndexDefinition, document: JsonObject, internalId: string): string[] {
  switch (index.kind) {
    case "text":
      return textRowKeys(index, document, internalId);
    case "vector":
      return vectorRowKeys(index, document, internalId);
    default:
      return [indexRowKey(index, document, internalId)];
  }
}
