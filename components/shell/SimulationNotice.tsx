"use client";
import { useQuery } from "convex/react";
import { FlaskConical } from "lucide-react";
import { api } from "@/convex/_generated/api";

/** At the foot of every page: what on this desk is not real. */
export function SimulationNotice() {
  const series = useQuery(api.market.console.listSeries, {});
  const isSimulated = series?.some((row) => row.simulated) ?? false;
  const sources = [...new Set(series?.filter((row) => row.simulated).map((row) => row.source) ?? [])];
  return (
    <footer className="flex flex-wrap items-center gap-x-5 gap-y-1 border-t border-line px-3 py-2.5 text-[12px] text-faint sm:px-5">
      <span>
        <strong className="font-medium text-soft">Paper venue:</strong> every fill, fee and position is
        computed here; no order leaves this machine.
      </span>
      {isSimulated ? (
        <span className="inline-flex items-center gap-1.5" data-testid="simulated-notice">
          <FlaskConical className="size-3.5 shrink-0 text-warn" aria-hidden />
          <span>
            <strong className="font-medium text-warn">SIMULATED</strong> market data from source{" "}
            {sources.join(", ")}: a local exchange, not a real market.
          </span>
        </span>
      ) : null}
      <a
        href="https://www.tradingview.com/lightweight-charts/"
        rel="noreferrer noopener"
        className="ml-auto hover:text-soft"
      >
        Charts: TradingView Lightweight Charts™
      </a>
    </footer>
  );
}
