/**
 * Owns paper accounts, orders, fills, the ledger and equity; the only writer of those tables. All money
 * moves through `advanceBar` of lib/broker. One mutation moves everything: no half state (W-03).
 */
import { ConvexError } from "convex/values";
import { initialAccount } from "../../lib/broker/account";
import { advanceBar } from "../../lib/broker/advanceBar";
import type { AccountState, BrokerEvent, CancelEvent, FillEvent, PendingOrder } from "../../lib/broker/types";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import type { Candle } from "../../lib/market/types";
import { clientOrderId } from "../../lib/order/clientOrderId";
import { type OrderEvent, type OrderState, transitionOrder } from "../../lib/order/stateMachine";
import type { RiskApproved } from "../../lib/risk/types";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { bookDeposit, bookEvents } from "./ledger";

const DAY_MS = 86_400_000;

type OrderDoc = Doc<"orders">;
type AccountDoc = Doc<"accounts">;

export async function requireAccount(ctx: QueryCtx, runId: Id<"runs">): Promise<AccountDoc> {
  const row = await ctx.db
    .query("accounts")
    .withIndex("by_run", (q) => q.eq("runId", runId))
    .unique();
  if (row === null) {
    throw new ConvexError(
      appError("NOT_READY", "This run has no account yet; the worker opens it when it starts", "runId"),
    );
  }
  return row;
}

/** Opens the run's account; repeating it changes nothing. */
export async function openAccount(
  ctx: MutationCtx,
  runId: Id<"runs">,
  settings: Pick<AccountDoc, "costs" | "rules" | "sizing" | "initialBalanceUsd">,
  timeMs: number,
): Promise<void> {
  const existing = await ctx.db
    .query("accounts")
    .withIndex("by_run", (q) => q.eq("runId", runId))
    .unique();
  if (existing !== null) return;
  await ctx.db.insert("accounts", {
    runId,
    ...settings,
    account: initialAccount(settings.initialBalanceUsd, timeMs),
    dayStartMs: Math.floor(timeMs / DAY_MS) * DAY_MS,
    dayStartEquityUsd: settings.initialBalanceUsd,
  });
  await bookDeposit(ctx, runId, timeMs, settings.initialBalanceUsd);
}

/** The account goes on under another model: its money stays, costs, rules and sizing become those it was trained with. */
export async function adoptSettings(
  ctx: MutationCtx,
  runId: Id<"runs">,
  settings: Pick<AccountDoc, "costs" | "rules" | "sizing">,
): Promise<void> {
  const { costs, rules, sizing } = settings;
  await ctx.db.patch((await requireAccount(ctx, runId))._id, { costs, rules, sizing });
}

async function openOrder(ctx: QueryCtx, runId: Id<"runs">): Promise<OrderDoc | null> {
  return ctx.db
    .query("orders")
    .withIndex("by_run_and_state", (q) => q.eq("runId", runId).eq("state", "accepted"))
    .first();
}

function nextState(state: OrderState, event: OrderEvent): OrderState {
  const next = transitionOrder(state, event);
  if (next === null) throw new Error(`invariant: order event ${event} is illegal in state ${state}`);
  return next;
}

/** What may be placed: an order that risk approved, or one that can only reduce. */
type PlaceableOrder = RiskApproved<PendingOrder> | (PendingOrder & { reduceOnly: true });

export interface PlacedOrder {
  order: PlaceableOrder;
  origin: OrderDoc["origin"];
  decisionId?: Id<"decisions">;
  barOpenTimeMs: number;
}

/**
 * Writes the intent and hands it to the paper venue in the same transaction: intended, sent, accepted. A
 * repeated clientOrderId returns the first row (O-04).
 */
