import { v } from "convex/values";

export const LOCAL_ISSUER_DEFAULT = "https://assay.local";

/** Subjects of tokens that workers and the command line carry; no person may have one. */
export const SERVICE_SUBJECT_PREFIX = "service:";

/** Subjects of tokens of machines outside the desk: they may do what their row allows and nothing else. */
export const API_SUBJECT_PREFIX = "api:";

/** What a machine's token may be allowed to do. */
export type Scope = "events:write";

export const vRole = v.union(v.literal("viewer"), v.literal("operator"), v.literal("admin"));
export type Role = "viewer" | "operator" | "admin";

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Whether `held` includes everything `needed` may do. */
export function roleAllows(held: Role, needed: Role): boolean {
  return RANK[held] >= RANK[needed];
}
