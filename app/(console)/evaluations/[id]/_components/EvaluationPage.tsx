"use client";
import { useQuery } from "convex/react";
import Link from "next/link";
import { useMemo } from "react";
import { drawdownOf } from "@/components/charts/chartData";
import { LineFigure } from "@/components/charts/LineFigure";
import { TableTwin } from "@/components/charts/TableTwin";
import { SimulatedTag } from "@/components/domain/chips";
import { GateList } from "@/components/domain/GateList";
import {
  baseOf,
  formatCount,
  formatDay,
  formatNumber,
  formatPercent,
  formatQty,
  formatSignedPercent,
  formatSignedUsd,
  formatTime,
  formatUsd,
} from "@/components/format";
import { usePreferences } from "@/components/providers/PreferencesProvider";
import { Chip } from "@/components/ui/Chip";
import { Hash } from "@/components/ui/CopyText";
import { Change, Facts, Figure } from "@/components/ui/Figures";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { BaselineTable } from "./BaselineTable";
import { CostSplit } from "./CostSplit";
import { TradesTable } from "./TradesTable";

/** Is this better than luck, and than doing nothing. */
export function EvaluationPage({ evaluationId }: { evaluationId: Id<"evaluations"> }) {
  const evaluation = useQuery(api.evaluations.console.get, { evaluationId });
  if (evaluation === undefined) return <SkeletonRows rows={12} />;
  const { performance, initialBalanceUsd } = evaluation;
  const passed = evaluation.gates.filter((gate) => gate.passed).length;
  return (
    <Page>
      <PageHeader
        title={
          <span className="inline-flex flex-wrap items-center gap-2.5">
            Evaluation of{" "}
            <Link href={`/agents/${evaluation.versionId}`} className="underline underline-offset-4">
              {evaluation.versionName}
            </Link>
            {evaluation.simulated ? <SimulatedTag /> : null}
          </span>
        }
        lead={`${evaluation.instrument} ${evaluation.timeframe}, ${evaluation.source}, ${formatDay(evaluation.fromMs)} to ${formatDay(evaluation.toMs)}, ${formatCount(evaluation.bars)} bars`}
        actions={
          <Chip tone={passed === evaluation.gates.length ? "ok" : "bad"}>
            {passed} of {evaluation.gates.length} gates pass
          </Chip>
        }
      />
      <section aria-label="Result" className="rounded-lg border border-line bg-panel p-4">
        <dl className="grid grid-cols-2 gap-x-4 gap-y-3.5 sm:grid-cols-3 lg:grid-cols-6">
          <Figure label="Net PnL" note={formatSignedPercent(performance.netPnlUsd / initialBalanceUsd)}>
            <Change value={performance.netPnlUsd}>{formatSignedUsd(performance.netPnlUsd)}</Change>
          </Figure>
          <Figure label="Sharpe" note={performance.sharpe.convention}>
            {formatNumber(performance.sharpe.value)}
          </Figure>
          <Figure label="Max drawdown" note="below the peak">
            {formatPercent(performance.maxDrawdownFraction)}
          </Figure>
          <Figure label="Trades" note={`${formatPercent(performance.winRate, 1)} won`}>
            {formatCount(performance.tradeCount)}
          </Figure>
          <Figure label="Turnover" note="traded over mean equity">
            {formatNumber(performance.turnover, 1)} ×
          </Figure>
          <Figure label="Trials" note={`${formatCount(evaluation.trialCount)} when it was made`}>
            {formatCount(evaluation.trialsNow)}
          </Figure>
        </dl>
      </section>
      <Panel title="Equity" hint="marked at each bar's close, net of costs">
        <EquityCurve
          evaluationId={evaluationId}
          initialBalanceUsd={initialBalanceUsd}
          instrument={evaluation.instrument}
        />
      </Panel>
      <div className="grid min-w-0 grid-cols-1 items-start gap-4 xl:grid-cols-[minmax(0,1.45fr)_minmax(0,1fr)]">
        <Panel flush title="Beside the baselines" hint="same bars, same costs">
          <BaselineTable evaluation={evaluation} />
        </Panel>
        <div className="flex min-w-0 flex-col gap-4">
          <Panel title="Gates" hint="as they stand now: more trials make them stricter">
            <GateList gates={evaluation.gates} />
          </Panel>
          <Panel title="Cost split">
            <CostSplit performance={performance} />
          </Panel>
        </div>
      </div>
      <Panel flush title="Trades" hint="as stored; the server computed the figures from these">
        <TradesTable evaluationId={evaluationId} instrument={evaluation.instrument} />
      </Panel>
      <Panel title="Made from">
        <Facts
          rows={[
            ["Artifact", <Hash key="a" value={evaluation.artifactSha256} />],
            ["Dataset", <Hash key="d" value={evaluation.datasetHash} />],
            ["Environment", <Hash key="e" value={evaluation.environmentHash} />],
            ["Cost model", evaluation.costModelId],
            ["Sharpe convention", performance.sharpe.convention],
            ["Start balance", formatUsd(initialBalanceUsd)],
            [
              "Action mix",
              `short ${formatPercent(evaluation.actionMix.short, 0)}, flat ${formatPercent(evaluation.actionMix.flat, 0)}, long ${formatPercent(evaluation.actionMix.long, 0)}`,
            ],
            ["Policy entropy", `${formatNumber(evaluation.entropy, 3)} nats`],
          ]}
        />
      </Panel>
    </Page>
  );
}

interface EquityCurveProps {
  evaluationId: Id<"evaluations">;
  initialBalanceUsd: number;
  instrument: string;
}

function EquityCurve({ evaluationId, initialBalanceUsd, instrument }: EquityCurveProps) {
  const equity = useQuery(api.evaluations.console.equity, { evaluationId });
  const { zone } = usePreferences();
  const points = useMemo(
    () => (equity?.openTimesMs ?? []).map((timeMs, i) => ({ timeMs, value: equity!.equityUsd[i]! })),
    [equity],
  );
  const drawdown = useMemo(() => drawdownOf(points), [points]);
  if (equity === undefined) return <SkeletonRows rows={8} />;
  const last = points.at(-1)?.value;
  const time = (value: number) => formatTime(value, zone);
  return (
    <>
      <LineFigure
        label={`Equity from ${formatUsd(initialBalanceUsd)} to ${formatUsd(last)}`}
        lines={[{ name: "Equity, USD", color: "var(--gold)", points, area: true }]}
        baseline={{ value: initialBalanceUsd, label: "start balance" }}
        formatY={(value) => formatNumber(value, 0)}
        formatX={time}
        heightPx={220}
      />
      <LineFigure
        label="Drawdown below the peak"
        lines={[{ name: "Drawdown", color: "var(--down)", points: drawdown, area: true }]}
        formatY={(value) => formatPercent(value, 1)}
        formatX={time}
        heightPx={96}
        className="mt-3"
      />
      <div className="-mx-4 -mb-4 mt-3">
        <TableTwin
          caption="Equity per bar"
          rows={points.map((point, i) => ({ ...point, qty: equity.positionQty[i] ?? 0 }))}
          rowKey={(row) => String(row.timeMs)}
          columns={[
            { id: "time", header: "Bar", lead: true, cell: (row) => time(row.timeMs) },
            { id: "equity", header: "Equity", numeric: true, cell: (row) => formatUsd(row.value) },
            {
              id: "qty",
              header: "Position",
              numeric: true,
              cell: (row) => formatQty(row.qty, baseOf(instrument)),
            },
          ]}
        />
      </div>
    </>
  );
}
