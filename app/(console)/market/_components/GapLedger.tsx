"use client";
import { useQuery } from "convex/react";
import { CheckCircle2, MoonStar, TriangleAlert } from "lucide-react";
import { When } from "@/components/domain/Age";
import { formatCount, formatDuration } from "@/components/format";
import { Chip } from "@/components/ui/Chip";
import { DataTable } from "@/components/ui/DataTable";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Timeframe } from "@/lib/market/types";

const CAUSES = { weekend: "Weekend", dailyBreak: "Daily break", missing: "Missing" } as const;

interface GapLedgerProps {
  instrument: string;
  timeframe: Timeframe;
  source: string;
}

/** Every hole between stored bars, with its cause; nothing is ever filled in silence. */
export function GapLedger({ instrument, timeframe, source }: GapLedgerProps) {
  const gaps = useQuery(api.market.console.listGaps, { instrument, timeframe, source });
  if (gaps === undefined) return <SkeletonRows rows={6} />;
  if (gaps.length === 0) {
    return (
      <EmptyState icon={CheckCircle2} title="No gap on record">
        Every bar that the calendar expects is stored.
      </EmptyState>
    );
  }
  return (
    <DataTable
      caption="Gaps, newest first"
      rows={gaps}
      rowKey={(gap) => String(gap.fromMs)}
      maxHeight="360px"
      columns={[
        { id: "from", header: "First missing bar", lead: true, cell: (gap) => <When atMs={gap.fromMs} /> },
        { id: "to", header: "Next bar", cell: (gap) => <When atMs={gap.toMs} /> },
        {
          id: "length",
          header: "Length",
          numeric: true,
          cell: (gap) => formatDuration(gap.toMs - gap.fromMs),
        },
        { id: "bars", header: "Bars", numeric: true, cell: (gap) => formatCount(gap.missingBars) },
        {
          id: "cause",
          header: "Cause",
          cell: (gap) => (
            <Chip
              tone={gap.cause === "missing" ? "warn" : "neutral"}
              icon={gap.cause === "missing" ? TriangleAlert : MoonStar}
            >
              {CAUSES[gap.cause]}
            </Chip>
          ),
        },
      ]}
    />
  );
}
