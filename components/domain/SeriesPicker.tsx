"use client";
import type { FunctionReturnType } from "convex/server";
import type { api } from "@/convex/_generated/api";
import { formatDay } from "../format";
import { Select } from "../ui/Field";

export type Series = FunctionReturnType<typeof api.market.console.listSeries>[number];

export function seriesKey(series: Pick<Series, "instrument" | "timeframe" | "source">): string {
  return `${series.instrument}|${series.timeframe}|${series.source}`;
}

function label(series: Series): string {
  const tag = series.simulated ? ", SIMULATED" : "";
  return `${series.instrument} ${series.timeframe}, ${series.source}${tag} (${formatDay(series.firstOpenTimeMs)} to ${formatDay(series.lastOpenTimeMs)})`;
}

interface SeriesPickerProps {
  label?: string;
  series: readonly Series[];
  value: string;
  onChange: (key: string) => void;
}

/** One stored series of bars: what it is, where it came from and what it covers. */
export function SeriesPicker({ label: title = "Bars from", series, value, onChange }: SeriesPickerProps) {
  return (
    <Select
      label={title}
      value={value}
      onChange={onChange}
      options={series.map((row) => ({ value: seriesKey(row), label: label(row) }))}
    />
  );
}
