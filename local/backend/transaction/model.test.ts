import { compareValues, convexToJson, type Value } from "convex/values";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { convexValue } from "../../../tests/backend/arbitraries";
import { createMemoryStore } from "../../../tests/backend/memoryStore";
import { applySchema } from "../catalog/applySchema";
import { Catalog } from "../catalog/catalog";
import { findIndexFaults } from "../catalog/checkIndexes";
import { Committer } from "../committer/committer";
import { systemPorts } from "../ports";
import type { Store } from "../store/store";
import type { JsonObject, JsonValue } from "../values/encoded";
import { decodeId } from "../values/ids";
import { QueryStream, type SerializedQuery } from "./queryStream";
import type { RangeExpression } from "./ranges";
import { ReadSet } from "./readSet";
import { Transaction } from "./transaction";

/**
 * The rooms under the functions against a model that is an array of documents: every scan equals the model's sort and
 * filter, and a read set is hit by a commit exactly when the commit changed a row that the scan passed over.
 */
interface ModelRow {
  id: string;
  group: string;
  key: Value;
  createdAt: number;
}

type Operation =
  | { do: "insert"; group: string; key: Value }
  | { do: "patch"; pick: number; key: Value }
  | { do: "remove"; pick: number };

interface Scan {
  group: string;
  lower: { inclusive: boolean; value: Value } | null;
  upper: { inclusive: boolean; value: Value } | null;
  order: "asc" | "desc";
  limit: number | null;
}

const group = fc.constantFrom("a", "b");
const key = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: convexValue },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("insert" as const), group, key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("patch" as const), pick: fc.nat(50), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), pick: fc.nat(50) }) },
);
const bound = fc.option(fc.record({ inclusive: fc.boolean(), value: key }));
const scan: fc.Arbitrary<Scan> = fc.record({
  group,
  lower: bound,
  upper: bound,
  order: fc.constantFrom("asc" as const, "desc" as const),
  limit: fc.option(fc.integer({ min: 0, max: 4 })),
});

const encode = (value: Value) => convexToJson(value) as JsonValue;

function compareRows(a: ModelRow, b: ModelRow): number {
  return compareValues(a.key, b.key) || a.createdAt - b.createdAt;
}

function inRange(row: ModelRow, { group: wanted, lower, upper }: Scan): boolean {
  if (row.group !== wanted) return false;
  const low = lower ? compareValues(row.key, lower.value) : 1;
  const high = upper ? compareValues(row.key, upper.value) : -1;
  return (low > 0 || (low === 0 && lower!.inclusive)) && (high < 0 || (high === 0 && upper!.inclusive));
}

/** The model's answer, and the rows that a scan of it may depend on. */
function modelScan(rows: ModelRow[], wanted: Scan): ModelRow[] {
  const found = rows.filter((row) => inRange(row, wanted)).sort(compareRows);
  if (wanted.order === "desc") found.reverse();
  return wanted.limit === null ? found : found.slice(0, wanted.limit);
}

/** Whether a scan that returned `seen` passed over the place of `row`. */
function passedOver(row: ModelRow, wanted: Scan, seen: ModelRow[]): boolean {
  if (!inRange(row, wanted) || wanted.limit === 0) return false;
  if (wanted.limit === null || seen.length < wanted.limit) return true;
  const last = compareRows(row, seen.at(-1)!);
  return wanted.order === "asc" ? last <= 0 : last >= 0;
}

function queryOf({ group: wanted, lower, upper, order, limit }: Scan): SerializedQuery {
  const range: RangeExpression[] = [{ type: "Eq", fieldPath: "group", value: wanted }];
  if (lower)
    range.push({ type: lower.inclusive ? "Gte" : "Gt", fieldPath: "key", value: encode(lower.value) });
  if (upper)
    range.push({ type: upper.inclusive ? "Lte" : "Lt", fieldPath: "key", value: encode(upper.value) });
  return {
    source: { type: "IndexRange", indexName: "items.by_group_key", range, order },
    operators: limit === null ? [] : [{ limit }],
  };
}

async function runScan(tx: Transaction, wanted: Scan): Promise<string[]> {
  const stream = new QueryStream(tx, queryOf(wanted));
  const ids: string[] = [];
  for (let text = await stream.next(); text !== null; text = await stream.next())
    ids.push((JSON.parse(text) as JsonObject)._id as string);
  return ids;
}

