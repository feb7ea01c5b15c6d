"use client";
import { Age } from "@/components/domain/Age";
import { SimulatedTag } from "@/components/domain/chips";
import { type Series, seriesKey } from "@/components/domain/SeriesPicker";
import { formatCount, formatDay } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { DataTable } from "@/components/ui/DataTable";

/** Each stored series with its span; opening a row shows it in the chart. */
export function CoverageTable({ series }: { series: Series[] }) {
  const { set } = useUrlState();
  return (
    <DataTable
      caption="Stored series of candles"
      rows={series}
      rowKey={seriesKey}
      onOpen={(row) =>
        set({ instrument: row.instrument, source: row.source, timeframe: row.timeframe, run: null })
      }
      columns={[
        {
          id: "series",
          header: "Series",
          lead: true,
          cell: (row) => (
            <span className="inline-flex flex-wrap items-center gap-2">
              <span className="font-medium">
                {row.instrument} {row.timeframe}
              </span>
              {row.simulated ? <SimulatedTag /> : <span className="text-faint">{row.source}</span>}
            </span>
          ),
        },
        { id: "rows", header: "Bars", numeric: true, cell: (row) => formatCount(row.rows) },
        {
          id: "span",
          header: "Span",
          wide: true,
          cell: (row) => `${formatDay(row.firstOpenTimeMs)} to ${formatDay(row.lastOpenTimeMs)}`,
        },
        { id: "calendar", header: "Hours", cell: (row) => (row.calendar === "metals" ? "metals" : "24/7") },
        {
          id: "updated",
          header: "Updated",
          numeric: true,
          cell: (row) => <Age atMs={row.updatedAtMs} className="text-faint" />,
        },
      ]}
    />
  );
}
