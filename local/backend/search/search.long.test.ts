import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../../tests/backend/memoryStore";
import {
  apply,
  drain,
  isMatch,
  type ModelRow,
  modelSearch,
  openSearchStore,
  operation,
  queryOf,
  SCHEMA,
  search,
} from "../../../tests/backend/searchModel";
import type { ExportedSchema } from "../catalog/applySchema";
import { findIndexFaults } from "../catalog/checkIndexes";
import { readPage } from "../transaction/pages";
import { QueryStream } from "../transaction/queryStream";
import { ReadSet } from "../transaction/readSet";
import { Transaction } from "../transaction/transaction";
import type { JsonObject } from "../values/encoded";
import { decodeId } from "../values/ids";
import { compileSearch, runSearch, type SearchFilter } from "./textQuery";
import { lengthCode, lengthOfCode, tokenize } from "./tokens";

describe("a search index against an array of documents", () => {
  it("finds and ranks the same, inside a transaction over its own writes, after rollback and after the commit", async () => {
    const transaction = fc.record({
      steps: fc.array(operation, { maxLength: 8 }),
      nested: fc.array(operation, { maxLength: 4 }),
      nestedFails: fc.boolean(),
      fails: fc.boolean(),
      searches: fc.array(search, { minLength: 1, maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { maxLength: 5 }), async (transactions) => {
        const { store, committer } = await openSearchStore();
        let model: ModelRow[] = [];
        for (const { steps, nested, nestedFails, fails, searches } of transactions) {
          let rows = [...model];
          const agrees = async (tx: Transaction, expected: ModelRow[]) => {
            for (const wanted of searches)
              expect(await drain(new QueryStream(tx, queryOf(wanted)))).toEqual(
                modelSearch(expected, wanted),
              );
          };
          await committer.submit(async (tx) => {
            for (const step of steps) apply(tx, rows, step);
            const child = tx.nested(true);
            const nestedRows = [...rows];
            for (const step of nested) apply(child, nestedRows, step);
            await agrees(child, nestedRows);
            if (!nestedFails) {
              tx.commitNested(child);
              rows = nestedRows;
            }
            await agrees(tx, rows);
            return { value: null, commit: !fails };
          });
          if (!fails) model = rows;
          const snapshot = committer.snapshot();
          await agrees(new Transaction(snapshot, committer.catalog, [], null, null), model);
          snapshot.release();
        }
        expect(await findIndexFaults(store)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it("finds and ranks the same when more rows begin alike than one trip to the store brings", async () => {
    const { committer } = await openSearchStore();
    const rows: ModelRow[] = [];
    const insert = (tx: Transaction, i: number) => {
      // Two words in three have a list that is longer than a trip; the others lie around them, many to a trip.
      const body = i % 3 === 0 ? `go${i % 90} silver` : i % 3 === 1 ? "gold" : "gone gone";
      apply(tx, rows, { do: "insert", document: { body, tag: `t${i % 16}` } });
    };
    const agrees = async (tx: Transaction) => {
      for (const text of ["go", "gol", "silver go", "gold go"]) {
        const wanted = { text, tag: "t3" };
        expect(await drain(new QueryStream(tx, queryOf(wanted)))).toEqual(modelSearch(rows, wanted));
      }
    };
    await committer.submit(async (tx) => {
      for (let i = 0; i < 3_600; i++) insert(tx, i);
      return { value: null, commit: true };
    });
    await committer.submit(async (tx) => {
      await agrees(tx);
      for (let i = 0; i < 1_200; i++) apply(tx, rows, { do: "remove", pick: i * 2 });
      for (let i = 0; i < 400; i++) insert(tx, i);
      await agrees(tx);
      return { value: null, commit: false };
    });
  });

  it("walks 64 lists at most: those of its words, then those of longer words in their order", async () => {
    const { committer } = await openSearchStore();
    const rows: ModelRow[] = [];
    await committer.submit(async (tx) => {
      for (let i = 99; i >= 0; i--)
        apply(tx, rows, { do: "insert", document: { body: `perp${String(i).padStart(2, "0")} gold` } });
      apply(tx, rows, { do: "insert", document: { body: "perp" } });
      const found = async (text: string) => drain(new QueryStream(tx, queryOf({ text })));
      const [first] = await found("perp");
      expect(first).toBe(rows.at(-1)!.id);
      expect(await found("perp")).toHaveLength(64);
      expect((await found("perp")).sort()).toEqual(
        rows
          .filter(({ document }) => String(document.body) < "perp63")
          .map(({ id }) => id)
          .sort(),
      );
      expect(await found("silver perp")).toHaveLength(63);
      expect(await found("gold perp0")).toHaveLength(100);
      return { value: null, commit: false };
    });
  });

  it("looks at the newest documents of its lists, as many as it is allowed", async () => {
    const { committer } = await openSearchStore();
    const rows: ModelRow[] = [];
    await committer.submit(async (tx) => {
      for (let i = 0; i < 40; i++)
        apply(tx, rows, { do: "insert", document: { body: i % 2 ? "gold" : "golden", tag: i % 4 } });
      const table = tx.namespace.byName.get("notes")!;
      const index = table.indexes.get("by_body")!;
      const found = async (lookedAt: number, tag?: number) => {
        const filters: SearchFilter[] = [{ type: "Search", fieldPath: "body", value: "gold" }];
        if (tag !== undefined) filters.push({ type: "Eq", fieldPath: "tag", value: tag });
        return (await runSearch(tx, compileSearch(table, index, filters), lookedAt)).map(({ position }) =>
          rows.findIndex(({ id }) => decodeId(id)!.internalId === position.slice(-16)),
        );
      };
      expect((await found(7)).sort((a, b) => b - a)).toEqual([39, 38, 37, 36, 35, 34, 33]);
      expect(await found(40)).toHaveLength(40);
      // What a filter skips counts too.
      expect(await found(40, 3)).toEqual([39, 35, 31, 27, 23, 19, 15, 11, 7, 3]);
      expect(await found(5, 3)).toEqual([39, 35]);
      return { value: null, commit: false };
    });
  });

  it("runs again if and only if a commit wrote a document that matches, before or after", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 12 }),
        fc.array(search, { minLength: 1, maxLength: 4 }),
        fc.array(operation, { minLength: 1, maxLength: 3 }),
        async (before, searches, after) => {
          const { committer } = await openSearchStore();
          const rows: ModelRow[] = [];
          await committer.submit(async (tx) => {
            for (const step of before) apply(tx, rows, step);
            return { value: null, commit: true };
          });
          const snapshot = committer.snapshot();
          const watched = [];
          for (const wanted of searches) {
            const reads = new ReadSet();
            await drain(
              new QueryStream(new Transaction(snapshot, committer.catalog, [], null, reads), queryOf(wanted)),
            );
            watched.push({ wanted, reads, seen: modelSearch(rows, wanted) });
          }
          let touched: ReadonlySet<string> = new Set();
          committer.onCommit((_, keys) => {
            touched = keys;
          });
          const written: JsonObject[] = [];
          await committer.submit(async (tx) => {
            for (const step of after) written.push(...apply(tx, rows, step));
            return { value: null, commit: true };
          });
          for (const { wanted, reads, seen } of watched) {
            const expected = written.some((document) => isMatch(document, wanted));
            expect(reads.overlaps(touched)).toBe(expected);
            if (!expected) expect(modelSearch(rows, wanted)).toEqual(seen);
          }
          snapshot.release();
        },
      ),
      { numRuns: 400 },
    );
  });

  it("pages through the results once each, in order, whatever the page size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 1, maxLength: 40 }),
        search,
        fc.integer({ min: 1, max: 5 }),
        async (steps, wanted, pageSize) => {
          const { committer } = await openSearchStore();
          const rows: ModelRow[] = [];
          await committer.submit(async (tx) => {
            for (const step of steps) apply(tx, rows, step);
            return { value: null, commit: true };
          });
          const snapshot = committer.snapshot();
          const ids: string[] = [];
          let cursor: string | null = null;
          for (let isDone = false; !isDone; ) {
            const tx = new Transaction(snapshot, committer.catalog, [], null, null);
            const page = await readPage(tx, {
              query: queryOf(wanted),
              cursor,
              endCursor: null,
              pageSize,
              maximumRowsRead: null,
            });
            ids.push(...page.documents.map((text) => (JSON.parse(text) as { _id: string })._id));
            cursor = page.continueCursor;
            ({ isDone } = page);
          }
          expect(ids).toEqual(modelSearch(rows, wanted));
          snapshot.release();
        },
      ),
      { numRuns: 100 },
    );
  });

  it("is backfilled when the schema gains it, follows a change of its fields, and goes when the schema drops it", async () => {
    const bare: ExportedSchema = {
      schemaValidation: false,
      tables: [{ tableName: "notes", indexes: [], documentType: null }],
    };
    const { store, committer } = await openSearchStore(createMemoryStore(), bare);
    const rows: ModelRow[] = [];
    await committer.submit(async (tx) => {
      for (let i = 0; i < 30; i++)
        apply(tx, rows, { do: "insert", document: { body: `gold ${i % 2 ? "perp" : "spot"}`, tag: i % 3 } });
      return { value: null, commit: true };
    });
    const indexRows = async () =>
      (await store.keys({ from: "i", to: "j" }, { reverse: false, limit: 9999 })).length;
    const bareRows = await indexRows();
    const reopened = await openSearchStore(store);
    const snapshot = reopened.committer.snapshot();
    const tx = new Transaction(snapshot, reopened.catalog, [], null, null);
    for (const wanted of [{ text: "perp" }, { text: "spo", tag: 1 }])
      expect(await drain(new QueryStream(tx, queryOf(wanted)))).toEqual(modelSearch(rows, wanted));
    expect(await findIndexFaults(store)).toEqual([]);
    const changed = structuredClone(SCHEMA);
    changed.tables[0]!.searchIndexes![0]!.filterFields = ["tag"];
    await openSearchStore(store, changed);
    expect(await findIndexFaults(store)).toEqual([]);
    await openSearchStore(store, bare);
    expect(await indexRows()).toBe(bareRows);
    expect(await findIndexFaults(store)).toEqual([]);
  });

  it("splits text at everything but letters and numbers, lower-cases it and leaves out words of 32 bytes or more", () => {
    expect(tokenize("Gold-PERP, 2x (BingX)\nÉTÉ über")).toEqual([
      "gold",
      "perp",
      "2x",
      "bingx",
      "été",
      "über",
    ]);
    expect(tokenize(`${"a".repeat(31)} ${"b".repeat(32)} ${"é".repeat(16)}`)).toEqual(["a".repeat(31)]);
    for (let words = 1; words < 1 << 20; words += 1 + (words >> 6)) {
      const length = lengthOfCode(lengthCode(words));
      expect(length <= words && length > words * 0.875).toBe(true);
    }
  });
});
