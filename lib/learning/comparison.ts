/** Challenger beside champion in the measures that a person asks for, each difference a sentence. */
import { deflatedSharpe } from "../stats/deflatedSharpe";
import { percent, type Show, twoDigits, usd, whole } from "../stats/gateResult";

/** What a walk-forward series and an evaluation both say. */
export interface Compared {
  netPnlUsd: number;
  winRate: number;
  maxDrawdownFraction: number;
  tradeCount: number;
  sharpe: { perObservation: number; observations: number; skew: number; kurtosis: number };
}

export interface Delta {
  measure: "netPnlUsd" | "winRate" | "maxDrawdownFraction" | "tradeCount" | "deflatedSharpe";
  challenger: number;
  champion: number;
  delta: number;
  sentence: string;
}

export interface Trials {
  trialCount: number;
  sharpeVariance: number;
}

function dsrOf({ sharpe }: Compared, { trialCount, sharpeVariance }: Trials): number {
  const value = deflatedSharpe({ ...sharpe, sharpe: sharpe.perObservation }, trialCount, sharpeVariance);
  return Number.isFinite(value) ? value : 0;
}

/** Differences challenger minus champion; `trials` deflate both Sharpe ratios alike. */
export function compareWithChampion(challenger: Compared, champion: Compared, trials: Trials): Delta[] {
  const rows: [Delta["measure"], string, number, number, Show][] = [
    ["netPnlUsd", "Net PnL", challenger.netPnlUsd, champion.netPnlUsd, usd],
    ["winRate", "Win rate", challenger.winRate, champion.winRate, percent],
    [
      "maxDrawdownFraction",
      "Maximum drawdown",
      challenger.maxDrawdownFraction,
      champion.maxDrawdownFraction,
      percent,
    ],
    ["tradeCount", "Trades", challenger.tradeCount, champion.tradeCount, whole],
    ["deflatedSharpe", "Deflated Sharpe", dsrOf(challenger, trials), dsrOf(champion, trials), twoDigits],
  ];
  return rows.map(([measure, label, mine, other, show]) => {
    const delta = mine - other;
    const relation =
      delta === 0 ? "the same as" : `${show(Math.abs(delta))} ${delta > 0 ? "above" : "below"}`;
    const sentence = `${label} ${show(mine)} is ${relation} the champion's ${show(other)}.`;
    return { measure, challenger: mine, champion: other, delta, sentence };
  });
}
