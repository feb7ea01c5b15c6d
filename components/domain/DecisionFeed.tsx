"use client";
import { ListChecks } from "lucide-react";
import { EmptyState, SkeletonRows } from "../ui/States";
import { DecisionTable } from "./decision/DecisionTable";
import type { RunRow } from "./runView";
import { useNewestDecisions } from "./useNewestDecisions";

interface DecisionFeedProps {
  run: Pick<RunRow, "_id">;
  rows?: number;
  openId: string | null;
  onOpen: (id: string) => void;
}

/** The newest decisions of a run as they are made. */
export function DecisionFeed({ run, rows = 15, openId, onOpen }: DecisionFeedProps) {
  const newest = useNewestDecisions(run, rows);
  if (newest === undefined) return <SkeletonRows rows={8} />;
  if (newest.rows.length === 0) {
    return (
      <EmptyState icon={ListChecks} title="No decision yet">
        The first closed bar of the run makes the first one.
      </EmptyState>
    );
  }
  return <DecisionTable rows={newest.rows} openId={openId} onOpen={onOpen} isCompact maxHeight="420px" />;
}
