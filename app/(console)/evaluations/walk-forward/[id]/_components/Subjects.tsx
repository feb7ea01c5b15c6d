import type { ReactNode } from "react";
import { subjectName } from "@/components/domain/walkForward/view";
import {
  formatCount,
  formatNumber,
  formatPercent,
  formatSignedPercent,
  formatSignedUsd,
} from "@/components/format";
import { Chip } from "@/components/ui/Chip";
import { type Column, DataTable } from "@/components/ui/DataTable";
import { Change } from "@/components/ui/Figures";
import { Panel } from "@/components/ui/Panel";
import type { WalkForward } from "./WalkForwardPage";

type Summary = NonNullable<WalkForward["summary"]>;
type Series = Summary["seeds"][number];

/** Every seed, the champion and the baselines over all folds together. */
export function Subjects({ summary }: { summary: Summary }) {
  const { seeds, champion, baselines, medianSubject } = summary;
  const pOf = new Map(summary.superiority.map(({ against, pConsistent }) => [against, pConsistent]));
  const figure = (id: string, header: string, cell: (row: Series) => ReactNode): Column<Series> => ({
    id,
    header,
    numeric: true,
    cell,
  });
  return (
    <Panel
      flush
      title="Seeds and rivals"
      hint="all folds together, Sharpe of daily returns annualised; p is Hansen's, that the median seed is no better than the rival"
    >
      <DataTable
        caption="Seeds, champion and baselines over all folds"
        rows={[...seeds, ...(champion === null ? [] : [champion]), ...baselines]}
        rowKey={(row) => row.subject}
        columns={[
          {
            id: "subject",
            header: "Subject",
            lead: true,
            cell: (row) => (
              <span className="inline-flex items-center gap-2 font-medium">
                {subjectName(row.subject)}
                {row.subject === medianSubject ? <Chip tone="gold">median</Chip> : null}
              </span>
            ),
          },
          figure("pnl", "Net PnL", (row) => (
            <Change value={row.netPnlUsd}>{formatSignedUsd(row.netPnlUsd)}</Change>
          )),
          figure("return", "Return", (row) => formatSignedPercent(row.netReturnFraction)),
          figure("sharpe", "Sharpe", (row) => (
            <span title={row.sharpe.convention}>{formatNumber(row.sharpe.annualised)}</span>
          )),
          figure("drawdown", "Max drawdown", (row) => formatPercent(row.maxDrawdownFraction)),
          figure("trades", "Trades", (row) => formatCount(row.tradeCount)),
          figure("win", "Win rate", (row) => formatPercent(row.winRate, 1)),
          figure("liquidations", "Liquidations", (row) => formatCount(row.liquidations)),
          figure("p", "Superiority p", (row) =>
            pOf.has(row.subject) ? (
              formatNumber(pOf.get(row.subject), 3)
            ) : (
              <span className="text-faint">candidate</span>
            ),
          ),
        ]}
      />
    </Panel>
  );
}
