import { type JsonObject, type JsonValue, wrapperOf } from "./encoded";

const MAX_ARRAY_ELEMENTS = 8192;
const MAX_OBJECT_FIELDS = 1024;
const MAX_VALUE_NESTING = 64;
const MAX_DOCUMENT_NESTING = 16;
const MAX_DOCUMENT_BYTES = 1 << 20;
const MAX_FIELD_NAME_LENGTH = 1024;

function utf8Length(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

function checkFieldName(field: string): void {
  if (field.length === 0) throw new Error("Field name cannot be empty.");
  if (field.length > MAX_FIELD_NAME_LENGTH) {
    throw new Error(`Field name is too long (${field.length} > maximum length ${MAX_FIELD_NAME_LENGTH}).`);
  }
  if (field.charCodeAt(0) === 36) throw new Error(`Field name ${field} starts with '$', which is reserved.`);
  for (let i = 0; i < field.length; i++) {
    const code = field.charCodeAt(i);
    if (code < 32 || code >= 127) {
      throw new Error(`Field name ${JSON.stringify(field)} has invalid character '${field[i]}'.`);
    }
  }
}

/**
 * Walks an encoded value once: refuses what Convex refuses (field names, nesting, array and object sizes) and
 * returns its Convex size in bytes (the same figure as `getConvexSize` of convex/values).
 */
export function measureValue(value: JsonValue, maxNesting = MAX_VALUE_NESTING, depth = 0): number {
  if (value === null || typeof value === "boolean") return 1;
  if (typeof value === "number") return 9;
  if (typeof value === "string") return 2 + utf8Length(value);
  if (depth >= maxNesting) {
    throw new Error(`Value is too nested (nested ${depth + 1} levels deep > maximum nesting ${maxNesting})`);
  }
  if (Array.isArray(value)) {
    if (value.length > MAX_ARRAY_ELEMENTS) {
      throw new Error(`Array length is too long (${value.length} > maximum length ${MAX_ARRAY_ELEMENTS})`);
    }
    let size = 2;
    for (const element of value) size += measureValue(element, maxNesting, depth + 1);
    return size;
  }
  const wrapper = wrapperOf(value);
  if (wrapper === "$bytes") return 2 + Buffer.byteLength(value.$bytes as string, "base64");
  if (wrapper !== null) return 9;
  return measureObject(value, maxNesting, depth);
}

function measureObject(value: JsonObject, maxNesting: number, depth: number): number {
  let size = 2;
  let fields = 0;
  for (const field in value) {
    checkFieldName(field);
    fields++;
    size += field.length + 1 + measureValue(value[field] as JsonValue, maxNesting, depth + 1);
  }
  if (fields > MAX_OBJECT_FIELDS) {
    throw new Error(`Object has too many fields (${fields} > maximum number ${MAX_OBJECT_FIELDS})`);
  }
  return size;
}

/** Levels of arrays and objects, counting the value itself: 0 for a scalar. */
function nestingOf(value: JsonValue): number {
  if (value === null || typeof value !== "object") return 0;
  let deepest = 0;
  if (Array.isArray(value)) for (const element of value) deepest = Math.max(deepest, nestingOf(element));
  else if (wrapperOf(value) !== null) return 0;
  else for (const field in value) deepest = Math.max(deepest, nestingOf(value[field] as JsonValue));
  return deepest + 1;
}

/** Size of one of the backend's own rows, which may hold a value of any size and depth that a call may have. */
export function measureOwnRow(row: JsonObject): number {
  return measureValue(row, 2 * MAX_VALUE_NESTING);
}

/** Size of a document in bytes; throws Convex's sentence when the document breaks a limit. */
export function measureDocument(document: JsonObject): number {
  const size = measureValue(document);
  const nesting = nestingOf(document);
  if (nesting > MAX_DOCUMENT_NESTING) {
    throw new Error(
      `Document is too nested (nested ${nesting} levels deep > maximum nesting ${MAX_DOCUMENT_NESTING})`,
    );
  }
  if (size > MAX_DOCUMENT_BYTES) {
    const mib = (size / MAX_DOCUMENT_BYTES).toFixed(2);
    throw new Error(`Value is too large (${mib} MiB > maximum size 1 MiB)`);
  }
  for (const field of Object.keys(document)) {
    if (field.length > 64 || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(field)) {
      throw new Error(
        `Field name ${JSON.stringify(field)} is not a valid top-level field: use 1 to 64 letters, digits or underscores, not starting with a digit.`,
      );
    }
    if (field.startsWith("_") && field !== "_id" && field !== "_creationTime") {
      throw new Error(
        `Field '${field}' starts with an underscore, which is only allowed for system fields like '_id'`,
      );
    }
  }
  return size;
}

const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;

/** Position of the quote that ends the JSON string starting at `open`. */
function endOfString(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); ; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at;
  }
}

/**
 * Whether encoded JSON text could break a limit of {@link measureValue} on lengths or nesting. False is certain; true asks for a
 * real look. Runs over the text once without building anything, so that large results need not be parsed.
 */
export function mayExceedLimits(text: string): boolean {
  const commas: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === 91 || code === 123) {
      if (commas.push(0) > MAX_VALUE_NESTING) return true;
    } else if (code === 93 || code === 125) commas.pop();
    else if (code === COMMA && ++commas[commas.length - 1]! >= MAX_OBJECT_FIELDS) return true;
  }
  return false;
}
