"use client";
import { useMemo } from "react";
import { drawdownOf, type PricePoint } from "@/components/charts/chartData";
import { LineFigure } from "@/components/charts/LineFigure";
import { TableTwin } from "@/components/charts/TableTwin";
import type { Run } from "@/components/domain/runView";
import { useEquity } from "@/components/domain/useEquity";
import { formatNumber, formatPercent, formatSignedUsd, formatTime, formatUsd } from "@/components/format";
import { usePreferences } from "@/components/providers/PreferencesProvider";
import { Change, Figure, FigureGrid } from "@/components/ui/Figures";
import { EmptyState, SkeletonRows } from "@/components/ui/States";

const NO_POINTS: readonly PricePoint[] = [];

/** Equity against its start, and how deep it went below its peak. */
export function EquityPanel({ run }: { run: Run }) {
  const history = useEquity(run);
  const { zone } = usePreferences();
  const points = history?.equity ?? NO_POINTS;
  const drawdown = useMemo(() => drawdownOf(points), [points]);
  if (history === undefined) return <SkeletonRows rows={8} />;
  if (points.length === 0)
    return <EmptyState title="No bar yet">Equity is marked at each closed bar.</EmptyState>;
  const pnlUsd = run.equityUsd - run.initialBalanceUsd;
  const deepest = drawdown.reduce((low, point) => Math.min(low, point.value), 0);
  const time = (value: number) => formatTime(value, zone);
  return (
    <div className="flex flex-col gap-4">
      <FigureGrid>
        <Figure label="Equity" note={`from ${formatUsd(run.initialBalanceUsd, 0)}`}>
          {formatUsd(run.equityUsd)}
        </Figure>
        <Figure label="Net PnL" note="after fees, slippage, funding">
          <Change value={pnlUsd}>{formatSignedUsd(pnlUsd)}</Change>
        </Figure>
        <Figure label="Drawdown now" note="below its peak">
          {formatPercent(drawdown.at(-1)?.value)}
        </Figure>
        <Figure label="Deepest drawdown" note="of this run">
          {formatPercent(deepest)}
        </Figure>
      </FigureGrid>
      <LineFigure
        label={`Equity of ${run.name}: ${formatUsd(run.equityUsd)}, ${formatSignedUsd(pnlUsd)} since the start`}
        lines={[{ name: "Equity, USD", color: "var(--gold)", points, area: true }]}
        baseline={{ value: run.initialBalanceUsd, label: "starting balance" }}
        formatY={(value) => formatNumber(value, 0)}
        formatX={time}
        heightPx={190}
      />
      <LineFigure
        label={`Drawdown of ${run.name}: deepest ${formatPercent(deepest)}`}
        lines={[{ name: "Drawdown", color: "var(--down)", points: drawdown, area: true }]}
        formatY={(value) => formatPercent(value, 1)}
        formatX={time}
        heightPx={96}
      />
      <div className="-mx-4 -mb-4">
        <TableTwin
          caption="Equity per bar"
          rows={points}
          rowKey={(point) => String(point.timeMs)}
          columns={[
            { id: "time", header: "Bar", lead: true, cell: (point) => time(point.timeMs) },
            { id: "equity", header: "Equity", numeric: true, cell: (point) => formatUsd(point.value) },
          ]}
        />
      </div>
    </div>
  );
}
