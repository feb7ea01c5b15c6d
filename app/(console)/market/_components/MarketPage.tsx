"use client";
import { useQuery } from "convex/react";
import { CandlestickChart } from "lucide-react";
import { SimulatedTag } from "@/components/domain/chips";
import { GatewayNotice } from "@/components/domain/GatewayNotice";
import type { Series } from "@/components/domain/SeriesPicker";
import { useUrlState } from "@/components/hooks/useUrlState";
import { usePreferences } from "@/components/providers/PreferencesProvider";
import { Field, Select } from "@/components/ui/Field";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { isTimeframe, timeframeMs } from "@/lib/market/timeframe";
import { TIMEFRAMES, type Timeframe } from "@/lib/market/types";
import { CoverageTable } from "./CoverageTable";
import { FeedTable } from "./FeedTable";
import { GapLedger } from "./GapLedger";
import { IngestionTable } from "./IngestionTable";
import { MarketChart } from "./MarketChart";

/** What the desk knows of a market: bars, what is missing and why, and how they came here. */
export function MarketPage() {
  const series = useQuery(api.market.console.listSeries, {});
  if (series === undefined) return <SkeletonRows rows={12} />;
  return (
    <Page>
      <GatewayNotice />
      {series.length === 0 ? <NoBars /> : <Chosen series={series} />}
      <Panel flush title="Feeds" hint="funding, basis, open interest and events, as they count for features">
        <FeedTable />
      </Panel>
      <Panel flush title="Ingestion" hint="imports and feeds, newest first">
        <IngestionTable />
      </Panel>
    </Page>
  );
}

function NoBars() {
  return (
    <>
      <PageHeader title="Market" />
      <Panel>
        <EmptyState
          icon={CandlestickChart}
          title="No bars stored yet"
          command="npm run -s assay -- import <file.csv.gz> --instrument XAUT-USDT --timeframe 1m --source file"
        >
          Import a file of candles, or wait for the first bars of the local exchange. Header of the file:
          timestamp_ms,open,high,low,close,volume.
        </EmptyState>
      </Panel>
    </>
  );
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function Chosen({ series }: { series: Series[] }) {
  const { get, set } = useUrlState();
  const { candles, set: setPreference } = usePreferences();
  const runs = useQuery(api.runs.console.list, {});
  const instruments = unique(series.map((row) => row.instrument));
  const instrument = instruments.find((name) => name === get("instrument")) ?? instruments[0]!;
  const sources = unique(series.filter((row) => row.instrument === instrument).map((row) => row.source));
  const source = sources.find((name) => name === get("source")) ?? sources[0]!;
  const stored = series.filter((row) => row.instrument === instrument && row.source === source);
  const finest = stored.reduce((best, row) =>
    timeframeMs(row.timeframe) < timeframeMs(best.timeframe) ? row : best,
  );
  const viewable = TIMEFRAMES.filter((timeframe) => timeframeMs(timeframe) >= timeframeMs(finest.timeframe));
  const asked = get("timeframe") ?? "";
  const timeframe: Timeframe =
    isTimeframe(asked) && viewable.includes(asked)
      ? asked
      : viewable.includes("15m")
        ? "15m"
        : finest.timeframe;
  const overlays = (runs ?? []).filter((run) => run.instrument === instrument && run.source === source);
  const run = overlays.find((candidate) => candidate._id === get("run"));
  return (
    <>
      <PageHeader
        title={
          <span className="inline-flex flex-wrap items-center gap-2.5">
            Market {finest.simulated ? <SimulatedTag /> : null}
          </span>
        }
        actions={
          <>
            <Select
              isBare
              data-filter
              label="Instrument"
              value={instrument}
              onChange={(value) => set({ instrument: value, source: null, timeframe: null, run: null })}
              options={instruments.map((value) => ({ value, label: value }))}
            />
            <Select
              isBare
              label="Source"
              value={source}
              onChange={(value) => set({ source: value, timeframe: null, run: null })}
              options={sources.map((value) => ({
                value,
                label: series.find((row) => row.source === value)?.simulated ? `${value} (SIMULATED)` : value,
              }))}
            />
            <Select
              isBare
              label="Timeframe"
              value={timeframe}
              onChange={(value) => set({ timeframe: value })}
              options={viewable.map((value) => ({ value, label: value }))}
            />
            <Select
              isBare
              label="Overlay a run"
              value={run?._id ?? ""}
              onChange={(value) => set({ run: value })}
              options={[
                { value: "", label: "No run overlay" },
                ...overlays.map((candidate) => ({
                  value: candidate._id as string,
                  label: `${candidate.name}, ${candidate.status}`,
                })),
              ]}
            />
            <Select
              isBare
              label="Candle colours"
              value={candles}
              onChange={(value) => setPreference("candles", value)}
              options={[
                { value: "blueOrange", label: "Blue and orange" },
                { value: "greenRed", label: "Green and red" },
              ]}
            />
            <Field label="Until" className="flex-row items-center gap-2">
              <input
                className="field h-8 w-auto"
                type="date"
                value={get("until") ?? ""}
                onChange={(event) => set({ until: event.target.value })}
              />
            </Field>
          </>
        }
      />
      <MarketChart
        instrument={instrument}
        source={source}
        timeframe={timeframe}
        run={run}
        until={get("until")}
        isSimulated={finest.simulated}
      />
      <div className="grid min-w-0 grid-cols-1 items-start gap-4 xl:grid-cols-2">
        <Panel flush title="Series" hint="what is stored">
          <CoverageTable series={series} />
        </Panel>
        <Panel flush title="Gap ledger" hint={`${instrument} ${finest.timeframe}, ${source}`}>
          <GapLedger instrument={instrument} timeframe={finest.timeframe} source={source} />
        </Panel>
      </div>
    </>
  );
}
