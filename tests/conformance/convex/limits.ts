import { v } from "convex/values";
import { internal } from "./_generated/api";
import { internalMutation, mutation, query } from "./_generated/server";

// biome-ignore lint/suspicious/noExplicitAny: values of any depth and size
type Loose = any;

const nest = (levels: number, leaf: Loose = 1): Loose =>
  levels === 0 ? leaf : { n: nest(levels - 1, leaf) };

/** Fills a group with `count` rows that carry `bytes` characters each. */
export const fill = mutation({
  args: { group: v.string(), count: v.number(), bytes: v.optional(v.number()), from: v.optional(v.number()) },
  handler: async (ctx, { group, count, bytes = 0, from = 0 }) => {
    const payload = "x".repeat(bytes);
    for (let i = 0; i < count; i++) await ctx.db.insert("rows", { group, a: from + i, payload });
  },
});
export const countRows = query({
  args: { group: v.string(), filtered: v.optional(v.boolean()) },
  handler: async (ctx, { group, filtered }) => {
    const rows = ctx.db.query("rows").withIndex("by_a", (q) => q.eq("group", group));
    return (await (filtered ? rows.filter((q) => q.eq(q.field("a"), -1)) : rows).collect()).length;
  },
});
export const readRanges = query({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    for (let i = 0; i < count; i++) {
      await ctx.db
        .query("rows")
        .withIndex("by_group", (q) => q.eq("group", `none${i}`))
        .first();
    }
    return count;
  },
});
export const schedule = mutation({
  args: { count: v.number(), bytes: v.number() },
  handler: async (ctx, { count, bytes }) => {
    const payload = "x".repeat(bytes);
    for (let i = 0; i < count; i++)
      await ctx.scheduler.runAfter(60_000, internal.limits.nothing, { payload });
    throw new Error(`scheduled ${count}`);
  },
});
export const nothing = internalMutation({ args: { payload: v.string() }, handler: () => null });
export const insertShape = mutation({
  args: { group: v.string(), shape: v.string(), size: v.number() },
  handler: async (ctx, { group, shape, size }) => {
    const make: Record<string, () => Loose> = {
      nested: () => nest(size),
      array: () => Array.from({ length: size }, (_, i) => i),
      fields: () => Object.fromEntries(Array.from({ length: size }, (_, i) => [`f${i}`, 1])),
      text: () => "x".repeat(size),
      longName: () => ({ ["n".repeat(size)]: 1 }),
    };
    if (shape === "topName") await ctx.db.insert("rows", { group, ["n".repeat(size)]: 1 });
    else await ctx.db.insert("rows", { group, value: make[shape]!() });
  },
});
export const returnShape = query({
  args: { shape: v.string(), size: v.number() },
  handler: (_, { shape, size }): Loose => {
    if (shape === "nested") return nest(size);
    if (shape === "array") return Array.from({ length: size }, (_, i) => i);
    return Array.from({ length: size }, () => "x".repeat(1 << 20));
  },
});
export const take = query({ args: { value: v.any() }, handler: () => "taken" });
export const chatter = query({
  args: { lines: v.number() },
  handler: (_, { lines }) => {
    for (let i = 0; i < lines; i++) console.log(i);
    return null;
  },
});
/** Counts a caught overrun as the overrun it is: a limit does not reset. */
export const metrics = query({
  args: { group: v.string() },
  handler: async (ctx, { group }) => {
    await ctx.db
      .query("rows")
      .withIndex("by_a", (q) => q.eq("group", group))
      .take(3);
    await ctx.db
      .query("rows")
      .withIndex("by_a", (q) => q.eq("group", `${group} none`))
      .first();
    return (ctx as Loose).meta.getTransactionMetrics();
  },
});
