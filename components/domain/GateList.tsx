import { formatFigure, words } from "../format";
import { PassChip } from "./chips";

/** Names that a quant knows better than their words. */
const NAMES: Record<string, string> = {
  minDsr: "deflated Sharpe (DSR)",
  walkForward: "folds",
  walkForwardNetPnl: "out-of-sample net PnL",
  walkForwardCosts: "net PnL under cost stress",
  walkForwardDsr: "deflated Sharpe (DSR)",
  walkForwardPbo: "probability of overfitting (PBO)",
  walkForwardSpa: "superiority over rivals (SPA)",
  walkForwardLiquidations: "liquidations",
  lagProbe: "one bar late",
};

export interface Gate {
  gate: string;
  passed: boolean;
  value: number | null;
  threshold: number;
  sentence: string;
}

/** Each gate of a promotion with its value, its threshold and a sentence that says what it means. */
export function GateList({ gates }: { gates: readonly Gate[] }) {
  if (gates.length === 0) return <p className="text-[13px] text-soft">No gate could be computed yet.</p>;
  return (
    <ul className="divide-y divide-line/60" data-testid="gates">
      {gates.map((gate) => (
        <li
          key={`${gate.gate} ${gate.sentence}`}
          className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2 text-[13px]"
        >
          <PassChip passed={gate.passed} />
          <span className="font-medium">{NAMES[gate.gate] ?? words(gate.gate)}</span>
          <span className="ml-auto font-mono text-[12px]">
            {formatFigure(gate.value)}{" "}
            <span className="text-faint">against {formatFigure(gate.threshold)}</span>
          </span>
          <span className="w-full text-[12px] text-faint">{gate.sentence}</span>
        </li>
      ))}
    </ul>
  );
}
