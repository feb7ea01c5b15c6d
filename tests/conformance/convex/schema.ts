import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

/** One of each validator, for documents as for arguments. */
export const everyKind = {
  text: v.string(),
  count: v.optional(v.number()),
  big: v.optional(v.int64()),
  flag: v.optional(v.boolean()),
  nothing: v.optional(v.null()),
  data: v.optional(v.bytes()),
  list: v.optional(v.array(v.number())),
  box: v.optional(v.object({ inner: v.string(), deep: v.optional(v.object({ leaf: v.number() })) })),
  book: v.optional(v.record(v.string(), v.number())),
  either: v.optional(v.union(v.string(), v.number())),
  shape: v.optional(
    v.union(
      v.object({ kind: v.literal("circle"), radius: v.number() }),
      v.object({ kind: v.literal("square"), side: v.number() }),
    ),
  ),
  fixed: v.optional(v.literal("only")),
  row: v.optional(v.id("rows")),
  anything: v.optional(v.any()),
};

export default defineSchema({
  /** Documents of any shape: a `group` keeps the cases of one run apart. */
  rows: defineTable(v.any())
    .index("by_group", ["group"])
    .index("by_a", ["group", "a"])
    .index("by_abc", ["group", "a", "b", "c"])
    .index("by_nested", ["group", "nested.x.y"]),
  strict: defineTable(everyKind).index("by_text", ["text"]),
  accounts: defineTable({ group: v.string(), owner: v.string(), balance: v.number() }).index("by_owner", [
    "group",
    "owner",
  ]),
  texts: defineTable({
    group: v.string(),
    title: v.string(),
    body: v.any(),
    tag: v.optional(v.any()),
    vector: v.optional(v.array(v.float64())),
  })
    .searchIndex("by_body", { searchField: "body", filterFields: ["group", "tag"] })
    .vectorIndex("by_vector", { vectorField: "vector", dimensions: 3, filterFields: ["group", "tag"] }),
  stamps: defineTable({ group: v.string(), at: v.int64() }).index("by_at", ["group", "at"]),
});
