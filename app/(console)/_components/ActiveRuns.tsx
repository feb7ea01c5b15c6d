"use client";
import { ShieldAlert } from "lucide-react";
import Link from "next/link";
import { StatusChip } from "@/components/domain/chips";
import { isActive, type RunRow } from "@/components/domain/runView";
import { useLiveRun } from "@/components/domain/useLiveRun";
import { formatItems, formatSignedUsd } from "@/components/format";
import { LinkButton } from "@/components/ui/Button";
import { Chip } from "@/components/ui/Chip";
import { Change, ProgressBar } from "@/components/ui/Figures";
import { EmptyState } from "@/components/ui/States";

export function ActiveRuns({ runs }: { runs: readonly RunRow[] }) {
  const active = runs.filter(isActive);
  if (active.length === 0) {
    return (
      <EmptyState
        title="No run is active"
        action={
          <LinkButton size="sm" href="/runs?start=1">
            Start a run
          </LinkButton>
        }
      >
        The last run has ended; its decisions stay open to replay.
      </EmptyState>
    );
  }
  return (
    <ul className="divide-y divide-line/60">
      {active.map((run) => (
        <ActiveRun key={run._id} row={run} />
      ))}
    </ul>
  );
}

function ActiveRun({ row }: { row: RunRow }) {
  const run = useLiveRun(row);
  const pnlUsd = run === undefined ? null : run.equityUsd - run.initialBalanceUsd;
  return (
    <li>
      <Link href={`/runs/${row._id}`} className="flex flex-col gap-1.5 px-4 py-2.5 hover:bg-raised/60">
        <span className="flex flex-wrap items-center gap-2 text-[13px]">
          <span className="font-medium">{row.name}</span>
          <StatusChip status={row.status} />
          {row.breaker === undefined ? null : (
            <Chip tone="bad" icon={ShieldAlert}>
              Breaker open
            </Chip>
          )}
          <span className="ml-auto">
            {pnlUsd === null ? null : <Change value={pnlUsd}>{formatSignedUsd(pnlUsd)}</Change>}
          </span>
        </span>
        {row.totalBars ? (
          <ProgressBar fraction={(run?.bars ?? 0) / row.totalBars} label={`${row.name} progress`} />
        ) : null}
        <span className="text-[12px] text-faint">
          {formatItems(run?.bars, "bar")}, {formatItems(run?.decisions, "decision")},{" "}
          {formatItems(run?.fills, "fill")}
        </span>
      </Link>
    </li>
  );
}
