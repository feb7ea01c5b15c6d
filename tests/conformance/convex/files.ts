import { ConvexError, v } from "convex/values";
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
/** Stores files in a mutation that keeps or loses them; answers what it reads back and what it used. */
export const storeInMutation = mutation({
  args: { texts: v.array(v.string()), fails: v.optional(v.boolean()) },
  handler: async (ctx, { texts, fails }) => {
    const files = [];
    for (const text of texts) {
      const id = await ctx.storage.store(new Blob([text], { type: "text/plain" }));
      const back = await ctx.storage.get(id);
      files.push({ id, text: await back?.text(), type: back?.type, url: await ctx.storage.getUrl(id) });
    }
    if (fails) throw new ConvexError(files.map(({ id, url }) => ({ id, url })));
    const { filesWritten, fileWriteBytes, filesRead, fileReadBytes } = await ctx.meta.getTransactionMetrics();
    return { files, used: [filesWritten, fileWriteBytes, filesRead, fileReadBytes].map(({ used }) => used) };
  },
});
export const load = action({
  args: { id: v.string() },
  handler: async (ctx, { id }) => (await ctx.storage.get(id as never))?.size ?? null,
});
