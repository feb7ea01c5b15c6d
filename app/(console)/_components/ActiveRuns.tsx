"use client";
import { ShieldAlert } from "lucide-react";
import Link from "next/link";
import { StatusChip } from "@/components/domain/chips";
import { isActive, type Run } from "@/components/domain/runView";
import { formatItems, formatSignedUsd } from "@/components/format";
import { LinkButton } from "@/components/ui/Button";
import { Chip } from "@/components/ui/Chip";
import { Change, ProgressBar } from "@/components/ui/Figures";
import { EmptyState } from "@/components/ui/States";

export function ActiveRuns({ runs }: { runs: readonly Run[] }) {
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
        <li key={run._id}>
          <Link href={`/runs/${run._id}`} className="flex flex-col gap-1.5 px-4 py-2.5 hover:bg-raised/60">
            <span className="flex flex-wrap items-center gap-2 text-[13px]">
              <span className="font-medium">{run.name}</span>
              <StatusChip status={run.status} />
              {run.breaker === undefined ? null : (
                <Chip tone="bad" icon={ShieldAlert}>
                  Breaker open
                </Chip>
              )}
              <span className="ml-auto">
                <Change value={run.equityUsd - run.initialBalanceUsd}>
                  {formatSignedUsd(run.equityUsd - run.initialBalanceUsd)}
                </Change>
              </span>
            </span>
            {run.totalBars ? (
              <ProgressBar fraction={run.bars / run.totalBars} label={`${run.name} progress`} />
            ) : null}
            <span className="text-[12px] text-faint">
              {formatItems(run.bars, "bar")}, {formatItems(run.decisions, "decision")},{" "}
              {formatItems(run.fills, "fill")}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
