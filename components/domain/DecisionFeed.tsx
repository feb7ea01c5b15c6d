"use client";
import { usePaginatedQuery } from "convex/react";
import { ListChecks } from "lucide-react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
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
  const { results, status } = usePaginatedQuery(
    api.decisions.console.list,
    { runId },
    { initialNumItems: rows },
  );
  if (status === "LoadingFirstPage") return <SkeletonRows rows={8} />;
  if (results.length === 0) {
    return (
      <EmptyState icon={ListChecks} title="No decision yet">
        The first closed bar of the run makes the first one.
      </EmptyState>
    );
  }
  // A live first page grows at its head; the panel keeps its size.
  return (
    <DecisionTable
      rows={results.slice(0, rows)}
      openId={openId}
      onOpen={onOpen}
      isCompact
      maxHeight="420px"
    />
  );
}
