import { v } from "convex/values";

/** A bound of an index range; without `value` it stands for `undefined`, which arguments cannot carry. */
export const boundValidator = v.object({
  op: v.union(v.literal("eq"), v.literal("gt"), v.literal("gte"), v.literal("lt"), v.literal("lte")),
  field: v.string(),
  value: v.optional(v.any()),
});

/**
 * A query as data. `filter` is an expression such as `["and", ["lt", ["field", "a"], ["literal", 3]], ["undefined"]]`; `end` says
 * how it is consumed.
 */
export const scanValidator = v.object({
  table: v.optional(v.string()),
  index: v.optional(v.string()),
  range: v.optional(v.array(boundValidator)),
  order: v.optional(v.union(v.literal("asc"), v.literal("desc"))),
  filters: v.optional(v.array(v.any())),
  end: v.optional(
    v.union(v.literal("collect"), v.literal("first"), v.literal("unique"), v.literal("iterate"), v.number()),
  ),
});

export interface Scan {
  table?: string;
  index?: string;
  range?: Array<{ op: string; field: string; value?: unknown }>;
  order?: "asc" | "desc";
  filters?: unknown[];
  end?: "collect" | "first" | "unique" | "iterate" | number;
}

type Expression = [string, ...unknown[]];

// biome-ignore lint/suspicious/noExplicitAny: expressions are data here; the builder's types follow the schema
function build(q: any, [op, ...operands]: Expression): any {
  if (op === "field") return q.field(operands[0]);
  if (op === "literal") return operands[0];
  if (op === "undefined") return undefined;
  return q[op](...operands.map((operand) => build(q, operand as Expression)));
}

// biome-ignore lint/suspicious/noExplicitAny: tables, indexes and fields come by name
export function prepare(db: any, { table = "rows", index, range = [], order, filters = [] }: Scan): any {
  let query = db.query(table);
  if (index) {
    // biome-ignore lint/suspicious/noExplicitAny: each bound narrows the builder's type
    query = query.withIndex(index, (q: any) => {
      for (const { op, field, value } of range) q = q[op](field, value);
      return q;
    });
  }
  if (order) query = query.order(order);
  // biome-ignore lint/suspicious/noExplicitAny: expressions are data here
  for (const filter of filters) query = query.filter((q: any) => build(q, filter as Expression));
  return query;
}

/** Runs a scan to the end that it names. */
export async function run(db: unknown, scan: Scan): Promise<unknown> {
  const query = prepare(db, scan);
  if (typeof scan.end === "number") return query.take(scan.end);
  if (scan.end === "first" || scan.end === "unique") return query[scan.end]();
  if (scan.end !== "iterate") return query.collect();
  const rows: unknown[] = [];
  for await (const row of query) rows.push(row);
  return rows;
}
