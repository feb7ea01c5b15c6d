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

export const vScope = v.literal("events:write");

/** A machine outside the desk; its token only names it, what it may do is decided here at every call. */
export const apiTokenFields = {
  /** The token's `sub`: "api:" and the name. */
  subject: v.string(),
  name: v.string(),
  scopes: v.array(vScope),
  expiresAtMs: v.number(),
  disabled: v.boolean(),
  createdBy: v.string(),
};

export const accessTables = {
  apiTokens: defineTable(apiTokenFields).index("by_subject", ["subject"]),
  members: defineTable(memberFields).index("by_tokenIdentifier", ["tokenIdentifier"]),
  signInLinks: defineTable(signInLinkFields).index("by_codeHash", ["codeHash"]),
};
