import { v } from "convex/values";
import { action, mutation, query } from "./_generated/server";

export const uploadUrl = mutation({ args: {}, handler: (ctx) => ctx.storage.generateUploadUrl() });
export const url = query({ args: { id: v.string() }, handler: (ctx, { id }) => ctx.storage.getUrl(id) });
export const metadata = query({
  args: { id: v.string() },
  handler: (ctx, { id }) => ctx.storage.getMetadata(id as never),
});
export const document = query({
  args: { id: v.id("_storage") },
  handler: (ctx, { id }) => ctx.db.system.get(id),
});
export const remove = mutation({
  args: { id: v.string() },
  handler: (ctx, { id }) => ctx.storage.delete(id as never),
});
export const store = action({
  args: { text: v.string(), type: v.string() },
  handler: async (ctx, { text, type }) => {
    const id = await ctx.storage.store(new Blob([text], { type }));
    const back = await ctx.storage.get(id);
    return { id, text: await back?.text(), type: back?.type, size: back?.size };
  },
});
export const load = action({
  args: { id: v.string() },
  handler: async (ctx, { id }) => (await ctx.storage.get(id as never))?.size ?? null,
});
