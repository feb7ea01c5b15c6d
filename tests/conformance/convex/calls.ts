import { createFunctionHandle, type FunctionHandle } from "convex/server";
import { ConvexError, v } from "convex/values";
import { type api, internal } from "./_generated/api";
import {
  action,
  internalAction,
  internalMutation,
  internalQuery,
  mutation,
  query,
} from "./_generated/server";
import { everyKind } from "./schema";

// biome-ignore lint/suspicious/noExplicitAny: functions and tables come by name
type Loose = any;

export const echo = query({ args: { value: v.any() }, handler: (_, { value }) => value });
export const typed = query({ args: everyKind, handler: () => "fits" });
export const unchecked = query({ handler: (_: unknown, args: Loose) => args });
export const wrongReturn = query({
  args: {},
  returns: v.number(),
  handler: () => "not a number" as unknown as number,
});
export const wrongReturnDeep = query({
  args: {},
  returns: v.object({ box: v.object({ list: v.array(v.string()) }) }),
  handler: () => ({ box: { list: ["a", 1 as unknown as string] } }),
});
export const returnsUndefined = query({ args: {}, handler: () => undefined });
export const returnsStrange = query({
  args: { what: v.string() },
  handler: (_, { what }): Loose => {
    if (what === "function") return () => 1;
    if (what === "date") return new Date(0);
    if (what === "symbolic") return { $bad: 1 };
    if (what === "undefinedField") return { a: 1, b: undefined };
    return new Map();
  },
});

export const fail = query({
  args: { how: v.string() },
  handler: (_, { how }) => {
    if (how === "error") throw new Error("boom");
    if (how === "type") throw new TypeError("wrong type");
    if (how === "string") throw "just text";
    if (how === "convexText") throw new ConvexError("text data");
    if (how === "convexObject")
      throw new ConvexError({ code: 7n, list: [1, null], deep: { nan: Number.NaN } });
    throw new ConvexError(null as unknown as string);
  },
});
export const failMutation = mutation({
  args: { group: v.string() },
  handler: async (ctx, { group }) => {
    await ctx.db.insert("rows", { group, a: "never" });
    throw new ConvexError({ refused: true });
  },
});
export const failAction = action({
  args: {},
  handler: async () => {
    throw new ConvexError({ fromAction: true });
  },
});

export const secret = internalQuery({ args: {}, handler: () => "secret" });
export const secretMutation = internalMutation({ args: {}, handler: () => "secret mutation" });
export const secretAction = internalAction({ args: {}, handler: async () => "secret action" });

export const nestedQuery = query({
  args: { group: v.string() },
  handler: async (ctx, { group }): Promise<unknown> => ({
    rows: (await ctx.runQuery(internal.calls.countRows, { group })) as number,
    now: (await ctx.runQuery(internal.calls.clock, {})) === Date.now(),
  }),
});
export const countRows = internalQuery({
  args: { group: v.string() },
  handler: async (ctx, { group }) =>
    (
      await ctx.db
        .query("rows")
        .withIndex("by_group", (q) => q.eq("group", group))
        .collect()
    ).length,
});
export const clock = internalQuery({ args: {}, handler: () => Date.now() });
export const addRow = internalMutation({
  args: { group: v.string(), a: v.any(), crash: v.optional(v.boolean()) },
  handler: async (ctx, { group, a, crash }) => {
    const id = await ctx.db.insert("rows", { group, a });
    await ctx.scheduler.runAfter(0, internal.calls.secretMutation, {});
    if (crash) throw new ConvexError({ rolled: "back" });
    return id;
  },
});

/** A failed sub-transaction leaves nothing; what its caller wrote stays. */
export const nestedRollback = mutation({
  args: { group: v.string() },
  handler: async (ctx, { group }): Promise<unknown> => {
    await ctx.db.insert("rows", { group, a: "outer" });
    await ctx.runMutation(internal.calls.addRow, { group, a: "kept" });
    const seenInside = await ctx.runQuery(internal.calls.countRows, { group });
    let caught: unknown = null;
    try {
      await ctx.runMutation(internal.calls.addRow, { group, a: "lost", crash: true });
    } catch (error) {
      caught = error instanceof ConvexError ? error.data : String(error);
    }
    const after = await ctx.runQuery(internal.calls.countRows, { group });
    return { seenInside, caught, after };
  },
});
/** Two levels: the inner one commits into a middle one that fails. */
export const nestedTwice = mutation({
  args: { group: v.string() },
  handler: async (ctx, { group }): Promise<unknown> => {
    await ctx.runMutation(internal.calls.middle, { group }).catch(() => null);
    return ctx.runQuery(internal.calls.countRows, { group });
  },
});
export const middle = internalMutation({
  args: { group: v.string() },
  handler: async (ctx, { group }) => {
    await ctx.runMutation(internal.calls.addRow, { group, a: "inner" });
    throw new Error("the middle fails");
  },
});
/** Sub-transactions that are started together run one after another. */
export const nestedParallel = mutation({
  args: { group: v.string(), count: v.number() },
  handler: async (ctx, { group, count }): Promise<unknown> => {
    await Promise.all(Array.from({ length: count }, () => ctx.runMutation(internal.calls.bump, { group })));
    return ctx.runQuery(internal.calls.bumped, { group });
  },
});
export const bump = internalMutation({
  args: { group: v.string() },
  handler: async (ctx, { group }) => {
    const row = await ctx.db
      .query("accounts")
      .withIndex("by_owner", (q) => q.eq("group", group).eq("owner", "bump"))
      .unique();
    if (row) await ctx.db.patch(row._id, { balance: row.balance + 1 });
    else await ctx.db.insert("accounts", { group, owner: "bump", balance: 1 });
  },
});
export const bumped = internalQuery({
  args: { group: v.string() },
  handler: async (ctx, { group }) =>
    (
      await ctx.db
        .query("accounts")
        .withIndex("by_owner", (q) => q.eq("group", group).eq("owner", "bump"))
        .unique()
    )?.balance ?? 0,
});

export const compose = action({
  args: { group: v.string() },
  handler: async (ctx, { group }): Promise<unknown> => {
    await ctx.runMutation(internal.calls.addRow, { group, a: "from action" });
    const caught = await ctx.runMutation(internal.calls.addRow, { group, a: "lost", crash: true }).then(
      () => null,
      (error) => (error instanceof ConvexError ? error.data : String(error)),
    );
    const inner = (await ctx.runAction(internal.calls.secretAction, {})) as string;
    const rows = (await ctx.runQuery(internal.calls.countRows, { group })) as number;
    return { caught, inner, rows };
  },
});

export const viaHandle = mutation({
  args: { group: v.string() },
  handler: async (ctx, { group }): Promise<unknown> => {
    const handle = await createFunctionHandle(internal.calls.countRows);
    const count = await ctx.runQuery(handle as unknown as FunctionHandle<"query">, { group });
    return { handle, count };
  },
});
export const callAnything = query({
  args: { path: v.string() },
  handler: (ctx, { path }): Promise<unknown> =>
    ctx.runQuery(path as unknown as typeof api.calls.echo, { value: 1 }),
});
export const logs = query({
  args: {},
  handler: () => {
    console.log("text", 1, { a: [1, 2] });
    console.warn("careful");
    console.error("bad");
    console.debug("detail");
    console.info("note");
    return null;
  },
});
