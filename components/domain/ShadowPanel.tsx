"use client";
import { useQuery } from "convex/react";
import { useMemo } from "react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { LineFigure } from "../charts/LineFigure";
import { TableTwin } from "../charts/TableTwin";
import { formatCount, formatNumber, formatSignedPercent, formatTime, formatUsd } from "../format";
import { usePacedQuery } from "../hooks/usePacedQuery";
import { usePreferences } from "../providers/PreferencesProvider";
import { Figure } from "../ui/Figures";
import { Panel } from "../ui/Panel";
import { EmptyState, SkeletonRows } from "../ui/States";
import { StatusChip } from "./chips";

const toBps = (fraction: number) => fraction * 10_000;
const bps = (fraction: number) => `${formatNumber(toBps(fraction), 3)} bps`;

interface ShadowPanelProps {
  shadowId: Id<"shadows">;
  title: string;
}

/** A challenger beside the champion on live bars: the running difference and the interval that may be read at any time. */
export function ShadowPanel({ shadowId, title }: ShadowPanelProps) {
  const shadow = useQuery(api.shadows.console.get, { shadowId });
  if (shadow === undefined) {
    return (
      <Panel title={title}>
        <SkeletonRows rows={6} />
      </Panel>
    );
  }
  const { count, clipped } = shadow.sequence;
  const isVerdictDue = count >= shadow.policy.minBars;
  return (
    <Panel
      title={title}
      hint={shadow.sentence}
      actions={<StatusChip status={shadow.status} />}
      data-testid="shadow"
    >
      <dl className="mb-4 grid grid-cols-2 gap-x-4 gap-y-3.5 sm:grid-cols-3 lg:grid-cols-6">
        <Figure label="Difference a bar" note="challenger minus champion">
          {count === 0 ? "—" : bps(shadow.mean)}
        </Figure>
        <Figure
          label="Interval"
          note={`misses ever with probability ${formatNumber(shadow.policy.alpha, 2)} at most`}
        >
          {count === 0
            ? "—"
            : `${formatNumber(toBps(shadow.lower), 2)} to ${formatNumber(toBps(shadow.upper), 2)} bps`}
        </Figure>
        <Figure
          label="Bars"
          note={
            isVerdictDue
              ? `undecided ends at ${formatCount(shadow.policy.maxBars)}`
              : `verdict from ${formatCount(shadow.policy.minBars)} on`
          }
        >
          {formatCount(count)}
        </Figure>
        <Figure label="Decisions" note={`${formatCount(clipped)} bars cut to the bound`}>
          {formatCount(shadow.decisions)}
        </Figure>
        <Figure label="Ghost equity" note="no order leaves it">
          {formatUsd(shadow.account?.equityUsd)}
        </Figure>
        <Figure label="Champion equity" note="on the same bars">
          {formatUsd(shadow.championEquityUsd)}
        </Figure>
      </dl>
      <Difference shadowId={shadowId} policy={shadow.policy} />
    </Panel>
  );
}

interface DifferenceProps {
  shadowId: Id<"shadows">;
  policy: { tolerance: number; minBars: number };
}

function Difference({ shadowId, policy }: DifferenceProps) {
  const series = usePacedQuery(api.shadows.console.difference, { shadowId });
  const { zone } = usePreferences();
  const rows = useMemo(
    () =>
      (series?.timesMs ?? []).map((timeMs, i) => ({
        timeMs,
        mean: toBps(series!.mean[i]!),
        lower: toBps(series!.lower[i]!),
        upper: toBps(series!.upper[i]!),
        champion: series!.championReturn[i]!,
        challenger: series!.challengerReturn[i]!,
      })),
    [series],
  );
  if (series === undefined) return <SkeletonRows rows={6} />;
  if (rows.length === 0) {
    return (
      <EmptyState title="No bar compared yet">
        The shadow moves with a run of the champion; start or resume one on this market.
      </EmptyState>
    );
  }
  // The first intervals are as wide as the bound and would flatten all that follows; the table has them.
  const drawn = rows.slice(Math.min(Math.floor(policy.minBars / 2), Math.floor(rows.length / 5)));
  const line = (name: string, key: "mean" | "lower" | "upper", color: string, dashed: boolean) => ({
    name,
    color,
    dashed,
    points: drawn.map((row) => ({ timeMs: row.timeMs, value: row[key] })),
  });
  const last = rows.at(-1)!;
  return (
    <>
      <LineFigure
        label={`Mean difference ${formatNumber(last.mean, 3)} bps a bar, interval ${formatNumber(last.lower, 2)} to ${formatNumber(last.upper, 2)}`}
        lines={[
          line("Upper bound", "upper", "var(--info)", true),
          line("Lower bound", "lower", "var(--info)", true),
          line("Mean difference", "mean", "var(--gold)", false),
        ]}
        baseline={{ value: -toBps(policy.tolerance), label: "the challenger may be this much worse" }}
        formatY={(value) => `${formatNumber(value, 2)} bps`}
        formatX={(value) => formatTime(value, zone)}
        heightPx={220}
      />
      <div className="-mx-4 mt-3 -mb-4">
        <TableTwin
          caption="Returns bar by bar"
          rows={rows}
          rowKey={(row) => String(row.timeMs)}
          columns={[
            { id: "time", header: "Bar", lead: true, cell: (row) => formatTime(row.timeMs, zone) },
            {
              id: "champion",
              header: "Champion",
              numeric: true,
              cell: (row) => formatSignedPercent(row.champion, 3),
            },
            {
              id: "challenger",
              header: "Challenger",
              numeric: true,
              cell: (row) => formatSignedPercent(row.challenger, 3),
            },
            {
              id: "interval",
              header: "Interval, bps",
              numeric: true,
              cell: (row) => `${formatNumber(row.lower, 2)} to ${formatNumber(row.upper, 2)}`,
            },
          ]}
        />
      </div>
    </>
  );
}
