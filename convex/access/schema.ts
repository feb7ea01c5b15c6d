import { defineTable } from "convex/server";
import { v } from "convex/values";
import { vRole } from "./roles";

export const memberFields = {
  tokenIdentifier: v.string(),
  subject: v.string(),
  displayName: v.string(),
  role: vRole,
  disabled: v.boolean(),
};

export const signInLinkFields = {
  /** SHA-256 of the code; the code itself is never stored. */
  codeHash: v.string(),
  role: vRole,
  subject: v.string(),
  displayName: v.string(),
  expiresAtMs: v.number(),
  usedAtMs: v.optional(v.number()),
};

export const accessTables = {
  members: defineTable(memberFields).index("by_tokenIdentifier", ["tokenIdentifier"]),
  signInLinks: defineTable(signInLinkFields).index("by_codeHash", ["codeHash"]),
};
