"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Activity, BellRing, Check } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Age, When } from "@/components/domain/Age";
import { StatusChip } from "@/components/domain/chips";
import { actorName, formatLatency, formatNumber, words } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Chip } from "@/components/ui/Chip";
import { ConfirmDialog } from "@/components/ui/ConfirmDialog";
import { DataTable } from "@/components/ui/DataTable";
import { Select } from "@/components/ui/Field";
import { Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { INSTRUMENTS } from "@/lib/market/instruments";
import { HeatMap } from "./HeatMap";

type Alert = FunctionReturnType<typeof api.drift.console.alerts>[number];

/** Is the world still the training world: alerts with what was done, and which feature moved when. */
export function Drift() {
  const { get, set } = useUrlState();
  const instrument = INSTRUMENTS.find(({ symbol }) => symbol === get("instrument")) ?? INSTRUMENTS[0]!;
  const heatMap = useQuery(api.drift.console.heatMap, { instrument: instrument.symbol });
  return (
    <>
      <Panel
        flush
        title="Watched runs"
        hint="live runs are watched unless the policy of their market says otherwise"
      >
        <Watching />
      </Panel>
      <Panel flush title="Alerts" hint="each change of level, with what was done in the same moment">
        <Alerts />
      </Panel>
      <Panel
        title="Features by day"
        hint="PSI against the training bars, the day's largest; newest day first"
        actions={
          <Select
            isBare
            data-filter
            label="Instrument"
            value={instrument.symbol}
            onChange={(value) => set({ instrument: value })}
            options={INSTRUMENTS.map(({ symbol }) => ({ value: symbol, label: symbol }))}
          />
        }
      >
        {heatMap === undefined ? <SkeletonRows rows={8} /> : null}
        {heatMap?.features.length === 0 ? (
          <EmptyState icon={Activity} title="No check yet">
            A watched run is checked once its window of bars is full.
          </EmptyState>
        ) : null}
        {heatMap !== undefined && heatMap.features.length > 0 ? <HeatMap data={heatMap} /> : null}
      </Panel>
    </>
  );
}

function Watching() {
  const runs = useQuery(api.drift.console.watching, {});
  if (runs === undefined) return <SkeletonRows rows={2} />;
  if (runs.length === 0) {
    return (
      <EmptyState icon={Activity} title="No active run">
        A live run is watched from its first full window of bars on.
      </EmptyState>
    );
  }
  return (
    <DataTable
      caption="Active runs, and whether they are watched for drift"
      rows={runs}
      rowKey={(row) => row.runId}
      rowTestId="drift-watching"
      columns={[
        {
          id: "run",
          header: "Run",
          lead: true,
          cell: (row) => (
            <Link href={`/runs/${row.runId}`} className="underline underline-offset-4">
              {row.name}
            </Link>
          ),
        },
        {
          id: "state",
          header: "Watched",
          cell: (row) => (
            <span className="inline-flex flex-wrap items-center gap-2">
              <Chip tone={row.isOn ? "ok" : "warn"}>{row.isOn ? "on" : "off"}</Chip>
              <span className="text-[12px] text-faint">
                since <When atMs={row.sinceMs} />
              </span>
            </span>
          ),
        },
        {
          id: "actions",
          header: "A warning, severe drift",
          cell: (row) => `${words(row.onWarning)}, ${words(row.onSevere)}`,
        },
        {
          id: "level",
          header: "Level",
          cell: (row) => (row.level === null ? "not checked yet" : <StatusChip status={row.level} />),
        },
        {
          id: "checked",
          header: "Last check",
          numeric: true,
          cell: (row) => (row.checkedAtMs === null ? "none" : <Age atMs={row.checkedAtMs} />),
        },
      ]}
    />
  );
}

function Alerts() {
  const alerts = useQuery(api.drift.console.alerts, {});
  const acknowledge = useMutation(api.drift.console.acknowledge);
  const refusal = useRefusal("operator");
  const [chosen, setChosen] = useState<Alert | null>(null);
  if (alerts === undefined) return <SkeletonRows rows={4} />;
  if (alerts.length === 0) {
    return (
      <EmptyState icon={BellRing} title="No alert">
        No watched run has left the world it was trained in.
      </EmptyState>
    );
  }
  return (
    <>
      <DataTable
        caption="Drift alerts, newest first"
        rows={alerts}
        rowKey={(row) => row._id}
        rowTestId="drift-alert"
        maxHeight="420px"
        columns={[
          {
            id: "level",
            header: "Level",
            lead: true,
            cell: (row) => (
              <span className="inline-flex flex-wrap items-center gap-2">
                <StatusChip status={row.level} />
                <span className="text-[12px] text-faint">was {row.fromLevel}</span>
              </span>
            ),
          },
          {
            id: "run",
            header: "Run of",
            cell: (row) => (
              <Link href={`/runs/${row.runId}`} className="underline underline-offset-4">
                {row.versionName}
              </Link>
            ),
          },
          { id: "score", header: "Score", numeric: true, cell: (row) => formatNumber(row.score) },
          {
            id: "sentence",
            header: "What moved",
            wide: true,
            className: "sm:max-w-[520px] sm:whitespace-normal",
            cell: (row) => (
              <span>
                {row.sentence}{" "}
                <span className="text-soft">
                  {row.action === "none" ? "" : `${words(row.action)}: `}
                  {row.actionSentence}
                </span>
              </span>
            ),
          },
          {
            id: "acted",
            header: "Acted within",
            numeric: true,
            cell: (row) => formatLatency(row.actedAtMs - row.detectedAtMs),
          },
          {
            id: "at",
            header: "When",
            numeric: true,
            cell: (row) => <Age atMs={row.detectedAtMs} className="text-faint" />,
          },
          {
            id: "do",
            header: "Do",
            numeric: true,
            cell: (row) =>
              row.acknowledgedBy === undefined ? (
                <Button
                  size="sm"
                  disabled={refusal !== null}
                  title={refusal ?? undefined}
                  onClick={() => setChosen(row)}
                  data-testid="acknowledge"
                >
                  <Check aria-hidden /> Acknowledge
                </Button>
              ) : (
                <span className="text-[12px] text-faint" title={row.note}>
                  seen by {actorName(row.acknowledgedBy)}
                </span>
              ),
          },
        ]}
      />
      {chosen === null ? null : (
        <ConfirmDialog
          open
          onOpenChange={(open) => {
            if (!open) setChosen(null);
          }}
          title="Acknowledge this alert"
          tone="primary"
          asksReason
          confirmLabel="Acknowledge"
          onConfirm={(note) => acknowledge({ alertId: chosen._id, note })}
          consequence={
            <p>
              {chosen.sentence} What was done stays in force until the level falls; this only says that you
              saw it.
            </p>
          }
        />
      )}
    </>
  );
}
