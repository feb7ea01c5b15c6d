import { deflatedSharpe, PSR_CONVENTION } from "./deflatedSharpe";
import { BASELINE_NAMES, type BaselineName, type TradeSummary } from "./reportTypes";

/** Promotion thresholds; versioned, because they are our choice and not a published standard. */
export interface GatePolicy {
  id: string;
  version: number;
  minTrades: number;
  minWinRate: number;
  /** Net PnL must be above this. */
  minNetPnlUsd: number;
  maxDrawdownFraction: number;
  /** Deflated Sharpe ratio (2014 convention) over the trials counted. */
  minDsr: number;
  maxLiquidations: number;
  /** Net PnL must be above that of each of these. */
  beatsBaselines: BaselineName[];
}

export const DEFAULT_GATE_POLICY: GatePolicy = {
  id: "promotion-default",
  version: 1,
  minTrades: 20,
  minWinRate: 0.55,
  minNetPnlUsd: 0,
  maxDrawdownFraction: 0.25,
  minDsr: 0.95,
  maxLiquidations: 0,
  beatsBaselines: [...BASELINE_NAMES],
};

export type GateName =
  | "minTrades"
  | "minWinRate"
  | "minNetPnl"
  | "maxDrawdown"
  | "minDsr"
  | "maxLiquidations"
  | "beatsBaselines";

export interface GateResult {
  gate: GateName;
  passed: boolean;
  /** null when it cannot be computed; then the gate has failed. */
  value: number | null;
  threshold: number;
  /** Name of the convention behind the value, where there is more than one; null otherwise. */
  convention: string | null;
  sentence: string;
}

/** What the gates read; an EvaluationReport fits, and so does a summary recomputed on the server. */
export type GateSubject = Pick<
  TradeSummary,
  "tradeCount" | "winRate" | "netPnlUsd" | "maxDrawdownFraction" | "liquidations" | "sharpe"
> & { baselines: Partial<Record<BaselineName, Pick<TradeSummary, "netPnlUsd">>> };

/**
 * Every gate of the policy with value, threshold and a sentence; promotion needs all of them. `trialCount` is
 * how many versions were tried (from the ledger, at least 1) and `trialSharpeVariance` the variance of their
 * per-observation Sharpe ratios; a value that is not finite fails its gate.
 */
export function evaluateGates(
  subject: GateSubject,
  trialCount: number,
  trialSharpeVariance: number,
  policy: GatePolicy = DEFAULT_GATE_POLICY,
): GateResult[] {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const usd = (value: number) => `${value.toFixed(2)} USD`;
  const { sharpe } = subject;
  const sample = { sharpe: sharpe.perObservation, ...sharpe };
  const dsr = trialCount >= 1 ? deflatedSharpe(sample, trialCount, trialSharpeVariance) : Number.NaN;
  const trials = `${trialCount} ${trialCount === 1 ? "trial" : "trials"} counted`;
  return [
    atLeast("minTrades", "Trade count", subject.tradeCount, policy.minTrades, (value) => value.toFixed(0)),
    atLeast("minWinRate", "Win rate", subject.winRate, policy.minWinRate, percent),
    above("minNetPnl", "Net PnL after costs", subject.netPnlUsd, policy.minNetPnlUsd, usd),
    atMost(
      "maxDrawdown",
      "Maximum drawdown",
      subject.maxDrawdownFraction,
      policy.maxDrawdownFraction,
      percent,
    ),
    {
      ...atLeast(
        "minDsr",
        "Deflated Sharpe",
        dsr,
        policy.minDsr,
        (value) => value.toFixed(2),
        ` with ${trials}`,
      ),
      convention: PSR_CONVENTION,
    },
    atMost("maxLiquidations", "Liquidations", subject.liquidations, policy.maxLiquidations, (v) =>
      v.toFixed(0),
    ),
    baselineGate(subject, policy, usd),
  ];
}

/** True when every gate has passed (and there is at least one). */
export function allGatesPass(results: readonly GateResult[]): boolean {
  return results.length > 0 && results.every((result) => result.passed);
}

function result(
  gate: GateName,
  label: string,
  value: number,
  threshold: number,
  passed: boolean,
  relation: string,
  show: Show,
  suffix = "",
): GateResult {
  if (!Number.isFinite(value)) {
    const sentence = `${label} cannot be computed${suffix}; the gate needs ${show(threshold)}.`;
    return { gate, passed: false, value: null, threshold, convention: null, sentence };
  }
  // "0.95 is below 0.95" helps nobody: a near miss is shown in full.
  const isNear = value !== threshold && show(value) === show(threshold);
  const shown = isNear ? String(value) : show(value);
  const sentence = `${label} ${shown} is ${relation} ${show(threshold)}${suffix}.`;
  return { gate, passed, value, threshold, convention: null, sentence };
}

type Show = (value: number) => string;

function atLeast(gate: GateName, label: string, value: number, threshold: number, show: Show, suffix = "") {
  const passed = value >= threshold;
  return result(gate, label, value, threshold, passed, passed ? "at or above" : "below", show, suffix);
}

function above(gate: GateName, label: string, value: number, threshold: number, show: Show) {
  const passed = value > threshold;
  return result(gate, label, value, threshold, passed, passed ? "above" : "not above", show);
}

function atMost(gate: GateName, label: string, value: number, threshold: number, show: Show) {
  const passed = value <= threshold;
  return result(gate, label, value, threshold, passed, passed ? "within" : "above", show);
}

/** Compares with the best of the named baselines; a missing one fails the gate. */
function baselineGate(subject: GateSubject, policy: GatePolicy, show: Show): GateResult {
  const gate = "beatsBaselines";
  let best: { name: string; netPnlUsd: number } | null = null;
  for (const name of policy.beatsBaselines) {
    const netPnlUsd = subject.baselines[name]?.netPnlUsd;
    if (netPnlUsd === undefined || !Number.isFinite(netPnlUsd)) {
      const sentence = `The baseline ${name} is missing from the report; evaluate again.`;
      return { gate, passed: false, value: null, threshold: 0, convention: null, sentence };
    }
    if (best === null || netPnlUsd > best.netPnlUsd) best = { name, netPnlUsd };
  }
  if (best === null) {
    const sentence = "The policy names no baseline to beat.";
    return { gate, passed: true, value: subject.netPnlUsd, threshold: 0, convention: null, sentence };
  }
  return above(
    gate,
    `Net PnL against the best baseline (${best.name}):`,
    subject.netPnlUsd,
    best.netPnlUsd,
    show,
  );
}
