import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
import { prepare, run, scanValidator } from "./builders";

// biome-ignore lint/suspicious/noExplicitAny: ids and tables come by name, whatever the schema says
type Loose = any;

export const insert = mutation({
  args: { table: v.optional(v.string()), values: v.array(v.any()) },
  handler: async (ctx, { table = "rows", values }) => {
    const ids: string[] = [];
    for (const value of values) ids.push(await (ctx.db as Loose).insert(table, value));
    return ids;
  },
});

export const patch = mutation({
  args: { id: v.string(), fields: v.any(), removed: v.optional(v.array(v.string())) },
  handler: async (ctx, { id, fields, removed = [] }) => {
    const gone = Object.fromEntries(removed.map((field) => [field, undefined]));
    await (ctx.db as Loose).patch(id, { ...fields, ...gone });
  },
});

export const replace = mutation({
  args: { id: v.string(), value: v.any() },
  handler: async (ctx, { id, value }) => {
    await (ctx.db as Loose).replace(id, value);
  },
});

export const remove = mutation({
  args: { ids: v.array(v.string()) },
  handler: async (ctx, { ids }) => {
    for (const id of ids) await (ctx.db as Loose).delete(id);
  },
});

/** The two-argument forms, which also name the table. */
export const inTable = mutation({
  args: { op: v.string(), table: v.string(), id: v.string(), value: v.optional(v.any()) },
  handler: async (ctx, { op, table, id, value }) => {
    const db = ctx.db as Loose;
    return value === undefined ? await db[op](table, id) : await db[op](table, id, value);
  },
});

export const get = query({
  args: { id: v.string() },
  handler: (ctx, { id }) => (ctx.db as Loose).get(id),
});

export const systemGet = query({
  args: { id: v.string() },
  handler: (ctx, { id }) => (ctx.db.system as Loose).get(id),
});

export const normalize = query({
  args: { table: v.string(), id: v.string() },
  handler: (ctx, { table, id }) => (ctx.db as Loose).normalizeId(table, id),
});

export const normalizeSystem = query({
  args: { table: v.string(), id: v.string() },
  handler: (ctx, { table, id }) => (ctx.db.system as Loose).normalizeId(table, id),
});

export const scan = query({ args: { scan: scanValidator }, handler: (ctx, args) => run(ctx.db, args.scan) });

/** Many scans at once, each answered with the `tag` fields of its rows. */
export const tags = query({
  args: { scans: v.array(scanValidator) },
  handler: (ctx, { scans }) =>
    Promise.all(
      scans.map(async (scan) => ((await run(ctx.db, scan)) as Array<{ tag: unknown }>).map((row) => row.tag)),
    ),
});

export const systemScan = query({
  args: { scan: scanValidator },
  handler: (ctx, args) => run(ctx.db.system, args.scan),
});

export const page = query({
  args: { scan: scanValidator, paginationOpts: paginationOptsValidator },
  handler: (ctx, args) => prepare(ctx.db, args.scan).paginate(args.paginationOpts),
});

export const pageTwice = query({
  args: { scan: scanValidator, paginationOpts: paginationOptsValidator },
  handler: async (ctx, args) => {
    await prepare(ctx.db, args.scan).paginate(args.paginationOpts);
    return prepare(ctx.db, args.scan).paginate(args.paginationOpts);
  },
});

/** Sets the order of one query twice, which the library forbids. */
export const misuse = query({
  args: {},
  handler: (ctx) => {
    (ctx.db.query("rows") as Loose).order("asc").order("desc");
  },
});

/** Reads its own pending writes through every kind of read. */
export const readOwnWrites = mutation({
  args: { group: v.string() },
  handler: async (ctx, { group }) => {
    const scan = { index: "by_a", range: [{ op: "eq", field: "group", value: group }] };
    const seen = async () => ((await run(ctx.db, scan)) as Array<{ a: number }>).map((row) => row.a);
    const db = ctx.db as Loose;
    const first = await db.insert("rows", { group, a: 2 });
    const second = await db.insert("rows", { group, a: 1 });
    const inserted = await seen();
    await db.patch(first, { a: 0 });
    const patched = await seen();
    await db.delete(second);
    const deleted = await seen();
    const gone = await db.get(second);
    await db.replace(first, { group, a: 9 });
    const replaced = await seen();
    const page = await prepare(ctx.db, scan).paginate({ numItems: 5, cursor: null });
    return { inserted, patched, deleted, gone, replaced, paged: page.page.length };
  },
});

/** Iterates over a range while inserting into it: an iteration sees what lies ahead of it. */
export const writeWhileReading = mutation({
  args: { group: v.string() },
  handler: async (ctx, { group }) => {
    const db = ctx.db as Loose;
    for (const a of [1, 2, 3]) await db.insert("rows", { group, a });
    const seen: number[] = [];
    const scan = { index: "by_a", range: [{ op: "eq", field: "group", value: group }] };
    for await (const row of prepare(ctx.db, scan)) {
      seen.push(row.a);
      if (row.a < 3) await db.patch(row._id, { touched: true });
    }
    return seen;
  },
});
