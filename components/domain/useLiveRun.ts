"use client";
import { api } from "@/convex/_generated/api";
import { usePacedQuery } from "../hooks/usePacedQuery";
import type { Run, RunRow } from "./runView";

/**
 * The run with what its bars change: subscribed by itself while the run is active, so that a bar sends a few
 * figures and not the run, or the list it stands in. Undefined until the first figures are here.
 */
export function useLiveRun(row: RunRow | undefined): Run | undefined {
  const isLive = row !== undefined && row.progress === null;
  const live = usePacedQuery(api.runs.console.progress, isLive ? { runId: row._id } : "skip");
  const progress = row?.progress ?? live;
  return row === undefined || progress === undefined ? undefined : { ...row, ...progress };
}
