import type { IndexDefinition, TableDefinition } from "../catalog/catalog";
import type { SearchFilter } from "../search/textQuery";
import type { KeyRange } from "../store/store";
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

function checkShape(index: IndexDefinition, table: string, range: RangeExpression[]): void {
  const fields = fieldsOf(index);
  const used: string[] = [];
  let closed = false;
  for (const expression of range) {
    const isEq = expression.type === "Eq";
    if (used.at(-1) !== expression.fieldPath) used.push(expression.fieldPath);
    const at = used.length - 1;
    if (fields[at] !== expression.fieldPath || (closed && isEq)) {
      throw new Error(
        `Tried to query index ${table}.${index.name} but the query didn't use the index fields in order.\n` +
          `Index fields: ${JSON.stringify(fields)}\nQuery fields: ${JSON.stringify(range.map((e) => e.fieldPath))}\n` +
          `First incorrect field: ${JSON.stringify(expression.fieldPath)}`,
      );
    }
    if (!isEq) closed = true;
  }
}

/** Key range of an index-range query: equalities on leading fields, then at most one lower and one upper bound. */
export function keyRangeOf(
  table: TableDefinition,
  index: IndexDefinition,
  range: RangeExpression[],
): KeyRange {
  checkShape(index, table.name, range);
  const fields = fieldsOf(index);
  let prefix = index.prefix;
  let equalities = 0;
  while (range[equalities]?.type === "Eq") prefix += keyOfBound(index, range[equalities++]!.value);
  /** First key after every row whose leading fields end with the `bounded`-th one. */
  const after = (key: string, bounded: number) =>
    bounded === 0 || bounded === fields.length ? afterPrefix(key) : key + AFTER_ANY_TAG;
  let from = prefix;
  let to = after(prefix, equalities);
  const seen = new Set<string>();
  for (const { type, fieldPath, value } of range.slice(equalities)) {
    const side = type.startsWith("G") ? "lower" : "upper";
    if (type === "Eq" || seen.has(side)) {
      throw new Error(
        `Tried to query index ${table.name}.${index.name} with two ${side} bounds on "${fieldPath}".`,
      );
    }
    seen.add(side);
    const key = prefix + keyOfBound(index, value);
    if (type === "Gte") from = key;
    else if (type === "Gt") from = after(key, equalities + 1);
    else if (type === "Lt") to = key;
    else to = after(key, equalities + 1);
  }
  return from < to ? { from, to } : { from, to: from };
}
