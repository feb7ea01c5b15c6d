/** Double-entry bookkeeping of one run. Rows only accumulate; the lines of each sum to zero. */
import type { BrokerEvent } from "../../lib/broker/types";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";

type Entry = Pick<Doc<"ledgerEntries">, "timeMs" | "kind" | "reference" | "lines">;

async function append(ctx: MutationCtx, runId: Id<"runs">, entries: Entry[]): Promise<void> {
  if (entries.length === 0) return;
  const last = await ctx.db
    .query("ledgerEntries")
    .withIndex("by_run_and_sequence", (q) => q.eq("runId", runId))
    .order("desc")
    .first();
  let sequence = last === null ? 0 : last.sequence + 1;
  for (const entry of entries) {
    await ctx.db.insert("ledgerEntries", { runId, sequence, ...entry });
    sequence += 1;
  }
}

export async function bookDeposit(
  ctx: MutationCtx,
  runId: Id<"runs">,
  timeMs: number,
  amountUsd: number,
): Promise<void> {
  await append(ctx, runId, [
    {
      timeMs,
      kind: "deposit",
      reference: "opening deposit",
      lines: [
        { account: "cash", amountUsd },
        { account: "capital", amountUsd: -amountUsd },
      ],
    },
  ]);
}

/** Fills and funding as ledger rows. The sum of `cash` over all rows is the account's balance. */
export async function bookEvents(ctx: MutationCtx, runId: Id<"runs">, events: BrokerEvent[]): Promise<void> {
  const entries: Entry[] = [];
  for (const event of events) {
    if (event.kind === "fill") {
      entries.push({
        timeMs: event.timeMs,
        kind: "fill",
        reference: event.clientOrderId,
        lines: [
          { account: "cash", amountUsd: event.realisedPnlUsd - event.feeUsd },
          { account: "realisedPnl", amountUsd: -event.realisedPnlUsd },
          { account: "fees", amountUsd: event.feeUsd },
        ],
      });
    } else if (event.kind === "funding") {
      entries.push({
        timeMs: event.timeMs,
        kind: "funding",
        reference: `funding ${event.timeMs}`,
        lines: [
          { account: "cash", amountUsd: -event.amountUsd },
          { account: "funding", amountUsd: event.amountUsd },
        ],
      });
    }
  }
  await append(ctx, runId, entries);
}
