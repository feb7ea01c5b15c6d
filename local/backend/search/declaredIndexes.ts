import type { IndexShape } from "../catalog/catalog";
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

const MAX_FILTER_FIELDS = 16;
const MIN_DIMENSIONS = 2;
const MAX_DIMENSIONS = 4096;

/** A table's indexes of every kind by name. Throws OperatorError naming table and index for a definition Convex refuses. */
export function declaredIndexes(table: ExportedIndexes): Map<string, IndexShape> {
  const declared = new Map<string, IndexShape>();
  const add = (name: string, shape: IndexShape) => {
    if (declared.has(name)) {
      throw new OperatorError(
        `Table "${table.tableName}" has two indexes named "${name}"; index names must be unique within a table. Rename one of them.`,
      );
    }
    if ((shape.filterFields?.length ?? 0) > MAX_FILTER_FIELDS) {
      throw new OperatorError(
        `The index ${table.tableName}.${name} has ${shape.filterFields!.length} filter fields; ${shape.kind === "text" ? "search" : "vector"} indexes may have up to ${MAX_FILTER_FIELDS}.`,
      );
    }
    declared.set(name, shape);
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
