"use client";
import { useConvex, useQuery } from "convex/react";
import { useState } from "react";
import { When } from "@/components/domain/Age";
import { SideChip } from "@/components/domain/chips";
import {
  baseOf,
  formatDuration,
  formatPrice,
  formatSignedUsd,
  formatSize,
  formatUsd,
  words,
} from "@/components/format";
import { Button } from "@/components/ui/Button";
import { DataTable } from "@/components/ui/DataTable";
import { ExportButtons } from "@/components/ui/ExportButtons";
import { Change } from "@/components/ui/Figures";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { LIMITS } from "@/lib/contract/limits";
import { partsAsPages } from "@/lib/export/rows";

interface TradesTableProps {
  evaluationId: Id<"evaluations">;
  instrument: string;
}

export function TradesTable({ evaluationId, instrument }: TradesTableProps) {
  const [part, setPart] = useState(0);
  const convex = useConvex();
  const trades = useQuery(api.evaluations.console.trades, { evaluationId, part });
  if (trades === undefined) return <SkeletonRows rows={6} />;
  if (trades.length === 0 && part === 0)
    return <EmptyState title="No trade">The policy never left its position.</EmptyState>;
  const base = baseOf(instrument);
  return (
    <>
      <div className="flex justify-end border-b border-line px-3 py-1.5">
        <ExportButtons
          name={`evaluation-${evaluationId}-trades`}
          kind="trades"
          read={partsAsPages(
            (number) => convex.query(api.evaluations.console.trades, { evaluationId, part: number }),
            LIMITS.tradesPerPart,
          )}
        />
      </div>
      <DataTable
        caption="Trades, oldest first"
        rows={trades}
        rowKey={(trade) => `${trade.entryTimeMs}-${trade.exitTimeMs}-${trade.qty}`}
        maxHeight="460px"
        columns={[
          { id: "entry", header: "Entry", lead: true, cell: (trade) => <When atMs={trade.entryTimeMs} /> },
          { id: "side", header: "Side", cell: (trade) => <SideChip qty={trade.side === "long" ? 1 : -1} /> },
          {
            id: "qty",
            header: "Quantity",
            numeric: true,
            cell: (trade) => formatSize(trade.qty, base),
          },
          { id: "in", header: "Entry price", numeric: true, cell: (trade) => formatPrice(trade.entryPrice) },
          { id: "out", header: "Exit price", numeric: true, cell: (trade) => formatPrice(trade.exitPrice) },
          {
            id: "held",
            header: "Held",
            numeric: true,
            cell: (trade) => formatDuration(trade.exitTimeMs - trade.entryTimeMs),
          },
          {
            id: "reason",
            header: "Exit",
            cell: (trade) => <span className="text-soft">{words(trade.exitReason)}</span>,
          },
          {
            id: "costs",
            header: "Costs",
            numeric: true,
            cell: (trade) => formatUsd(trade.feesUsd + trade.slippageUsd + trade.fundingUsd),
          },
          {
            id: "pnl",
            header: "PnL",
            numeric: true,
            cell: (trade) => <Change value={trade.pnlUsd}>{formatSignedUsd(trade.pnlUsd)}</Change>,
          },
        ]}
      />
      {part > 0 || trades.length === LIMITS.tradesPerPart ? (
        <div className="flex justify-end gap-2 border-t border-line px-4 py-2.5">
          <Button size="sm" disabled={part === 0} onClick={() => setPart(part - 1)}>
            Older
          </Button>
          <Button size="sm" disabled={trades.length < LIMITS.tradesPerPart} onClick={() => setPart(part + 1)}>
            Newer
          </Button>
        </div>
      ) : null}
    </>
  );
}
