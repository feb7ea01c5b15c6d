import { v } from "convex/values";
import { internal } from "./_generated/api";
import { action, internalQuery, mutation, type QueryCtx, query } from "./_generated/server";

const text = {
  group: v.string(),
  title: v.string(),
  body: v.any(),
  tag: v.optional(v.any()),
  vector: v.optional(v.array(v.number())),
};
const wanted = { group: v.string(), search: v.string(), tag: v.optional(v.any()) };

async function titles(
  ctx: QueryCtx,
  { group, search, tag }: { group: string; search: string; tag?: unknown },
) {
  const found = await ctx.db
    .query("texts")
    .withSearchIndex("by_body", (q) => {
      const inGroup = q.search("body", search).eq("group", group);
      return tag === undefined ? inGroup : inGroup.eq("tag", tag);
    })
    .collect();
  return found.map(({ title }) => title);
}

export const put = mutation({
  args: { texts: v.array(v.object(text)) },
  handler: async (ctx, { texts }) => {
    for (const row of texts) await ctx.db.insert("texts", row);
  },
});
export const find = query({ args: wanted, handler: titles });
export const putAndFind = mutation({
  args: { text: v.object(text), search: v.string() },
  handler: async (ctx, { text, search }) => {
    const id = await ctx.db.insert("texts", text);
    const after = await titles(ctx, { group: text.group, search });
    await ctx.db.patch(id, { body: "something else" });
    return [after, await titles(ctx, { group: text.group, search })];
  },
});
export const titleOf = internalQuery({
  args: { id: v.id("texts") },
  handler: async (ctx, { id }) => (await ctx.db.get(id))?.title ?? null,
});
export const near = action({
  args: { vector: v.array(v.number()), limit: v.optional(v.number()), groups: v.array(v.string()) },
  handler: async (
    ctx,
    { vector, limit, groups },
  ): Promise<Array<{ title: string | null; score: number }>> => {
    const hits = await ctx.vectorSearch("texts", "by_vector", {
      vector,
      ...(limit === undefined ? {} : { limit }),
      filter: (q) => q.or(...groups.map((group) => q.eq("group", group))),
    });
    return Promise.all(
      hits.map(async ({ _id, _score }) => ({
        title: await ctx.runQuery(internal.search.titleOf, { id: _id }),
        score: _score,
      })),
    );
  },
});
