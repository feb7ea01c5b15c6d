"use client";
import { ListChecks } from "lucide-react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { usePacedQuery } from "../hooks/usePacedQuery";
import { EmptyState, SkeletonRows } from "../ui/States";
import { DecisionTable } from "./decision/DecisionTable";

interface DecisionFeedProps {
  runId: Id<"runs">;
  rows?: number;
  openId: string | null;
  onOpen: (id: string) => void;
}

/** The newest decisions of a run as they are made. */
export function DecisionFeed({ runId, rows = 15, openId, onOpen }: DecisionFeedProps) {
  // Not the paginating hook: that one keeps its first page's end, so the page would grow with every bar.
  const newest = usePacedQuery(api.decisions.console.list, {
    runId,
    paginationOpts: { numItems: rows, cursor: null },
  });
  if (newest === undefined) return <SkeletonRows rows={8} />;
  if (newest.page.length === 0) {
    return (
      <EmptyState icon={ListChecks} title="No decision yet">
        The first closed bar of the run makes the first one.
      </EmptyState>
    );
  }
  return <DecisionTable rows={newest.page} openId={openId} onOpen={onOpen} isCompact maxHeight="420px" />;
}
