"use client";
import { useMutation, useQuery } from "convex/react";
import { Database } from "lucide-react";
import { useState } from "react";
import { DAYS_PROBLEM, DayRange, type Days, parseDays } from "@/components/domain/DayRange";
import { RequestForm } from "@/components/domain/RequestForm";
import { type Series, SeriesPicker, seriesKey } from "@/components/domain/SeriesPicker";
import { formatDay } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { Select } from "@/components/ui/Field";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { CORE_V1 } from "@/lib/features/coreV1";
import { FEATURE_SETS } from "@/lib/features/registry";
import { timeframeMs } from "@/lib/market/timeframe";
import { TIMEFRAMES, type Timeframe } from "@/lib/market/types";

const DAY_MS = 86_400_000;

export function BuildForm({ onRequested }: { onRequested: () => void }) {
  const series = useQuery(api.market.console.listSeries, {});
  if (series === undefined) return <SkeletonRows rows={6} />;
  if (series.length === 0) {
    return (
      <EmptyState
        title="No bars to build from"
        command="npm run -s assay -- import <file.csv.gz> --instrument XAUT-USDT --timeframe 1m --source file"
      />
    );
  }
  return <Form series={series} onRequested={onRequested} />;
}

function Form({ series, onRequested }: { series: Series[]; onRequested: () => void }) {
  const build = useSubmit(useMutation(api.datasets.console.requestBuild));
  const [key, setKey] = useState(() => seriesKey(series.find((row) => !row.simulated) ?? series[0]!));
  const [featureSetId, setFeatureSetId] = useState(CORE_V1.id);
  const [timeframe, setTimeframe] = useState<Timeframe>("15m");
  const [days, setDays] = useState<Days | null>(null);
  const chosen = series.find((row) => seriesKey(row) === key) ?? series[0]!;
  const range = days ?? {
    from: formatDay(chosen.firstOpenTimeMs + DAY_MS - 1),
    to: formatDay(Math.floor(chosen.lastOpenTimeMs / DAY_MS) * DAY_MS),
  };
  const coarser = TIMEFRAMES.filter((candidate) => timeframeMs(candidate) >= timeframeMs(chosen.timeframe));
  const submit = async () => {
    const chosenDays = parseDays(range);
    if (chosenDays === null) {
      build.setError(DAYS_PROBLEM);
      return;
    }
    const jobId = await build.submit({
      instrument: chosen.instrument,
      timeframe: coarser.includes(timeframe) ? timeframe : chosen.timeframe,
      source: chosen.source,
      sourceTimeframe: chosen.timeframe,
      ...chosenDays,
      featureSetId,
    });
    if (jobId !== undefined) onRequested();
  };
  return (
    <RequestForm
      onSubmit={submit}
      error={build.error}
      isBusy={build.isBusy}
      label={
        <>
          <Database aria-hidden /> Build
        </>
      }
    >
      <div className="col-span-2">
        <SeriesPicker
          series={series}
          value={key}
          onChange={(value) => {
            setKey(value);
            setDays(null);
          }}
        />
      </div>
      <Select
        label="Timeframe of the dataset"
        value={timeframe}
        onChange={setTimeframe}
        options={coarser.map((value) => ({ value, label: value }))}
      />
      <Select
        label="Feature set"
        value={featureSetId}
        onChange={setFeatureSetId}
        options={FEATURE_SETS.map(({ id, columns }) => ({
          value: id,
          label: `${id}, ${columns.length} columns`,
        }))}
      />
      <DayRange value={range} onChange={setDays} />
    </RequestForm>
  );
}
