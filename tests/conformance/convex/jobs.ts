import { v } from "convex/values";
import { internal } from "./_generated/api";
import { action, internalAction, internalMutation, mutation, query } from "./_generated/server";

// biome-ignore lint/suspicious/noExplicitAny: ids and functions come by name
type Loose = any;

export const record = internalMutation({
  args: { group: v.string(), a: v.any(), crash: v.optional(v.boolean()) },
  handler: async (ctx, { group, a, crash }) => {
    await ctx.db.insert("rows", { group, a });
    if (crash) throw new Error("job failed");
  },
});
export const recordLater = internalAction({
  args: { group: v.string(), a: v.any() },
  handler: async (ctx, args) => {
    await ctx.runMutation(internal.jobs.record, args);
  },
});
export const tick = internalMutation({
  args: { name: v.string() },
  handler: async (ctx, { name }) => {
    const known = await ctx.db
      .query("accounts")
      .withIndex("by_owner", (q) => q.eq("group", "crons").eq("owner", name))
      .unique();
    if (known) await ctx.db.patch(known._id, { balance: known.balance + 1 });
    else await ctx.db.insert("accounts", { group: "crons", owner: name, balance: 1 });
  },
});
export const ticks = query({
  args: {},
  handler: async (ctx) =>
    (
      await ctx.db
        .query("accounts")
        .withIndex("by_owner", (q) => q.eq("group", "crons"))
        .first()
    )?.balance ?? 0,
});

export const schedule = mutation({
  args: {
    delayMs: v.number(),
    group: v.string(),
    a: v.any(),
    crash: v.optional(v.boolean()),
    kind: v.optional(v.string()),
    fail: v.optional(v.boolean()),
    at: v.optional(v.boolean()),
  },
  handler: async (ctx, { delayMs, group, a, crash, kind, fail, at }) => {
    const target: Loose =
      kind === "action" ? internal.jobs.recordLater : kind ? (kind as Loose) : internal.jobs.record;
    const args: Loose = kind === "action" ? { group, a } : { group, a, ...(crash ? { crash } : {}) };
    const id = at
      ? await ctx.scheduler.runAt(new Date(Date.now() + delayMs), target, args)
      : await ctx.scheduler.runAfter(delayMs, target, args);
    if (fail) throw new Error("the scheduling mutation fails");
    return id;
  },
});
export const scheduleFromAction = action({
  args: { group: v.string(), a: v.any() },
  handler: async (ctx, { group, a }): Promise<string> =>
    ctx.scheduler.runAfter(0, internal.jobs.record, { group, a }),
});
export const scheduleAndCancel = mutation({
  args: { group: v.string() },
  handler: async (ctx, { group }): Promise<string> => {
    const id = await ctx.scheduler.runAfter(0, internal.jobs.record, { group, a: "cancelled" });
    await ctx.scheduler.cancel(id);
    return id;
  },
});
export const cancel = mutation({
  args: { id: v.string() },
  handler: (ctx, { id }) => ctx.scheduler.cancel(id as Loose),
});
export const cancelFromAction = action({
  args: { id: v.string() },
  handler: (ctx, { id }) => ctx.scheduler.cancel(id as Loose),
});
