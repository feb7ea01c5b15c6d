import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { internal } from "./_generated/api";
import { internalQuery, query } from "./_generated/server";
import { prepare, run, scanValidator } from "./builders";

// Each answer carries a random number: a new one means that the function ran again.

export const scan = query({
  args: { scan: scanValidator },
  handler: async (ctx, args) => ({ rows: await run(ctx.db, args.scan), run: Math.random() }),
});
export const get = query({
  args: { id: v.id("rows") },
  handler: async (ctx, { id }) => ({ rows: await ctx.db.get(id), run: Math.random() }),
});
export const page = query({
  args: { scan: scanValidator, paginationOpts: paginationOptsValidator },
  handler: async (ctx, args) => ({
    rows: (await prepare(ctx.db, args.scan).paginate(args.paginationOpts)) as unknown,
    run: Math.random(),
  }),
});
export const nested = query({
  args: { scan: scanValidator },
  handler: async (ctx, args): Promise<unknown> => ({
    rows: await ctx.runQuery(internal.watch.inner, args),
    run: Math.random(),
  }),
});
export const inner = internalQuery({
  args: { scan: scanValidator },
  handler: (ctx, args) => run(ctx.db, args.scan),
});
/** A nested query with a page of its own beside the caller's page. */
export const nestedPages = query({
  args: { scan: scanValidator, paginationOpts: paginationOptsValidator },
  handler: async (ctx, args): Promise<unknown> => {
    const inner = (await ctx.runQuery(internal.watch.innerPage, args)) as { page: unknown[] };
    const outer = await prepare(ctx.db, { ...args.scan, order: "desc" }).paginate(args.paginationOpts);
    return { inner: inner.page.length, outer: outer.page.length, run: Math.random() };
  },
});
export const innerPage = internalQuery({
  args: { scan: scanValidator, paginationOpts: paginationOptsValidator },
  handler: (ctx, args) => prepare(ctx.db, args.scan).paginate(args.paginationOpts),
});
/** Reads nothing, or the identity only. */
export const nothing = query({ args: {}, handler: () => ({ rows: null, run: Math.random() }) });
export const identity = query({
  args: {},
  handler: async (ctx) => ({ rows: await ctx.auth.getUserIdentity(), run: Math.random() }),
});
/** Fails when the group is empty, so that errors take part in reactivity. */
export const orFail = query({
  args: { group: v.string() },
  handler: async (ctx, { group }) => {
    const row = await ctx.db
      .query("rows")
      .withIndex("by_group", (q) => q.eq("group", group))
      .first();
    if (!row) throw new Error("nothing there");
    return { rows: row, run: Math.random() };
  },
});
