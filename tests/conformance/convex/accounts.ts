import { v } from "convex/values";
import type { QueryCtx } from "./_generated/server";
import { mutation, query } from "./_generated/server";

function account(ctx: QueryCtx, group: string, owner: string) {
  return ctx.db
    .query("accounts")
    .withIndex("by_owner", (q) => q.eq("group", group).eq("owner", owner))
    .unique();
}

export const open = mutation({
  args: { group: v.string(), owners: v.array(v.string()), balance: v.number() },
  handler: async (ctx, { group, owners, balance }) => {
    for (const owner of owners) await ctx.db.insert("accounts", { group, owner, balance });
  },
});
export const add = mutation({
  args: { group: v.string(), owner: v.string(), amount: v.number() },
  handler: async (ctx, { group, owner, amount }) => {
    const row = await account(ctx, group, owner);
    if (!row) {
      await ctx.db.insert("accounts", { group, owner, balance: amount });
      return amount;
    }
    await ctx.db.patch(row._id, { balance: row.balance + amount });
    return row.balance + amount;
  },
});
/** Moves what the payer has, at most `amount`; returns how much. */
export const transfer = mutation({
  args: { group: v.string(), from: v.string(), to: v.string(), amount: v.number() },
  handler: async (ctx, { group, from, to, amount }) => {
    const payer = (await account(ctx, group, from))!;
    const payee = (await account(ctx, group, to))!;
    const moved = Math.min(amount, payer.balance);
    if (from === to || moved === 0) return 0;
    await ctx.db.patch(payer._id, { balance: payer.balance - moved });
    await ctx.db.patch(payee._id, { balance: payee.balance + moved });
    return moved;
  },
});
/** Sets `to` to the sum of everybody else: a result that depends on every row. */
export const sumInto = mutation({
  args: { group: v.string(), to: v.string() },
  handler: async (ctx, { group, to }) => {
    const rows = await ctx.db
      .query("accounts")
      .withIndex("by_owner", (q) => q.eq("group", group))
      .collect();
    const others = rows.filter(({ owner }) => owner !== to).reduce((sum, { balance }) => sum + balance, 0);
    await ctx.db.patch(rows.find(({ owner }) => owner === to)!._id, { balance: others });
    return others;
  },
});
export const balances = query({
  args: { group: v.string() },
  handler: async (ctx, { group }) =>
    (
      await ctx.db
        .query("accounts")
        .withIndex("by_owner", (q) => q.eq("group", group))
        .collect()
    ).map(({ owner, balance }) => [owner, balance] as [string, number]),
});
export const balance = query({
  args: { group: v.string(), owner: v.string() },
  handler: async (ctx, { group, owner }) => (await account(ctx, group, owner))?.balance ?? null,
});
/** Skew trap: inserts only while the group holds fewer than `limit` rows. */
export const joinIfRoom = mutation({
  args: { group: v.string(), owner: v.string(), limit: v.number() },
  handler: async (ctx, { group, owner, limit }) => {
    const rows = await ctx.db
      .query("accounts")
      .withIndex("by_owner", (q) => q.eq("group", group))
      .collect();
    if (rows.length >= limit) return false;
    await ctx.db.insert("accounts", { group, owner, balance: 0 });
    return true;
  },
});
