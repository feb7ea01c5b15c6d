"use client";
import { ArrowDownLeft, ArrowUpRight } from "lucide-react";
import { When } from "@/components/domain/Age";
import { StatusChip } from "@/components/domain/chips";
import { type RunRow, tradeLimit } from "@/components/domain/runView";
import {
  baseOf,
  formatNumber,
  formatPrice,
  formatQty,
  formatSignedUsd,
  formatUsd,
} from "@/components/format";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { Chip } from "@/components/ui/Chip";
import { Change } from "@/components/ui/Figures";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

const SHOWN = 60;
const ORIGINS = { decision: "decision", killSwitch: "kill switch", stopRun: "end of run" } as const;

interface OrderTimelineProps {
  run: RunRow;
  onDecision: (id: string) => void;
}

/** Each order with what became of it; fills that no order asked for (stops, liquidations) stand between them. */
export function OrderTimeline({ run, onDecision }: OrderTimelineProps) {
  const limit = tradeLimit(run);
  const newest = usePacedQuery(api.execution.console.orders, { runId: run._id, limit });
  const fills = usePacedQuery(api.execution.console.fills, { runId: run._id, limit });
  if (newest === undefined || fills === undefined) return <SkeletonRows rows={8} />;
  const orders = newest.slice(0, SHOWN);
  if (orders.length === 0)
    return (
      <EmptyState title="No order yet">A decision that leaves its target makes the first one.</EmptyState>
    );
  const base = baseOf(run.instrument);
  const oldestMs = orders.at(-1)!.barOpenTimeMs;
  const unasked = fills.filter((fill) => fill.reason !== "order" && fill.timeMs >= oldestMs);
  const entries = [
    ...orders.map((order) => ({ kind: "order" as const, timeMs: order.barOpenTimeMs, order })),
    ...unasked.map((fill) => ({ kind: "fill" as const, timeMs: fill.timeMs, fill })),
  ].sort((a, b) => b.timeMs - a.timeMs);
  return (
    <ol className="max-h-[420px] divide-y divide-line/60 overflow-y-auto" data-testid="order-timeline">
      {entries.map((entry) => {
        if (entry.kind === "fill") {
          const { fill } = entry;
          return (
            <li key={fill._id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 text-[13px]">
              <span className="text-faint">
                <When atMs={fill.timeMs} />
              </span>
              <Chip tone={fill.reason === "liquidation" ? "bad" : "warn"}>
                {fill.reason === "stop" ? "Stop hit" : "Liquidated"}
              </Chip>
              <span>
                {formatQty(fill.qty, base)} at {formatPrice(fill.price)}
              </span>
              <span className="ml-auto">
                <Change value={fill.realisedPnlUsd}>{formatSignedUsd(fill.realisedPnlUsd)}</Change>
              </span>
            </li>
          );
        }
        const { order } = entry;
        const fill = fills.find(
          (candidate) => candidate.clientOrderId === order.clientOrderId && candidate.reason === "order",
        );
        const slipBps = fill
          ? (fill.slippageUsd / (Math.abs(fill.qty) * fill.referencePrice)) * 10_000
          : null;
        const Icon = order.qty > 0 ? ArrowUpRight : ArrowDownLeft;
        return (
          <li
            key={order._id}
            className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 text-[13px]"
            data-testid="order-row"
          >
            <span className="text-faint">
              <When atMs={order.barOpenTimeMs} />
            </span>
            <span
              className={
                order.qty > 0
                  ? "inline-flex items-center gap-1 text-up"
                  : "inline-flex items-center gap-1 text-down"
              }
            >
              <Icon className="size-3.5" aria-hidden />
              {order.qty > 0 ? "Buy" : "Sell"}
            </span>
            <span>{formatQty(order.qty, base)}</span>
            {order.averagePrice > 0 ? <span>at {formatPrice(order.averagePrice)}</span> : null}
            <StatusChip status={order.state} />
            {order.origin !== "decision" ? <Chip tone="warn">{ORIGINS[order.origin]}</Chip> : null}
            <span className="flex min-h-[18px] w-full items-center justify-end gap-3 text-[12px] text-faint">
              {fill ? (
                <span title="Fee, and slippage against the bar's open">
                  fee {formatUsd(fill.feeUsd)}, slip {formatNumber(slipBps)} bps
                </span>
              ) : null}
              {order.reason ? <span>{order.reason}</span> : null}
              {order.decisionId !== undefined ? (
                <button
                  type="button"
                  className="underline underline-offset-4 hover:text-ink"
                  onClick={() => onDecision(order.decisionId!)}
                >
                  why
                </button>
              ) : null}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
