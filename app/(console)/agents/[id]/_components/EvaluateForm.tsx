"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { FlaskRound } from "lucide-react";
import { useState } from "react";
import { DAYS_PROBLEM, DayRange, type Days, parseDays } from "@/components/domain/DayRange";
import { RequestForm } from "@/components/domain/RequestForm";
import { SeriesPicker, seriesKey } from "@/components/domain/SeriesPicker";
import { formatDay, parseDay } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

const DAY_MS = 86_400_000;
type Version = FunctionReturnType<typeof api.agents.console.get>;

interface EvaluateFormProps {
  version: Version;
  onRequested: () => void;
}

/** Proposes the bars after the training data, because a policy must not be judged on what it saw. */
export function EvaluateForm({ version, onRequested }: EvaluateFormProps) {
  const allSeries = useQuery(api.market.console.listSeries, {});
  const dataset = useQuery(api.datasets.console.get, { datasetId: version.datasetId });
  const request = useSubmit(useMutation(api.evaluations.console.request));
  const [key, setKey] = useState<string | null>(null);
  const [days, setDays] = useState<Days | null>(null);
  if (allSeries === undefined || dataset === undefined) return <SkeletonRows rows={5} />;
  const series = allSeries.filter((row) => row.instrument === version.instrument);
  const chosen =
    series.find((row) => seriesKey(row) === key) ??
    series.find((row) => row.source === dataset.source) ??
    series[0];
  if (chosen === undefined) return <EmptyState title={`No bars of ${version.instrument} stored`} />;
  const range = days ?? {
    from: formatDay(dataset.toMs),
    to: formatDay(Math.floor(chosen.lastOpenTimeMs / DAY_MS) * DAY_MS + DAY_MS),
  };
  const seesTraining =
    (parseDay(range.from) ?? Number.POSITIVE_INFINITY) < dataset.toMs && chosen.source === dataset.source;
  const submit = async () => {
    const chosenDays = parseDays(range);
    if (chosenDays === null) {
      request.setError(DAYS_PROBLEM);
      return;
    }
    const jobId = await request.submit({
      versionId: version._id,
      source: chosen.source,
      sourceTimeframe: chosen.timeframe,
      ...chosenDays,
    });
    if (jobId !== undefined) onRequested();
  };
  return (
    <RequestForm
      onSubmit={submit}
      error={request.error}
      isBusy={request.isBusy}
      note={
        seesTraining ? (
          <p className="text-[12px] text-warn">
            This range overlaps the training data (up to {formatDay(dataset.toMs)}): the result will look
            better than it is.
          </p>
        ) : null
      }
      label={
        <>
          <FlaskRound aria-hidden /> Evaluate
        </>
      }
      data-testid="evaluate-submit"
    >
      <div className="col-span-2">
        <SeriesPicker series={series} value={seriesKey(chosen)} onChange={setKey} />
      </div>
      <DayRange value={range} onChange={setDays} />
    </RequestForm>
  );
}
