import { PassChip } from "@/components/domain/chips";
import {
  formatCount,
  formatItems,
  formatNumber,
  formatPercent,
  formatSignedUsd,
  words,
} from "@/components/format";
import { Change, Facts } from "@/components/ui/Figures";
import { Panel } from "@/components/ui/Panel";
import type { WalkForward } from "./WalkForwardPage";

interface ChecksProps {
  row: WalkForward;
  summary: NonNullable<WalkForward["summary"]>;
}

/** What could show the result to be false: costs, a late decision, the probes, and how often somebody tried. */
export function Checks({ row, summary }: ChecksProps) {
  const { overfitting, trialCount, sharpeVariance } = row.ledger;
  const allowance = row.gates.find(({ gate }) => gate === "walkForwardDsr");
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <Panel flush title="Stress" hint="the same policies under other conditions">
        <div className="overflow-x-auto">
          <table className="datatable">
            <caption className="sr-only">Net PnL under multiplied costs and with late decisions</caption>
            <thead>
              <tr>
                <th scope="col">Condition</th>
                <th scope="col" className="num">
                  Median seed
                </th>
                <th scope="col" className="num">
                  Worst seed
                </th>
              </tr>
            </thead>
            <tbody>
              {summary.stress.map(({ costMultiplier, medianNetPnlUsd, worstNetPnlUsd }) => (
                <tr key={costMultiplier}>
                  <td>Costs × {costMultiplier}</td>
                  <td className="num">
                    <Change value={medianNetPnlUsd}>{formatSignedUsd(medianNetPnlUsd, 0)}</Change>
                  </td>
                  <td className="num">
                    <Change value={worstNetPnlUsd}>{formatSignedUsd(worstNetPnlUsd, 0)}</Change>
                  </td>
                </tr>
              ))}
              <tr>
                <td>One bar late</td>
                <td className="num" colSpan={2}>
                  {summary.lagKeptFraction === null ? (
                    <span className="text-soft">no edge to keep</span>
                  ) : (
                    `${formatPercent(summary.lagKeptFraction, 0)} of the edge kept`
                  )}
                </td>
              </tr>
            </tbody>
          </table>
        </div>
      </Panel>
      <Panel title="Probes" hint={row.plan.probes ? undefined : "left out of this walk-forward"}>
        {row.probes.length === 0 ? (
          <p className="text-[13px] text-soft">None was run, so the gate of the probes fails.</p>
        ) : (
          <ul className="divide-y divide-line/60">
            {row.probes.map(({ probe, passed, sentence, warning }) => (
              <li key={probe} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2 text-[13px]">
                <PassChip passed={passed} />
                <span className="font-medium">{words(probe)}</span>
                <span className="w-full text-[12px] text-faint">{sentence}</span>
                {warning === undefined ? null : (
                  <span className="w-full text-[12px] text-warn">Note: {warning}</span>
                )}
              </li>
            ))}
          </ul>
        )}
      </Panel>
      <Panel title="Trial ledger" hint="no trial can be taken back">
        {allowance === undefined ? null : (
          <p className="mb-2 text-[13px]" data-testid="trial-allowance">
            {allowance.sentence}
          </p>
        )}
        <Facts
          rows={[
            ["Trials counted", formatCount(trialCount)],
            ["Variance of the trials' daily Sharpe", formatNumber(sharpeVariance, 5)],
            ["Configurations compared", formatItems(overfitting.configurations, "configuration")],
            [
              "Probability of overfitting (CSCV)",
              overfitting.pbo === null ? "needs two configurations" : formatPercent(overfitting.pbo, 1),
            ],
            ["Mean action entropy", `${formatNumber(summary.entropy, 3)} nats`],
            ["Calibration error", formatPercent(summary.calibrationError, 1)],
          ]}
        />
      </Panel>
    </div>
  );
}
