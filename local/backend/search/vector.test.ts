import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  apply,
  kindOf,
  type ModelRow,
  openSearchStore,
  operation,
  sameValue,
  UNDEFINED,
} from "../../../tests/backend/searchModel";
import { findIndexFaults } from "../catalog/checkIndexes";
import { Transaction } from "../transaction/transaction";
import type { JsonObject, JsonValue } from "../values/encoded";
import { runVectorSearch, type VectorSearchRequest } from "./vectorQuery";

function modelVector(rows: ModelRow[], query: number[], filter: (document: JsonObject) => boolean) {
  const numbers = (value: JsonValue | undefined) => {
    if (!Array.isArray(value) || value.length !== 3) return null;
    const out = value.map((v) => (typeof v === "number" ? v : v && typeof v === "object" ? -0 : Number.NaN));
    return out.some(Number.isNaN) ? null : out;
  };
  const norm = (v: number[]) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0)) || 1;
  return rows.flatMap((row) => {
    const stored = numbers(row.document.vector);
    if (!stored || !filter(row.document)) return [];
    const dot = stored.reduce((sum, x, i) => sum + x * query[i]!, 0);
    return [{ id: row.id, score: dot / norm(stored) / norm(query) }];
  });
}

describe("a vector index against an array of documents", () => {
  it("gives the cosine similarity of every admitted vector, best first, up to the limit", async () => {
    const filter = fc.constantFrom<{ expression: JsonValue; test: (document: JsonObject) => boolean }>(
      { expression: null, test: () => true },
      {
        expression: { $eq: [{ $field: "tag" }, { $literal: "a" }] },
        test: (document) => sameValue(document.tag, "a"),
      },
      {
        expression: {
          $or: [
            { $eq: [{ $field: "tag" }, { $literal: 1 }] },
            { $eq: [{ $field: "meta.kind" }, { $literal: "k" }] },
            { $eq: [{ $field: "tag" }, { $literal: UNDEFINED }] },
          ],
        },
        test: (document) =>
          sameValue(document.tag, 1) || sameValue(kindOf(document), "k") || document.tag === undefined,
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 60 }),
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 3, maxLength: 3 }),
        filter,
        fc.integer({ min: 1, max: 20 }),
        async (steps, query, { expression, test }, limit) => {
          const { store, committer } = await openSearchStore();
          const rows: ModelRow[] = [];
          await committer.submit(async (tx) => {
            for (const step of steps) apply(tx, rows, step);
            return { value: null, commit: true };
          });
          const snapshot = committer.snapshot();
          const tx = new Transaction(snapshot, committer.catalog, [], null, null);
          const request: VectorSearchRequest = {
            indexName: "notes.by_vector",
            limit,
            vector: query,
            expressions: expression,
          };
          const hits = await runVectorSearch(tx, request);
          const expected = modelVector(rows, query, test);
          expect(hits.length).toBe(Math.min(limit, expected.length));
          const scores = new Map(expected.map(({ id, score }) => [id, score]));
          const best = [...scores.values()].sort((a, b) => b - a);
          for (const [i, hit] of hits.entries()) {
            expect(hit._score).toBeCloseTo(scores.get(hit._id)!, 5);
            expect(hit._score).toBeCloseTo(best[i]!, 5);
          }
          expect(new Set(hits.map((hit) => hit._id)).size).toBe(hits.length);
          expect(await findIndexFaults(store)).toEqual([]);
          snapshot.release();
        },
      ),
      { numRuns: 150 },
    );
  });
});