/** Applies an operation to both; returns the model rows (old and new) that it wrote. */
function apply(tx: Transaction, rows: ModelRow[], step: Operation): ModelRow[] {
  const table = tx.namespace.byName.get("items")!;
  if (step.do === "insert") {
    const id = tx.insert("items", { group: step.group, key: encode(step.key) });
    const stored = JSON.parse(tx.documentAt(table.docPrefix + decodeId(id)!.internalId)!.text) as JsonObject;
    const row = { id, group: step.group, key: step.key, createdAt: stored._creationTime as number };
    rows.push(row);
    return [row];
  }
  if (rows.length === 0) return [];
  const at = step.pick % rows.length;
  const before = rows[at]!;
  const { internalId } = decodeId(before.id)!;
  if (step.do === "remove") {
    tx.remove(table, internalId);
    rows.splice(at, 1);
    return [before];
  }
  tx.patch(table, internalId, { key: encode(step.key) });
  rows[at] = { ...before, key: step.key };
  return [before, rows[at]];
}

async function open(): Promise<{ store: Store; committer: Committer }> {
  const store = createMemoryStore();
  const catalog = new Catalog(undefined);
  await applySchema(store, catalog, catalog.root, {
    schemaValidation: false,
    tables: [
      {
        tableName: "items",
        indexes: [{ indexDescriptor: "by_group_key", fields: ["group", "key"] }],
        documentType: null,
      },
    ],
  });
  const committer = new Committer(store, catalog, systemPorts, (error) => {
    throw error;
  });
  return { store, committer };
}

describe("transactions against an array of documents", () => {
  it("scan like the model, inside a transaction over its own writes and after the commit", async () => {
    const transaction = fc.record({
      steps: fc.array(operation, { maxLength: 8 }),
      nested: fc.array(operation, { maxLength: 4 }),
      nestedFails: fc.boolean(),
      fails: fc.boolean(),
      scans: fc.array(scan, { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { maxLength: 6 }), async (transactions) => {
        const { store, committer } = await open();
        let model: ModelRow[] = [];
        for (const { steps, nested, nestedFails, fails, scans } of transactions) {
          let rows = [...model];
          await committer.submit(async (tx) => {
            for (const step of steps) apply(tx, rows, step);
            const child = tx.nested(true);
            const nestedRows = [...rows];
            for (const step of nested) apply(child, nestedRows, step);
            for (const wanted of scans) {
              expect(await runScan(child, wanted)).toEqual(
                modelScan(nestedRows, wanted).map((row) => row.id),
              );
            }
            if (!nestedFails) {
              tx.commitNested(child);
              rows = nestedRows;
            }
            for (const wanted of scans) {
              expect(await runScan(tx, wanted)).toEqual(modelScan(rows, wanted).map((row) => row.id));
            }
            return { value: null, commit: !fails };
          });
          if (!fails) model = rows;
          const snapshot = committer.snapshot();
          const reader = new Transaction(snapshot, committer.catalog, [], null, null);
          for (const wanted of scans) {
            expect(await runScan(reader, wanted)).toEqual(modelScan(model, wanted).map((row) => row.id));
          }
          snapshot.release();
        }
        expect(await findIndexFaults(store)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it("invalidate a query if and only if a commit wrote a row that it passed over", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 12 }),
        fc.array(scan, { minLength: 1, maxLength: 4 }),
        fc.array(operation, { minLength: 1, maxLength: 3 }),
        async (before, scans, after) => {
          const { committer } = await open();
          const rows: ModelRow[] = [];
          await committer.submit(async (tx) => {
            for (const step of before) apply(tx, rows, step);
            return { value: null, commit: true };
          });
          const snapshot = committer.snapshot();
          const watched = [];
          for (const wanted of scans) {
            const reads = new ReadSet();
            await runScan(new Transaction(snapshot, committer.catalog, [], null, reads), wanted);
            watched.push({ wanted, reads, seen: modelScan(rows, wanted) });
          }
          let touched: ReadonlySet<string> = new Set();
          committer.onCommit((_, keys) => {
            touched = keys;
          });
          const written: ModelRow[] = [];
          await committer.submit(async (tx) => {
            for (const step of after) written.push(...apply(tx, rows, step));
            return { value: null, commit: true };
          });
          for (const { wanted, reads, seen } of watched) {
            const expected = written.some((row) => passedOver(row, wanted, seen));
            expect(reads.overlaps(touched)).toBe(expected);
            if (!expected)
              expect(modelScan(rows, wanted).map((row) => row.id)).toEqual(seen.map((row) => row.id));
          }
          snapshot.release();
        },
      ),
      { numRuns: 400 },
    );
  });
});
