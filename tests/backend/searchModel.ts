import fc from "fast-check";
import { applySchema, type ExportedSchema } from "../../local/backend/catalog/applySchema";
import { Catalog } from "../../local/backend/catalog/catalog";
import { Committer } from "../../local/backend/committer/committer";
import { systemPorts } from "../../local/backend/ports";
import type { SearchFilter } from "../../local/backend/search/textQuery";
import type { Store } from "../../local/backend/store/store";
import type { QueryStream, SerializedQuery } from "../../local/backend/transaction/queryStream";
import type { Transaction } from "../../local/backend/transaction/transaction";
import type { JsonObject, JsonValue } from "../../local/backend/values/encoded";
import { decodeId } from "../../local/backend/values/ids";
import { createMemoryStore } from "./memoryStore";

/**
 * Search and vector indexes against a model that is an array of documents, read as the documentation says: which documents match,
 * how they are ranked, what a search depends on.
 */
export interface ModelRow {
  id: string;
  createdAt: number;
  document: JsonObject;
}

export interface Search {
  text: string;
  tag?: JsonValue;
  kind?: JsonValue;
}

export const SCHEMA: ExportedSchema = {
  schemaValidation: false,
  tables: [
    {
      tableName: "notes",
      indexes: [],
      searchIndexes: [
        { indexDescriptor: "by_body", searchField: "body", filterFields: ["tag", "meta.kind"] },
      ],
      vectorIndexes: [
        {
          indexDescriptor: "by_vector",
          vectorField: "vector",
          dimensions: 3,
          filterFields: ["tag", "meta.kind"],
        },
      ],
      documentType: null,
    },
  ],
};

export async function openSearchStore(store: Store = createMemoryStore(), schema = SCHEMA) {
  const catalog = new Catalog(store.get("m/catalog"));
  await applySchema(store, catalog, catalog.root, schema);
  const committer = new Committer(store, catalog, systemPorts, (error) => {
    throw error;
  });
  return { store, catalog, committer };
}

export const UNDEFINED = { $undefined: null };

export function sameValue(stored: JsonValue | undefined, wanted: JsonValue): boolean {
  const given = JSON.stringify(stored === undefined ? UNDEFINED : stored);
  return given === JSON.stringify(wanted);
}

export function kindOf(document: JsonObject): JsonValue | undefined {
  return (document.meta as JsonObject | undefined)?.kind;
}

function passes(document: JsonObject, { tag, kind }: Search): boolean {
  return (
    (tag === undefined || sameValue(document.tag, tag)) &&
    (kind === undefined || sameValue(kindOf(document), kind))
  );
}

const wordsOf = (text: JsonValue | undefined) =>
  typeof text === "string"
    ? (text.toLowerCase().match(/[a-zé0-9]+/g) ?? []).filter((w) => w.length < 32)
    : [];

/** Whether a document belongs to a search's matching set. */
export function isMatch(document: JsonObject, search: Search): boolean {
  const wanted = wordsOf(search.text).slice(0, 16);
  const last = wanted.at(-1);
  if (last === undefined || !passes(document, search)) return false;
  return wordsOf(document.body).some((word) => wanted.includes(word) || word.startsWith(last));
}

/**
 * BM25 over the matching documents, lengths rounded down to four significant bits; a longer word that the last word is a prefix
 * of is half an occurrence of it.
 */
export function modelSearch(rows: ModelRow[], search: Search): string[] {
  const wanted = wordsOf(search.text).slice(0, 16);
  const last = wanted.at(-1)!;
  const matching = rows.filter((row) => isMatch(row.document, search));
  const occurrences = (row: ModelRow, term: string) =>
    wordsOf(row.document.body).reduce((sum, word) => {
      if (word === term) return sum + 1;
      return term === last && word.startsWith(last) ? sum + 0.5 : sum;
    }, 0);
  const length = (row: ModelRow) => {
    const words = wordsOf(row.document.body).length;
    const step = words < 16 ? 1 : 2 ** (Math.floor(Math.log2(words)) - 3);
    return Math.floor(words / step) * step;
  };
  const mean = matching.reduce((sum, row) => sum + length(row), 0) / matching.length;
  const scored = matching.map((row) => {
    let score = 0;
    for (const term of new Set(wanted)) {
      const count = occurrences(row, term);
      const held = matching.filter((other) => occurrences(other, term) > 0).length;
      const weight = Math.log(1 + (matching.length - held + 0.5) / (held + 0.5));
      score += (weight * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * length(row)) / mean));
    }
    return { row, score };
  });
  // Scores that differ in the last bits only are equal in the index's arithmetic; none of the cases below comes that close.
  return scored
    .sort((a, b) =>
      Math.abs(a.score - b.score) > 1e-6 ? b.score - a.score : b.row.createdAt - a.row.createdAt,
    )
    .map(({ row }) => row.id);
}

