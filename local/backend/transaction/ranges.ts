import type { IndexDefinition, TableDefinition } from "../catalog/catalog";
import type { SearchFilter } from "../search/textQuery";
import type { KeyRange } from "../store/store";
import { displayValue } from "../values/display";
import type { JsonValue } from "../values/encoded";
import { decodeId } from "../values/ids";
import { afterPrefix, valueKey } from "../values/keys";

export interface RangeExpression {
  type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
  fieldPath: string;
  value: JsonValue;
}

export type QuerySource =
  | { type: "FullTableScan"; tableName: string; order: "asc" | "desc" | null }
  | { type: "IndexRange"; indexName: string; range: RangeExpression[]; order: "asc" | "desc" | null }
  | { type: "Search"; indexName: string; filters: SearchFilter[] };

export type IndexSource = Exclude<QuerySource, { type: "Search" }>;

/** Bytes after a value key are the next field's tag (at most 0x0a), so this bounds exactly the rows of that value. */
const AFTER_ANY_TAG = "\x0b";

function fieldsOf(index: IndexDefinition): string[] {
  return index.kind === "byId" ? ["_id"] : [...index.fields, "_creationTime"];
}

function keyOfBound(index: IndexDefinition, value: JsonValue): string {
  if (index.kind !== "byId") return valueKey(value);
  const decoded = typeof value === "string" ? decodeId(value) : null;
  if (decoded === null)
    throw new Error(`Invalid ID ${JSON.stringify(value)} in a range over the index by_id.`);
  return decoded.internalId;
}

const COMPARATORS = { Eq: "==", Gt: ">", Gte: ">=", Lt: "<", Lte: "<=" } as const;

interface Bounds {
  equal: Map<string, JsonValue>;
  /** The one field that may have a lower and an upper bound. */
  field: string | null;
  lower: RangeExpression | null;
  upper: RangeExpression | null;
}

function alreadyDefined(kind: string, { fieldPath, value }: RangeExpression, comparator: string): Error {
  return new Error(
    `Already defined ${kind} bound in index range. Can't add "${fieldPath}" ${comparator} ${displayValue(value)}.`,
  );
}

/** Sorts a range's expressions into equalities and at most one lower and one upper bound on one field. */
function boundsOf(range: RangeExpression[], indexName: string): Bounds {
  const bounds: Bounds = { equal: new Map(), field: null, lower: null, upper: null };
  for (const expression of range) {
    const { type, fieldPath, value } = expression;
    if (type === "Eq") {
      if (bounds.equal.has(fieldPath)) throw alreadyDefined("equality", expression, "==");
      bounds.equal.set(fieldPath, value);
      continue;
    }
    const side = type === "Lt" || type === "Lte" ? "upper" : "lower";
    if (bounds[side]) throw alreadyDefined(side, expression, COMPARATORS[type]);
    if (bounds.field !== null && bounds.field !== fieldPath) {
      throw new Error(
        `Upper and lower bounds in \`range\` can only be applied to a single index field. This query against index ${indexName} attempted to set a range bound on both "${bounds.field}" and "${fieldPath}". Consider using \`filter\` instead. See https://docs.convex.dev/using/indexes for more info.`,
      );
    }
    bounds.field = fieldPath;
    bounds[side] = expression;
  }
  const { field, equal } = bounds;
  if (field !== null && equal.has(field)) {
    throw alreadyDefined("inequality", { type: "Eq", fieldPath: field, value: equal.get(field)! }, "==");
  }
  return bounds;
}

function listed(fields: string[]): string {
  return `[${fields.map((field) => `"${field}"`).join(", ")}]`;
}

/** The equalities in the index's order; throws when they and the bounded field are not the index's first fields. */
function equalitiesInOrder({ equal, field }: Bounds, fields: string[], indexName: string): JsonValue[] {
  const used = [...equal.keys(), ...(field === null ? [] : [field])];
  for (const path of used) {
    if (!fields.includes(path)) {
      throw new Error(
        `The index range included a comparison with "${path}", but ${indexName} with fields ${listed(fields)} doesn't index this field. For more information see https://docs.convex.dev/using/indexes.`,
      );
    }
  }
  const inOrder = [...equal.keys()].sort((a, b) => fields.indexOf(a) - fields.indexOf(b));
  const wanted = field === null ? inOrder : [...inOrder, field];
  const wrong = wanted.find((path, i) => fields[i] !== path);
  if (wrong !== undefined) {
    throw new Error(
      `Tried to query index ${indexName} but the query didn't use the index fields in order.\n` +
        `Index fields: ${listed(fields)}\nQuery fields: ${listed(wanted)}\nFirst incorrect field: "${wrong}"\n` +
        "For more information see https://docs.convex.dev/using/indexes.",
    );
  }
  return inOrder.map((path) => equal.get(path)!);
}

/** Key range of an index-range query: equalities on leading fields, then at most one lower and one upper bound. */
export function keyRangeOf(
  table: TableDefinition,
  index: IndexDefinition,
  range: RangeExpression[],
): KeyRange {
  const indexName = `${table.name}.${index.name}`;
  const fields = fieldsOf(index);
  const bounds = boundsOf(range, indexName);
  const values = equalitiesInOrder(bounds, fields, indexName);
  const prefix = index.prefix + values.map((value) => keyOfBound(index, value)).join("");
  const equalities = values.length;
  /** First key after every row whose leading fields end with the `bounded`-th one. */
  const after = (key: string, bounded: number) =>
    bounded === 0 || bounded === fields.length ? afterPrefix(key) : key + AFTER_ANY_TAG;
  let from = prefix;
  let to = after(prefix, equalities);
  const { lower, upper } = bounds;
  if (lower) {
    const key = prefix + keyOfBound(index, lower.value);
    from = lower.type === "Gte" ? key : after(key, equalities + 1);
  }
  if (upper) {
    const key = prefix + keyOfBound(index, upper.value);
    to = upper.type === "Lt" ? key : after(key, equalities + 1);
  }
  return from < to ? { from, to } : { from, to: from };
}