export async function placePaperOrder(
  ctx: MutationCtx,
  runId: Id<"runs">,
  placed: PlacedOrder,
): Promise<Id<"orders">> {
  const { order, origin, decisionId, barOpenTimeMs } = placed;
  const existing = await ctx.db
    .query("orders")
    .withIndex("by_clientOrderId", (q) => q.eq("clientOrderId", order.clientOrderId))
    .unique();
  if (existing !== null) return existing._id;
  const now = Date.now();
  const state = nextState(nextState("intended", "send"), "accept");
  return ctx.db.insert("orders", {
    runId,
    decisionId,
    origin,
    clientOrderId: order.clientOrderId,
    qty: order.qty,
    reduceOnly: order.reduceOnly,
    stopPrice: order.stopPrice,
    state,
    filledQty: 0,
    averagePrice: 0,
    barOpenTimeMs,
    createdAtMs: now,
    updatedAtMs: now,
  });
}

/**
 * Cancels what has not filled yet, with the reason; `keep` spares an order that can only reduce. Answers
 * whether there was one to cancel.
 */
export async function cancelOpenOrder(
  ctx: MutationCtx,
  runId: Id<"runs">,
  reason: string,
  keep: "none" | "reducing" = "none",
): Promise<boolean> {
  const order = await openOrder(ctx, runId);
  if (order === null || (keep === "reducing" && order.reduceOnly)) return false;
  await ctx.db.patch(order._id, { state: nextState(order.state, "cancel"), reason, updatedAtMs: Date.now() });
  return true;
}

function fillsOf(events: BrokerEvent[], id: string): FillEvent[] {
  return events.filter((event): event is FillEvent => event.kind === "fill" && event.clientOrderId === id);
}

async function settleOrder(ctx: MutationCtx, order: OrderDoc, events: BrokerEvent[]): Promise<void> {
  const fills = fillsOf(events, order.clientOrderId);
  const cancel = events.find(
    (event): event is CancelEvent => event.kind === "cancel" && event.clientOrderId === order.clientOrderId,
  );
  let filledQty = 0;
  let value = 0;
  for (const fill of fills) {
    filledQty += fill.qty;
    value += fill.qty * fill.price;
  }
  let state: OrderState = order.state;
  if (fills.length > 0) state = nextState(state, cancel === undefined ? "fill" : "partialFill");
  if (cancel !== undefined) state = nextState(state, "cancel");
  await ctx.db.patch(order._id, {
    state,
    filledQty,
    averagePrice: filledQty === 0 ? 0 : value / filledQty,
    reason: cancel?.reason,
    updatedAtMs: Date.now(),
  });
}

async function recordFills(ctx: MutationCtx, runId: Id<"runs">, events: BrokerEvent[]): Promise<number> {
  let count = 0;
  for (const [index, event] of events.entries()) {
    if (event.kind !== "fill") continue;
    const { kind: _kind, ...fill } = event;
    await ctx.db.insert("fills", { runId, tradeId: `${runId}:${event.timeMs}:${index}`, ...fill });
    count += 1;
  }
  return count;
}

async function appendEquity(ctx: MutationCtx, runId: Id<"runs">, account: AccountState): Promise<void> {
  const last = await ctx.db
    .query("equityParts")
    .withIndex("by_run_and_part", (q) => q.eq("runId", runId))
    .order("desc")
    .first();
  const time = account.lastBarOpenTimeMs;
  if (last === null || last.timesMs.length >= LIMITS.equityPointsPerPart) {
    await ctx.db.insert("equityParts", {
      runId,
      part: last === null ? 0 : last.part + 1,
      timesMs: [time],
      equityUsd: [account.equityUsd],
      stopPrice: [account.stopPrice],
    });
    return;
  }
  await ctx.db.patch(last._id, {
    timesMs: [...last.timesMs, time],
    equityUsd: [...last.equityUsd, account.equityUsd],
    stopPrice: [...last.stopPrice, account.stopPrice],
  });
}

export interface Advanced {
  account: AccountState;
  fills: number;
}

/**
 * Applies one closed bar to the run's account: funding, the open order, stop, liquidation, mark. Funding is the settled
 * rate where `fundingRateAt` has one, else the cost model's.
 */
