import { displayValue } from "../values/display";
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

/** Name of the table with a number, or undefined when there is none. */
export type TableNames = (tableNumber: number) => string | undefined;

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
      return `v.literal(${displayValue(validator.value)})`;
    case "array":
      return `v.array(${describeValidator(validator.value)})`;
    case "object": {
      const fields = Object.entries(validator.value).map(([name, field]) => {
        const inner = describeValidator(field.fieldType);
        return `${name}: ${field.optional ? `v.optional(${inner})` : inner}`;
      });
      return `v.object({${fields.sort().join(", ")}})`;
    }
    case "record":
      return `v.record(${describeValidator(validator.keys)}, ${describeValidator(validator.values.fieldType)})`;
    case "union":
      return `v.union(${validator.value.map(describeValidator).join(", ")})`;
    default:
      return `v.${validator.type}()`;
  }
}

export interface Mismatch {
  kind: "missingField" | "extraField" | "other";
  /** Where the value lies: `.field[3].keys()`; empty at the top. */
  path: string;
  /** Convex's sentence, with path, value and validator. */
  message: string;
}

function noMatch(path: string, value: JsonValue, validator: ValidatorJson): Mismatch {
  return {
    kind: "other",
    path,
    message: `Value does not match validator.\n${placed(path)}\nValue: ${displayValue(value)}\nValidator: ${describeValidator(validator)}`,
  };
}

function placed(path: string): string {
  return path === "" ? "" : `Path: ${path}`;
}

/** Convex writes the place of these right behind the sentence. */
function wrongValue(path: string, sentence: string): Mismatch {
  return { kind: "other", path, message: `${sentence}${placed(path)}` };
}

function wrongField(
  kind: "missingField" | "extraField",
  path: string,
  object: JsonObject,
  validator: ValidatorJson,
  sentence: string,
): Mismatch {
  const message = `${sentence}\n${placed(path)}\nObject: ${displayValue(object)}\nValidator: ${describeValidator(validator)}`;
  return { kind, path, message };
}

function hasWrapper(value: JsonValue, wrapper: string): boolean {
  return value !== null && typeof value === "object" && !Array.isArray(value) && wrapperOf(value) === wrapper;
}

type ObjectValidator = Extract<ValidatorJson, { type: "object" }>;

function checkObject(
  validator: ObjectValidator,
  value: JsonObject,
  tables: TableNames,
  path: string,
): Mismatch | null {
  for (const [name, field] of Object.entries(validator.value)) {
    if (!Object.hasOwn(value, name)) {
      if (field.optional) continue;
      return wrongField(
        "missingField",
        path,
        value,
        validator,
        `Object is missing the required field \`${name}\`. Consider wrapping the field validator in \`v.optional(...)\` if this is expected.`,
      );
    }
    const found = checkValue(field.fieldType, value[name]!, tables, `${path}.${name}`);
    if (found) return found;
  }
  for (const name in value) {
    if (!Object.hasOwn(validator.value, name)) {
      return wrongField(
        "extraField",
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
  tables: TableNames,
  path: string,
) {
  const decoded = typeof value === "string" ? decodeId(value) : null;
  const found = decoded && tables(decoded.tableNumber);
  if (!found) return noMatch(path, value, validator);
  if (found === validator.tableName) return null;
  const from = found.startsWith("_") ? "from a system table" : `from table \`${found}\``;
  return wrongValue(
    path,
    `Found ID "${value}" ${from}, which does not match the table name in validator \`${describeValidator(validator)}\`.`,
  );
}

function sameValue(a: JsonValue, b: JsonValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The member of a union of objects that a literal field they share points at, or null when there is none. */
function memberByLiteral(members: ValidatorJson[], value: JsonValue): ValidatorJson | null {
  if (!isPlainObject(value) || !members.every((member) => member.type === "object")) return null;
  const objects = members as ObjectValidator[];
  const isShared = (name: string) =>
    objects.every((member) => member.value[name]?.fieldType.type === "literal");
  const field = Object.keys(objects[0]?.value ?? {})
    .sort()
    .find(isShared);
  if (field === undefined || !Object.hasOwn(value, field)) return null;
  const literalOf = (member: ObjectValidator) =>
    (member.value[field]!.fieldType as Extract<ValidatorJson, { type: "literal" }>).value;
  return objects.find((member) => sameValue(literalOf(member), value[field]!)) ?? null;
}

function checkUnion(
  validator: Extract<ValidatorJson, { type: "union" }>,
  value: JsonValue,
  tables: TableNames,
  path: string,
): Mismatch | null {
  const only = validator.value.length === 1 ? validator.value[0]! : memberByLiteral(validator.value, value);
  if (only) return checkValue(only, value, tables, path);
  let closest: Mismatch | null = null;
  for (const member of validator.value) {
    const found = checkValue(member, value, tables, path);
    if (found === null) return null;
    if (found.kind !== "other") closest ??= found;
  }
  return closest ?? noMatch(path, value, validator);
}

/** First mismatch between an encoded value and a validator, or null when it fits. */
export function checkValue(
  validator: ValidatorJson,
  value: JsonValue,
  tables: TableNames,
  path = "",
): Mismatch | null {
  switch (validator.type) {
    case "any":
      return null;
    case "null":
      return value === null ? null : noMatch(path, value, validator);
    case "number":
      return typeof value === "number" || hasWrapper(value, "$float")
        ? null
        : noMatch(path, value, validator);
    case "bigint":
    case "commitTs":
      return hasWrapper(value, "$integer") || hasWrapper(value, "$commitTs")
        ? null
        : noMatch(path, value, validator);
    case "boolean":
      return typeof value === "boolean" ? null : noMatch(path, value, validator);
    case "string":
      return typeof value === "string" ? null : noMatch(path, value, validator);
    case "bytes":
      return hasWrapper(value, "$bytes") ? null : noMatch(path, value, validator);
    case "id":
      return checkId(validator, value, tables, path);
    case "literal":
      return sameValue(value, validator.value)
        ? null
        : wrongValue(
            path,
            `\`${displayValue(value)}\` does not match literal validator \`${describeValidator(validator)}\`.`,
          );
    case "array": {
      if (!Array.isArray(value)) return noMatch(path, value, validator);
      for (let i = 0; i < value.length; i++) {
        const found = checkValue(validator.value, value[i] as JsonValue, tables, `${path}[${i}]`);
        if (found) return found;
      }
      return null;
    }
    case "object":
      return isPlainObject(value)
        ? checkObject(validator, value, tables, path)
        : noMatch(path, value, validator);
    case "record": {
      if (!isPlainObject(value)) return noMatch(path, value, validator);
      for (const [key, inner] of Object.entries(value)) {
        const found =
          checkValue(validator.keys, key, tables, `${path}.keys()`) ??
          checkValue(validator.values.fieldType, inner, tables, `${path}.values()`);
        if (found) return found;
      }
      return null;
    }
    case "union":
      return checkUnion(validator, value, tables, path);
  }
}

/** Checks a document against its table's validator; `_id` and `_creationTime` are outside the schema. */
export function checkDocument(
  validator: ValidatorJson,
  document: JsonObject,
  tables: TableNames,
): Mismatch | null {
  const { _id, _creationTime, ...fields } = document;
  return checkValue(validator, fields, tables);
}
