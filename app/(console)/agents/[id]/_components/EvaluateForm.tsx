"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { FlaskRound } from "lucide-react";
import { type FormEvent, useState } from "react";
import { SeriesPicker, seriesKey } from "@/components/domain/SeriesPicker";
import { formatDay, parseDay } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Field } from "@/components/ui/Field";
import { EmptyState, InlineError, SkeletonRows } from "@/components/ui/States";
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
  const refusal = useRefusal("operator");
  const [key, setKey] = useState<string | null>(null);
  const [days, setDays] = useState<{ from: string; to: string } | null>(null);
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
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const fromMs = parseDay(range.from);
    const toMs = parseDay(range.to);
    if (fromMs === null || toMs === null) {
      request.setError("Give both days as yyyy-mm-dd");
      return;
    }
    const jobId = await request.submit({
      versionId: version._id,
      source: chosen.source,
      sourceTimeframe: chosen.timeframe,
      fromMs,
      toMs,
    });
    if (jobId !== undefined) onRequested();
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-2 gap-3.5 p-4">
      <div className="col-span-2">
        <SeriesPicker series={series} value={seriesKey(chosen)} onChange={setKey} />
      </div>
      <Field label="From" hint="UTC day">
        <input
          className="field"
          type="date"
          value={range.from}
          onChange={(event) => setDays({ ...range, from: event.target.value })}
        />
      </Field>
      <Field label="To" hint="UTC day, not included">
        <input
          className="field"
          type="date"
          value={range.to}
          onChange={(event) => setDays({ ...range, to: event.target.value })}
        />
      </Field>
      <div className="col-span-2 flex flex-col gap-3">
        {seesTraining ? (
          <p className="text-[12px] text-warn">
            This range overlaps the training data (up to {formatDay(dataset.toMs)}): the result will look
            better than it is.
          </p>
        ) : null}
        <InlineError message={request.error ?? refusal} />
        <Button
          type="submit"
          tone="primary"
          busy={request.isBusy}
          disabled={refusal !== null}
          className="self-end"
          data-testid="evaluate-submit"
        >
          <FlaskRound aria-hidden /> Evaluate
        </Button>
      </div>
    </form>
  );
}