export async function applyBar(
  ctx: MutationCtx,
  runId: Id<"runs">,
  bar: Candle,
  fundingRateAt?: (timeMs: number) => number,
): Promise<Advanced> {
  const row = await requireAccount(ctx, runId);
  const { lastBarOpenTimeMs, markPrice } = row.account;
  // An account without a mark has seen no bar: the first may open at the account's own time.
  const isSeen =
    bar.openTimeMs < lastBarOpenTimeMs || (bar.openTimeMs === lastBarOpenTimeMs && markPrice !== 0);
  if (isSeen) {
    throw new ConvexError(
      appError(
        "CONFLICT",
        `Bar ${bar.openTimeMs} is not newer than the account's last bar ${lastBarOpenTimeMs}`,
        "bar",
      ),
    );
  }
  const order = await openOrder(ctx, runId);
  const pending: PendingOrder | null =
    order === null
      ? null
      : {
          clientOrderId: order.clientOrderId,
          qty: order.qty,
          reduceOnly: order.reduceOnly,
          stopPrice: order.stopPrice,
        };
  const { account, events } = advanceBar(row.account, pending, bar, row.costs, row.rules, fundingRateAt);
  if (order !== null) await settleOrder(ctx, order, events);
  const fills = await recordFills(ctx, runId, events);
  await bookEvents(ctx, runId, events);
  await appendEquity(ctx, runId, account);
  const dayStartMs = Math.floor(bar.openTimeMs / DAY_MS) * DAY_MS;
  const day = dayStartMs === row.dayStartMs ? {} : { dayStartMs, dayStartEquityUsd: row.account.equityUsd };
  await ctx.db.patch(row._id, { account, ...day });
  return { account, fills };
}

/**
 * Closes the run's position at its last mark, at once, with full costs: what the kill switch and a stopped
 * run do without waiting for the next bar or for a worker. Returns the number of fills.
 */
export async function flattenAtMark(
  ctx: MutationCtx,
  runId: Id<"runs">,
  origin: "killSwitch" | "stopRun",
): Promise<{ account: AccountState; fills: number } | null> {
  const row = await ctx.db
    .query("accounts")
    .withIndex("by_run", (q) => q.eq("runId", runId))
    .unique();
  if (row === null) return null;
  await cancelOpenOrder(ctx, runId, origin);
  const { account } = row;
  if (account.positionQty === 0) return { account, fills: 0 };
  const order = {
    clientOrderId: clientOrderId({ runId, barOpenTimeMs: account.lastBarOpenTimeMs, action: origin }),
    qty: -account.positionQty,
    reduceOnly: true as const,
    stopPrice: 0,
  };
  await placePaperOrder(ctx, runId, { order, origin, barOpenTimeMs: account.lastBarOpenTimeMs });
  const mark = account.markPrice;
  const instant = {
    openTimeMs: account.lastBarOpenTimeMs + 1,
    open: mark,
    high: mark,
    low: mark,
    close: mark,
    volume: 0,
  };
  return applyBar(ctx, runId, instant);
}

/** The run's newest fills, newest first; at most `limit`. */
export async function newestFills(ctx: QueryCtx, runId: Id<"runs">, limit: number): Promise<Doc<"fills">[]> {
  return ctx.db
    .query("fills")
    .withIndex("by_run_and_time", (q) => q.eq("runId", runId))
    .order("desc")
    .take(limit);
}

/** Orders of the run whose decision bar opened in (sinceMs, untilMs]. */
export async function countOrders(
  ctx: QueryCtx,
  runId: Id<"runs">,
  sinceMs: number,
  untilMs: number,
): Promise<number> {
  const rows = await ctx.db
    .query("orders")
    .withIndex("by_run_and_bar", (q) =>
      q.eq("runId", runId).gt("barOpenTimeMs", sinceMs).lte("barOpenTimeMs", untilMs),
    )
    .take(1_000);
  return rows.length;
}
