"use client";
import { useState } from "react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { usePacedQuery } from "../hooks/usePacedQuery";
import type { DecisionRow } from "./decision/DecisionTable";
import type { Run } from "./runView";

/** New decisions after which the first page is asked for anew. */
const GENERATION = 25;

interface Kept {
  runId: Id<"runs">;
  outcome: "order" | "hold" | undefined;
  rows: DecisionRow[];
}

/**
 * The newest decisions of a run, newest first, as they are made. A live first page keeps the end that it began
 * with, so it grows with every decision; asking under a new pagination id every so often keeps it short, and
 * the rows at hand stay until the new ones are there.
 */
export function useNewestDecisions(
  run: Pick<Run, "_id" | "decisions">,
  limit: number,
  outcome?: "order" | "hold",
): { rows: DecisionRow[]; hasOlder: boolean } | undefined {
  const runId = run._id;
  const result = usePacedQuery(api.decisions.console.list, {
    runId,
    ...(outcome === undefined ? {} : { outcome }),
    paginationOpts: { numItems: limit, cursor: null, id: Math.floor(run.decisions / GENERATION) },
  });
  const [kept, setKept] = useState<Kept | null>(null);
  const fresh = result?.page;
  if (fresh !== undefined && kept?.rows !== fresh) setKept({ runId, outcome, rows: fresh });
  const rows = fresh ?? (kept?.runId === runId && kept.outcome === outcome ? kept.rows : undefined);
  if (rows === undefined) return undefined;
  return { rows: rows.slice(0, limit), hasOlder: rows.length >= limit };
}
