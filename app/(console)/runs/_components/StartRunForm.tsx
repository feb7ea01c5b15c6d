"use client";
import { useMutation, useQuery } from "convex/react";
import { Play } from "lucide-react";
import { useMemo, useState } from "react";
import { DAYS_PROBLEM, DayRange, type Days, parseDays } from "@/components/domain/DayRange";
import { RequestForm } from "@/components/domain/RequestForm";
import { type Series, SeriesPicker, seriesKey } from "@/components/domain/SeriesPicker";
import { formatDay } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { LinkButton } from "@/components/ui/Button";
import { Select, TextField } from "@/components/ui/Field";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 14;

type Feed = "replay" | "live";

interface StartRunFormProps {
  versionId: string | null;
  onStarted: (runId: Id<"runs">) => void;
}

export function StartRunForm({ versionId, onStarted }: StartRunFormProps) {
  const series = useQuery(api.market.console.listSeries, {});
  if (series === undefined) return <SkeletonRows rows={6} />;
  if (series.length === 0) {
    return (
      <EmptyState
        title="No bars stored yet"
        command="npm run -s assay -- import <file.csv.gz> --instrument XAUT-USDT --timeframe 1m --source file"
        action={<LinkButton href="/market">Open Market</LinkButton>}
      >
        Import candles first; then a run can replay them.
      </EmptyState>
    );
  }
  return <Form series={series} initialVersionId={versionId} onStarted={onStarted} />;
}

interface FormProps {
  series: Series[];
  initialVersionId: string | null;
  onStarted: (runId: Id<"runs">) => void;
}

function Form({ series, initialVersionId, onStarted }: FormProps) {
  const start = useSubmit(useMutation(api.runs.console.start));
  const versions = useQuery(api.agents.console.list, {});
  const [feed, setFeed] = useState<Feed>("replay");
  const [key, setKey] = useState(() => seriesKey(series.find((row) => !row.simulated) ?? series[0]!));
  const [versionId, setVersionId] = useState(initialVersionId ?? "");
  const [speed, setSpeed] = useState("0");
  const [balance, setBalance] = useState("10000");
  const [days, setDays] = useState<Days | null>(null);

  const chosen = series.find((row) => seriesKey(row) === key) ?? series[0]!;
  const suggested = useMemo(() => {
    const toMs = Math.floor(chosen.lastOpenTimeMs / DAY_MS) * DAY_MS + DAY_MS;
    return {
      from: formatDay(Math.max(chosen.firstOpenTimeMs, toMs - DEFAULT_DAYS * DAY_MS)),
      to: formatDay(toMs),
    };
  }, [chosen]);
  const range = days ?? suggested;
  const runnable = (versions ?? []).filter(
    (version) => version.artifactSha256 !== undefined && version.instrument === chosen.instrument,
  );

  const submit = async () => {
    const chosenDays = parseDays(range);
    if (feed === "replay" && chosenDays === null) {
      start.setError(DAYS_PROBLEM);
      return;
    }
    const started = await start.submit({
      instrument: chosen.instrument,
      feed,
      source: chosen.source,
      sourceTimeframe: chosen.timeframe,
      speed: Number(speed),
      initialBalanceUsd: Number(balance),
      ...(feed === "replay" ? chosenDays : {}),
      ...(versionId === "" ? {} : { versionId: versionId as Id<"agentVersions"> }),
    });
    if (started !== undefined) onStarted(started.runId);
  };

  return (
    <RequestForm
      onSubmit={submit}
      error={start.error}
      isBusy={start.isBusy}
      label={
        <>
          <Play aria-hidden /> Start paper run
        </>
      }
      data-testid="start-run-submit"
    >
      <Select
        label="Feed"
        value={feed}
        onChange={setFeed}
        options={[
          { value: "replay", label: "Replay of stored bars" },
          { value: "live", label: "Live market" },
        ]}
        data-testid="run-feed"
      />
      <TextField
        label="Starting balance"
        hint="USD"
        inputMode="decimal"
        value={balance}
        onChange={setBalance}
      />
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
      {feed === "replay" ? (
        <>
          <DayRange value={range} onChange={setDays} testId="run" />
          <Select
            label="Speed"
            value={speed}
            onChange={setSpeed}
            options={[
              { value: "0", label: "As fast as possible" },
              { value: "3600", label: "3,600 ×: an hour per second" },
              { value: "900", label: "900 ×: a quarter hour per second" },
              { value: "60", label: "60 ×: a minute per second" },
              { value: "1", label: "Real time" },
            ]}
          />
        </>
      ) : null}
      <div className={feed === "replay" ? "" : "col-span-2"}>
        <Select
          label="Agent version"
          value={versionId}
          onChange={setVersionId}
          options={[
            { value: "", label: "Champion, else newest candidate" },
            ...runnable.map((version) => ({
              value: version._id as string,
              label: `${version.name} (${version.status})`,
            })),
          ]}
        />
      </div>
    </RequestForm>
  );
}
