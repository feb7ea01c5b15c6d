import { type IndexShape, isIdentifier } from "../catalog/catalog";
import { OperatorError } from "../store/store";

/** The indexes of one table as `schema.export()` of convex/server lists them. */
export interface ExportedIndexes {
  tableName: string;
  indexes: Array<{ indexDescriptor: string; fields: string[] }>;
  searchIndexes?: Array<{ indexDescriptor: string; searchField: string; filterFields: string[] }>;
  vectorIndexes?: Array<{
    indexDescriptor: string;
    vectorField: string;
    dimensions: number;
    filterFields: string[];
  }>;
}

const MAX_INDEXES = 32;
const MAX_FIELDS = 16;
const MAX_FILTER_FIELDS = 16;
const MIN_DIMENSIONS = 2;
const MAX_DIMENSIONS = 4096;

/** What Convex refuses in the fields of an ordinary index, or null. */
function faultOfFields(tableName: string, name: string, fields: string[]): string | null {
  const where = `In table "${tableName}" index "${name}":`;
  if (fields.length === 0) return `In table "${tableName}" index "${name}" must have at least one field.`;
  if (fields.length > MAX_FIELDS) {
    return `${where} Indexes may have up to ${MAX_FIELDS} fields; it has ${fields.length}.`;
  }
  const twice = fields.find((field, i) => fields.indexOf(field) !== i);
  if (twice !== undefined) {
    return `${where} Duplicate field ${twice}. Index fields must be unique within an index.`;
  }
  if (fields.includes("_creationTime")) {
    return `${where} \`_creationTime\` is automatically added to the end of each index. It should not be added explicitly in the index definition.`;
  }
  if (fields.some((field) => field.startsWith("_"))) {
    return `${where} Reserved fields (starting with \`_\`) are not allowed in indexes.`;
  }
  return null;
}

/** A table's indexes of every kind by name. Throws OperatorError naming table and index for a definition Convex refuses. */
export function declaredIndexes(table: ExportedIndexes): Map<string, IndexShape> {
  const { tableName } = table;
  const declared = new Map<string, IndexShape>();
  const add = (name: string, shape: IndexShape) => {
    if (name.startsWith("_") || name === "by_id" || name === "by_creation_time") {
      throw new OperatorError(
        `In table "${tableName}" cannot name an index "${name}" because the name is reserved. Indexes may not start with an underscore or be named "by_id" or "by_creation_time".`,
      );
    }
    if (!isIdentifier(name)) {
      throw new OperatorError(
        `In table "${tableName}": Invalid index name: "${name}". Identifiers must be 64 characters or less, start with a letter, and only contain letters, digits, underscores.`,
      );
    }
    if (declared.has(name)) {
      throw new OperatorError(
        `Table "${tableName}" has two or more definitions of index "${name}". Rename one of them.`,
      );
    }
    if ((shape.filterFields?.length ?? 0) > MAX_FILTER_FIELDS) {
      throw new OperatorError(
        `The index ${tableName}.${name} has ${shape.filterFields!.length} filter fields; ${shape.kind === "text" ? "search" : "vector"} indexes may have up to ${MAX_FILTER_FIELDS}.`,
      );
    }
    const fault = shape.kind ? null : faultOfFields(tableName, name, [...shape.fields]);
    if (fault !== null) throw new OperatorError(fault);
    declared.set(name, shape);
    if (declared.size > MAX_INDEXES) {
      throw new OperatorError(
        `Table "${tableName}" cannot have more than ${MAX_INDEXES} indexes. Remove one, or move fields into another table.`,
      );
    }
  };
  const unique = (fields: string[]) => [...new Set(fields)];
  for (const index of table.indexes) add(index.indexDescriptor, { fields: index.fields });
  for (const { indexDescriptor, searchField, filterFields } of table.searchIndexes ?? []) {
    add(indexDescriptor, { kind: "text", fields: [searchField], filterFields: unique(filterFields) });
  }
  for (const { indexDescriptor, vectorField, dimensions, filterFields } of table.vectorIndexes ?? []) {
    if (!Number.isInteger(dimensions) || dimensions < MIN_DIMENSIONS || dimensions > MAX_DIMENSIONS) {
      throw new OperatorError(
        `The vector index ${table.tableName}.${indexDescriptor} has ${dimensions} dimensions; it must have between ${MIN_DIMENSIONS} and ${MAX_DIMENSIONS}.`,
      );
    }
    add(indexDescriptor, {
      kind: "vector",
      fields: [vectorField],
      filterFields: unique(filterFields),
      dimensions,
    });
  }
  return declared;
}
