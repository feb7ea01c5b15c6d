"use client";
import { useConvex } from "convex/react";
import { useEffect, useState } from "react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import type { PricePoint } from "../charts/chartData";
import { usePacedQuery } from "../hooks/usePacedQuery";
import { isActive, type RunRow } from "./runView";

export interface EquitySeries {
  equity: PricePoint[];
  stop: PricePoint[];
}

type Account = { lastBarOpenTimeMs: number; equityUsd: number; stopPrice: number };

function append(series: EquitySeries, { lastBarOpenTimeMs, equityUsd, stopPrice }: Account): EquitySeries {
  const lastMs = series.equity.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY;
  if (lastBarOpenTimeMs <= lastMs) return series;
  return {
    equity: [...series.equity, { timeMs: lastBarOpenTimeMs, value: equityUsd }],
    stop: [...series.stop, { timeMs: lastBarOpenTimeMs, value: stopPrice }],
  };
}

/**
 * Equity and stop per bar. The history is read once; while the run is active only its account is subscribed
 * and each new bar is appended, so a long run costs no more per bar than a short one. When the run ends the
 * history is read again, which fills in bars that were skipped at full speed.
 */
export function useEquity(run: Pick<RunRow, "_id" | "status">): EquitySeries | undefined {
  const convex = useConvex();
  const runId: Id<"runs"> = run._id;
  const isRunning = isActive(run);
  const account = usePacedQuery(api.execution.console.account, { runId });
  const [series, setSeries] = useState<EquitySeries | undefined>(undefined);
  const [error, setError] = useState<unknown>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the end of the run asks for the history again
  useEffect(() => {
    let isStale = false;
    convex.query(api.execution.console.equity, { runId }).then(
      ({ timesMs, equityUsd, stopPrice }) => {
        if (isStale) return;
        const points = (values: number[]) => timesMs.map((timeMs, i) => ({ timeMs, value: values[i] ?? 0 }));
        setSeries({ equity: points(equityUsd), stop: points(stopPrice) });
      },
      (caught: unknown) => {
        if (!isStale) setError(caught);
      },
    );
    return () => {
      isStale = true;
    };
  }, [convex, runId, isRunning]);

  if (error !== null) throw error;
  if (series === undefined || !isRunning || !account) return series;
  const appended = append(series, account.account);
  // Adjusting state while rendering: `append` gives the same object back when there is nothing new.
  if (appended !== series) setSeries(appended);
  return appended;
}
