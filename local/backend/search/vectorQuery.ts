import type { IndexDefinition } from "../catalog/catalog";
import type { TransactionReader } from "../transaction/transactionReader";
import type { JsonObject, JsonValue } from "../values/encoded";
import { encodeId } from "../values/ids";
import { CONTENT_ROWS, filterDigest, filterListPrefix, ID_LENGTH, unitVector } from "./indexRows";
import { RowCursor } from "./rowCursor";

/** What `ctx.vectorSearch(...)` sends. */
export interface VectorSearchRequest {
  indexName: string;
  limit?: number | null;
  vector: JsonValue[];
  expressions: JsonValue;
}

export interface VectorHit {
  _id: string;
  _score: number;
}

const DEFAULT_LIMIT = 10;
const MAX_RESULTS = 256;
const MAX_CONDITIONS = 64;
/** Vectors read at once are bounded in bytes. */
const BLOCK_BYTES = 1 << 20;

/** The lists of the documents that a filter admits: any of its equalities. Null admits all. */
function filterLists(name: string, index: IndexDefinition, expression: JsonValue): string[] | null {
  if (expression === null || expression === undefined) return null;
  const lists = new Set<string>();
  const collect = (part: JsonValue): void => {
    const { $or: any, $eq: equality } = (part ?? {}) as JsonObject;
    if (Array.isArray(any)) {
      for (const inner of any) collect(inner);
      return;
    }
    if (!Array.isArray(equality)) throw new Error("Filters should be a combination of `q.eq` and `q.or`.");
    const path = (equality[0] as JsonObject | null)?.$field;
    const operand = equality[1] as JsonObject | null;
    if (typeof path !== "string" || operand === null || !("$literal" in operand)) {
      throw new Error("`q.eq` must take a field path as its first argument and a value as its second");
    }
    const field = index.filterFields.indexOf(path);
    if (field < 0) {
      throw new Error(
        `Vector query against ${name} contains a filter on ${JSON.stringify(path)} but that field isn't indexed for filtering in \`filterFields\`.`,
      );
    }
    lists.add(filterListPrefix(index, field, filterDigest(operand.$literal)));
  };
  collect(expression);
  if (lists.size > MAX_CONDITIONS) {
    throw new Error(
      `Vector query against ${name} has too many conditions. Max: ${MAX_CONDITIONS} Actual: ${lists.size}`,
    );
  }
  return [...lists];
}

/** The best few, best first; equal scores in the order of their ids. */
class Best {
  readonly hits: Array<{ id: string; score: number }> = [];

  constructor(private readonly limit: number) {}

  offer(id: string, score: number): void {
    if (this.hits.length === this.limit && !(score > (this.hits.at(-1)?.score ?? Number.POSITIVE_INFINITY)))
      return;
    let at = this.hits.length;
    while (at > 0 && this.hits[at - 1]!.score < score) at--;
    this.hits.splice(at, 0, { id, score });
    if (this.hits.length > this.limit) this.hits.pop();
  }
}

/** Ids that any of the lists holds, in order and once each. */
async function* union(tx: TransactionReader, lists: string[]): AsyncGenerator<string> {
  const cursors = lists.map((list) => new RowCursor(tx, list, ID_LENGTH));
  for (const cursor of cursors) await cursor.load();
  for (;;) {
    let least: string | null = null;
    for (const { position } of cursors)
      if (position !== null && (least === null || position < least)) least = position;
    if (least === null) return;
    yield least;
    for (const cursor of cursors) if (cursor.position === least && !cursor.step()) await cursor.load();
  }
}

/** Exact cosine similarity of every admitted vector; its cost is linear in how many there are. */
async function scan(
  tx: TransactionReader,
  index: IndexDefinition,
  query: Float32Array,
  lists: string[] | null,
  limit: number,
): Promise<Best> {
  const best = new Best(limit);
  const vector = new Float32Array(query.length);
  const bytes = Buffer.from(vector.buffer);
  const prefix = index.prefix + CONTENT_ROWS;
  const cursor = new RowCursor(tx, prefix, ID_LENGTH, Math.max(16, Math.floor(BLOCK_BYTES / bytes.length)));
  const offer = (id: string) => {
    bytes.write(cursor.row.slice(prefix.length + ID_LENGTH), "latin1");
    let dot = 0;
    for (let i = 0; i < query.length; i++) dot += query[i]! * vector[i]!;
    best.offer(id, Math.fround(dot));
  };
  await cursor.load();
  if (lists === null) {
    for (let id = cursor.position; id !== null; id = cursor.position) {
      offer(id);
      if (!cursor.step()) await cursor.load();
    }
  } else {
    for await (const id of union(tx, lists)) {
      await cursor.seek(id);
      if (cursor.position === id) offer(id);
    }
  }
  return best;
}

/** Runs a vector search on a view of the database. Throws Convex's sentence for a search that is not valid. */
export async function runVectorSearch(
  tx: TransactionReader,
  request: VectorSearchRequest,
): Promise<VectorHit[]> {
  const [tableName, name] = request.indexName.split(".") as [string, string];
  const table = tx.tableNamed(tableName);
  const index = table?.indexes.get(name);
  if (!table || !index) throw new Error(`Index ${request.indexName} not found.`);
  if (index.kind !== "vector") throw new Error(`Index ${request.indexName} is not a vector index`);
  const limit = request.limit ?? DEFAULT_LIMIT;
  if (!Number.isInteger(limit) || limit < 1)
    throw new Error(`Vector queries must fetch at least 1 result, requested ${limit}.`);
  if (limit > MAX_RESULTS)
    throw new Error(`Vector queries can fetch at most ${MAX_RESULTS} results, requested ${limit}.`);
  const lists = filterLists(request.indexName, index, request.expressions);
  if (request.vector.length !== index.dimensions) {
    throw new Error(
      `Expected a vector with dimensions ${index.dimensions}, received ${request.vector.length}.`,
    );
  }
  const vector = unitVector(request.vector);
  if (vector === null) throw new Error("The `vector` of a vector search must hold finite numbers only.");
  const { hits } = await scan(tx, index, vector, lists, limit);
  return hits.map(({ id, score }) => ({ _id: encodeId(table.number, id), _score: score }));
}