export function queryOf({ text, tag, kind }: Search): SerializedQuery {
  const filters: SearchFilter[] = [{ type: "Search", fieldPath: "body", value: text }];
  if (tag !== undefined) filters.push({ type: "Eq", fieldPath: "tag", value: tag });
  if (kind !== undefined) filters.push({ type: "Eq", fieldPath: "meta.kind", value: kind });
  return { source: { type: "Search", indexName: "notes.by_body", filters }, operators: [] };
}

export async function drain(stream: QueryStream): Promise<string[]> {
  const ids: string[] = [];
  for (let text = await stream.next(); text !== null; text = await stream.next()) {
    ids.push((JSON.parse(text) as { _id: string })._id);
  }
  return ids;
}

type Operation =
  | { do: "insert"; document: JsonObject }
  | { do: "patch"; pick: number; fields: JsonObject }
  | { do: "remove"; pick: number };

const word = fc.constantFrom("gold", "golden", "go", "Silver", "sil", "é", "été", "x1", "perp");
const body = fc.oneof(
  { weight: 6, arbitrary: fc.array(word, { maxLength: 24 }).map((words) => words.join(" ")) },
  { weight: 1, arbitrary: fc.constantFrom<JsonValue>(null, 7, "...", "gold-plated,GOLD") },
);
const tag = fc.constantFrom<JsonValue>("a", "b", 1, { $integer: "AQAAAAAAAAA=" }, null);
const component = fc.constantFrom<JsonValue>(0, 1, -1, 0.5, { $float: "AAAAAAAAAIA=" });
const vector = fc.oneof(
  { weight: 5, arbitrary: fc.array(component, { minLength: 3, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom<JsonValue>([1, 2], "no", [1, 2, "x"]) },
);
const fields = fc.record(
  { body, tag, vector, other: fc.nat(3), meta: fc.record({ kind: fc.constantFrom("k", "l") }) },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>;
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("insert" as const), document: fields }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("patch" as const), pick: fc.nat(50), fields }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), pick: fc.nat(50) }) },
);
export const search: fc.Arbitrary<Search> = fc.record(
  {
    text: fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(" ")),
    tag: fc.oneof(tag, fc.constant<JsonValue>(UNDEFINED)),
    kind: fc.constantFrom<JsonValue>("k", UNDEFINED),
  },
  { requiredKeys: ["text"] },
);

/** Applies an operation to both; answers the documents it touched, as they were before and after. */
export function apply(tx: Transaction, rows: ModelRow[], step: Operation): JsonObject[] {
  if (step.do === "insert") {
    const id = tx.insert("notes", step.document);
    const stored = tx.documentAt(keyOf(tx, id))!;
    const document = JSON.parse(stored.text) as JsonObject;
    rows.push({ id, createdAt: document._creationTime as number, document });
    return [document];
  }
  if (rows.length === 0) return [];
  const at = step.pick % rows.length;
  const row = rows[at]!;
  const table = tx.namespace.byName.get("notes")!;
  const { internalId } = decodeId(row.id)!;
  if (step.do === "remove") {
    tx.remove(table, internalId);
    rows.splice(at, 1);
    return [row.document];
  }
  tx.patch(table, internalId, step.fields);
  const document = { ...row.document, ...step.fields };
  rows[at] = { ...row, document };
  return [row.document, document];
}

function keyOf(tx: Transaction, id: string): string {
  return tx.namespace.byName.get("notes")!.docPrefix + decodeId(id)!.internalId;
}
