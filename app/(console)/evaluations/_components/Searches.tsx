"use client";
import { useQuery } from "convex/react";
import { SlidersHorizontal } from "lucide-react";
import { useRouter } from "next/navigation";
import { Age } from "@/components/domain/Age";
import { StatusChip } from "@/components/domain/chips";
import { showOverrides } from "@/components/domain/walkForward/view";
import { formatCompact, formatNumber } from "@/components/format";
import { DataTable } from "@/components/ui/DataTable";
import { Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

export function Searches() {
  const searches = useQuery(api.searches.console.list, {});
  const router = useRouter();
  return (
    <Panel flush>
      {searches === undefined ? <SkeletonRows rows={6} /> : null}
      {searches?.length === 0 ? (
        <EmptyState
          icon={SlidersHorizontal}
          title="No search yet"
          command="npm run -s assay -- search start --dataset <id> --range learningRate=log:1e-5:1e-2"
        >
          A search draws configurations from ranges, walks each forward and lets the best go on longer.
        </EmptyState>
      ) : null}
      {searches !== undefined && searches.length > 0 ? (
        <DataTable
          caption="Searches, newest first"
          rows={searches}
          rowKey={(row) => row._id}
          onOpen={(row) => router.push(`/evaluations/search/${row._id}`)}
          rowTestId="search-row"
          columns={[
            {
              id: "what",
              header: "Search",
              lead: true,
              cell: (row) => (
                <span className="font-medium">
                  {row.algorithm.toUpperCase()} over {row.ranges.map(({ name }) => name).join(", ")}
                </span>
              ),
            },
            { id: "status", header: "Status", cell: (row) => <StatusChip status={row.status} /> },
            { id: "market", header: "Market", cell: (row) => `${row.instrument} ${row.timeframe}` },
            {
              id: "rung",
              header: "Rung",
              numeric: true,
              cell: (row) => `${row.rung + 1} of ${row.ladder.length}`,
            },
            {
              id: "best",
              header: "Best Sharpe a day",
              numeric: true,
              cell: (row) => formatNumber(row.best?.sharpePerDay, 3),
            },
            {
              id: "configuration",
              header: "Best configuration",
              wide: true,
              className: "sm:max-w-[420px] sm:truncate",
              cell: (row) =>
                row.best === undefined
                  ? "—"
                  : `${showOverrides(row.best.hyperparameters)} at ${formatCompact(row.best.steps)} steps`,
            },
            {
              id: "created",
              header: "Asked for",
              numeric: true,
              cell: (row) => <Age atMs={row.createdAtMs} className="text-faint" />,
            },
          ]}
        />
      ) : null}
    </Panel>
  );
}
