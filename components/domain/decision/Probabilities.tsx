"use client";
import { actionWord, formatNumber, formatPercent } from "../../format";
import { Facts } from "../../ui/Figures";
import type { Decision } from "./DecisionDrawer";

const COLORS = ["var(--down)", "var(--soft)", "var(--up)"];

/** Probability of each action as a bar, with the logit that it came from. */
export function Probabilities({ decision }: { decision: Decision }) {
  if (decision.action === null) {
    return (
      <p className="text-[13px] text-soft">
        The policy gave no output: {decision.forcedHold ?? "unknown cause"}.
      </p>
    );
  }
  return (
    <>
      <ul className="flex flex-col gap-2">
        {decision.probabilities.map((probability, action) => (
          <li
            key={actionWord(action)}
            className="grid grid-cols-[64px_1fr_72px_72px] items-center gap-3 text-[13px]"
          >
            <span className={action === decision.action ? "font-semibold" : "text-soft"}>
              {actionWord(action)}
              {action === decision.action ? <span className="sr-only"> (chosen)</span> : null}
            </span>
            <span className="h-2.5 overflow-hidden rounded-full bg-raised" aria-hidden>
              <span
                className="block h-full rounded-full"
                style={{ width: `${probability * 100}%`, background: COLORS[action] }}
              />
            </span>
            <span className="text-right">{formatPercent(probability)}</span>
            <span className="text-right font-mono text-[12px] text-faint" title="Logit">
              {formatNumber(decision.logits[action], 4)}
            </span>
          </li>
        ))}
      </ul>
      <div className="mt-3">
        <Facts
          rows={[
            ["Value estimate", formatNumber(decision.value, 5)],
            ["ATR(14) at the bar", formatNumber(decision.atr, 3)],
          ]}
        />
      </div>
    </>
  );
}
