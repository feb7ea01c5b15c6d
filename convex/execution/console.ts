/** Money for people: account, orders, fills, ledger and equity of a run. */
import { type PaginationOptions, paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { liquidationPrice } from "../../lib/broker/liquidation";
import { LIMITS } from "../../lib/contract/limits";
import { viewerQuery } from "../builders";
import { accountFields, equityFields, fillFields, ledgerFields, orderFields } from "./schema";

const vFill = v.object({ ...fillFields, _id: v.id("fills"), _creationTime: v.number() });
const vOrder = v.object({ ...orderFields, _id: v.id("orders") });
const vLedgerRow = v.object({ ...ledgerFields, _id: v.id("ledgerEntries"), _creationTime: v.number() });

export const account = viewerQuery({
  args: { runId: v.id("runs") },
  returns: v.union(v.null(), v.object({ ...accountFields, liquidationPrice: v.number() })),
  handler: async (ctx, { runId }) => {
    const row = await ctx.db
      .query("accounts")
      .withIndex("by_run", (q) => q.eq("runId", runId))
      .unique();
    if (row === null) return null;
    const { _id, _creationTime, ...fields } = row;
    return { ...fields, liquidationPrice: liquidationPrice(row.account, row.costs) };
  },
});

/** Newest orders first. */
export const orders = viewerQuery({
  args: { runId: v.id("runs"), limit: v.optional(v.number()) },
  returns: v.array(vOrder),
  handler: async (ctx, { runId, limit }) => {
    const rows = await ctx.db
      .query("orders")
      .withIndex("by_run_and_bar", (q) => q.eq("runId", runId))
      .order("desc")
      .take(Math.max(1, Math.min(limit ?? 50, 1_000)));
    return rows.map(({ _creationTime, ...fields }) => fields);
  },
});

/** Newest fills first, at most 2,000: enough for the chart's markers. */
export const fills = viewerQuery({
  args: { runId: v.id("runs"), limit: v.optional(v.number()) },
  returns: v.array(vFill),
  handler: (ctx, { runId, limit }) =>
    ctx.db
      .query("fills")
      .withIndex("by_run_and_time", (q) => q.eq("runId", runId))
      .order("desc")
      .take(Math.max(1, Math.min(limit ?? 200, 2_000))),
});

const pageArgs = { runId: v.id("runs"), paginationOpts: paginationOptsValidator };
const bounded = (options: PaginationOptions) => ({
  ...options,
  numItems: Math.min(options.numItems, LIMITS.pageSize),
});

/** Every order of a run, newest first, page by page. */
export const orderPages = viewerQuery({
  args: pageArgs,
  returns: paginationResultValidator(vOrder),
  handler: async (ctx, { runId, paginationOpts }) => {
    const result = await ctx.db
      .query("orders")
      .withIndex("by_run_and_bar", (q) => q.eq("runId", runId))
      .order("desc")
      .paginate(bounded(paginationOpts));
    return { ...result, page: result.page.map(({ _creationTime, ...fields }) => fields) };
  },
});

/** Every fill of a run, newest first, page by page. */
export const fillPages = viewerQuery({
  args: pageArgs,
  returns: paginationResultValidator(vFill),
  handler: (ctx, { runId, paginationOpts }) =>
    ctx.db
      .query("fills")
      .withIndex("by_run_and_time", (q) => q.eq("runId", runId))
      .order("desc")
      .paginate(bounded(paginationOpts)),
});

export const ledger = viewerQuery({
  args: pageArgs,
  returns: paginationResultValidator(vLedgerRow),
  handler: (ctx, { runId, paginationOpts }) =>
    ctx.db
      .query("ledgerEntries")
      .withIndex("by_run_and_sequence", (q) => q.eq("runId", runId))
      .order("desc")
      .paginate(bounded(paginationOpts)),
});

/** Equity and stop per bar, oldest first; the newest 5,000 bars. */
export const equity = viewerQuery({
  args: { runId: v.id("runs") },
  returns: v.object({
    timesMs: equityFields.timesMs,
    equityUsd: equityFields.equityUsd,
    stopPrice: equityFields.stopPrice,
  }),
  handler: async (ctx, { runId }) => {
    const parts = await ctx.db
      .query("equityParts")
      .withIndex("by_run_and_part", (q) => q.eq("runId", runId))
      .order("desc")
      .take(5_000 / LIMITS.equityPointsPerPart);
    parts.reverse();
    return {
      timesMs: parts.flatMap((part) => part.timesMs),
      equityUsd: parts.flatMap((part) => part.equityUsd),
      stopPrice: parts.flatMap((part) => part.stopPrice),
    };
  },
});
