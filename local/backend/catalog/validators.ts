import { isPlainObject, type JsonObject, type JsonValue, wrapperOf } from "../values/encoded";
import { decodeId } from "../values/ids";

/** Validator JSON as convex/values exports it. */
export type ValidatorJson =
  | { type: "null" | "number" | "bigint" | "commitTs" | "boolean" | "string" | "bytes" | "any" }
  | { type: "id"; tableName: string }
  | { type: "literal"; value: JsonValue }
  | { type: "array"; value: ValidatorJson }
  | { type: "object"; value: Record<string, { fieldType: ValidatorJson; optional: boolean }> }
  | { type: "record"; keys: ValidatorJson; values: { fieldType: ValidatorJson; optional?: boolean } }
  | { type: "union"; value: ValidatorJson[] };

/** Table number of a name, or undefined when the table does not exist yet. */
export type TableNumberOf = (tableName: string) => number | undefined;

/** Renders a validator the way it is written in code; used in error sentences. */
export function describeValidator(validator: ValidatorJson): string {
  switch (validator.type) {
    case "id":
      return `v.id("${validator.tableName}")`;
    case "number":
      return "v.float64()";
    case "bigint":
      return "v.int64()";
    case "literal":
      return `v.literal(${JSON.stringify(validator.value)})`;
    case "array":
      return `v.array(${describeValidator(validator.value)})`;
    case "object": {
      const fields = Object.entries(validator.value).map(([name, field]) => {
        const inner = describeValidator(field.fieldType);
        return `${name}: ${field.optional ? `v.optional(${inner})` : inner}`;
      });
      return `v.object({${fields.join(", ")}})`;
    }
    case "record":
      return `v.record(${describeValidator(validator.keys)}, ${describeValidator(validator.values.fieldType)})`;
    case "union":
      return `v.union(${validator.value.map(describeValidator).join(", ")})`;
    default:
      return `v.${validator.type}()`;
  }
}

/** Short rendering of a value for error sentences, in Convex's style (`1.0`, `"text"`). */
export function describeValue(value: JsonValue): string {
  if (typeof value === "number") return Number.isInteger(value) ? `${value}.0` : String(value);
  const text = JSON.stringify(value);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

export interface Mismatch {
  /** Dotted path of the offending field; empty at the top. */
  path: string;
  message: string;
}

function mismatch(path: string, value: JsonValue, validator: ValidatorJson, sentence?: string): Mismatch {
  const first = sentence ?? "Value does not match validator.";
  const where = path === "" ? "" : `Path: .${path}\n`;
  return {
    path,
    message: `${first}\n${where}${isPlainObject(value) ? "Object" : "Value"}: ${describeValue(value)}\nValidator: ${describeValidator(validator)}`,
  };
}

function join(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}

function hasWrapper(value: JsonValue, wrapper: string): boolean {
  return value !== null && typeof value === "object" && !Array.isArray(value) && wrapperOf(value) === wrapper;
}

function checkObject(
  validator: Extract<ValidatorJson, { type: "object" }>,
  value: JsonObject,
  tables: TableNumberOf,
  path: string,
): Mismatch | null {
  for (const [name, field] of Object.entries(validator.value)) {
    const inner = value[name];
    if (inner === undefined) {
      if (field.optional) continue;
      return mismatch(
        path,
        value,
        validator,
        `Object is missing the required field \`${name}\`. Consider wrapping the field validator in \`v.optional(...)\` if this is expected.`,
      );
    }
    const found = checkValue(field.fieldType, inner, tables, join(path, name));
    if (found) return found;
  }
  for (const name in value) {
    if (!Object.hasOwn(validator.value, name)) {
      return mismatch(
        path,
        value,
        validator,
        `Object contains extra field \`${name}\` that is not in the validator.`,
      );
    }
  }
  return null;
}

function checkId(
  validator: { type: "id"; tableName: string },
  value: JsonValue,
  tables: TableNumberOf,
  path: string,
) {
  const decoded = typeof value === "string" ? decodeId(value) : null;
  if (decoded === null) return mismatch(path, value, validator);
  if (decoded.tableNumber === tables(validator.tableName)) return null;
  return mismatch(
    path,
    value,
    validator,
    `Found ID "${value}" which does not match the table name in validator \`${describeValidator(validator)}\`.`,
  );
}

/** First mismatch between an encoded value and a validator, or null when it fits. */
export function checkValue(
  validator: ValidatorJson,
  value: JsonValue,
  tables: TableNumberOf,
  path = "",
): Mismatch | null {
  switch (validator.type) {
    case "any":
      return null;
    case "null":
      return value === null ? null : mismatch(path, value, validator);
    case "number":
      return typeof value === "number" || hasWrapper(value, "$float")
        ? null
        : mismatch(path, value, validator);
    case "bigint":
    case "commitTs":
      return hasWrapper(value, "$integer") || hasWrapper(value, "$commitTs")
        ? null
        : mismatch(path, value, validator);
    case "boolean":
      return typeof value === "boolean" ? null : mismatch(path, value, validator);
    case "string":
      return typeof value === "string" ? null : mismatch(path, value, validator);
    case "bytes":
      return hasWrapper(value, "$bytes") ? null : mismatch(path, value, validator);
    case "id":
      return checkId(validator, value, tables, path);
    case "literal":
      return JSON.stringify(value) === JSON.stringify(validator.value)
        ? null
        : mismatch(path, value, validator);
    case "array": {
      if (!Array.isArray(value)) return mismatch(path, value, validator);
      for (let i = 0; i < value.length; i++) {
        const found = checkValue(validator.value, value[i] as JsonValue, tables, join(path, String(i)));
        if (found) return found;
      }
      return null;
    }
    case "object":
      return isPlainObject(value)
        ? checkObject(validator, value, tables, path)
        : mismatch(path, value, validator);
    case "record": {
      if (!isPlainObject(value)) return mismatch(path, value, validator);
      for (const [key, inner] of Object.entries(value)) {
        const found =
          checkValue(validator.keys, key, tables, path) ??
          checkValue(validator.values.fieldType, inner, tables, join(path, key));
        if (found) return found;
      }
      return null;
    }
    case "union":
      return validator.value.some((member) => checkValue(member, value, tables, path) === null)
        ? null
        : mismatch(path, value, validator);
  }
}

/** Checks a document against its table's validator; `_id` and `_creationTime` are outside the schema. */
export function checkDocument(
  validator: ValidatorJson,
  document: JsonObject,
  tables: TableNumberOf,
): Mismatch | null {
  const { _id, _creationTime, ...fields } = document;
  return checkValue(validator, fields, tables);
}
