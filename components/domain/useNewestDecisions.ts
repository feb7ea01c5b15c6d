"use client";
import { api } from "@/convex/_generated/api";
import { usePacedQuery } from "../hooks/usePacedQuery";
import type { DecisionRow } from "./decision/DecisionTable";
import type { RunRow } from "./runView";

/** The newest decisions of a run, newest first, as they are made. */
export function useNewestDecisions(
  run: Pick<RunRow, "_id">,
  limit: number,
  outcome?: "order" | "hold",
): { rows: DecisionRow[]; hasOlder: boolean } | undefined {
  const rows = usePacedQuery(api.decisions.console.newest, {
    runId: run._id,
    limit,
    ...(outcome === undefined ? {} : { outcome }),
  });
  return rows === undefined ? undefined : { rows, hasOlder: rows.length >= limit };
}
