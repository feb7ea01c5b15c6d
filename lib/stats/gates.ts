import { deflatedSharpe, PSR_CONVENTION } from "./deflatedSharpe";
import {
  above,
  atLeast,
  atMost,
  type GateName,
  type GateResult,
  percent,
  type Show,
  twoDigits,
  usd,
  whole,
} from "./gateResult";
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
  walkForward: WalkForwardGatePolicy;
}

/** What a walk-forward with retraining must show; its figures are out of sample, over days, net of costs. */
export interface WalkForwardGatePolicy {
  minFolds: number;
  minSeeds: number;
  /** Net PnL of the median seed must be above this, also with costs times `stressMultiplier`. */
  minNetPnlUsd: number;
  stressMultiplier: number;
  /** Deflated Sharpe of the median seed over all trials counted. */
  minDsr: number;
  /** Probability of backtest overfitting over the configurations that were tried. */
  maxPbo: number;
  /** Hansen's consistent p against every baseline and the champion. */
  maxSpaP: number;
  /** The track record must be long enough for a Sharpe above zero at this confidence. */
  trackRecordConfidence: number;
  maxWorstSeedDrawdownFraction: number;
  /** Share of the edge that must be left when every decision is one bar late. */
  lagKeepsAtLeast: number;
  /** Mean policy entropy in nats; three actions have at most 1.0986. */
  entropyBand: { min: number; max: number };
  maxCalibrationError: number;
  /** Net PnL above the champion's on the same folds. */
  minChampionDeltaUsd: number;
}

export const DEFAULT_GATE_POLICY: GatePolicy = {
  id: "promotion-default",
  version: 2,
  minTrades: 20,
  minWinRate: 0.55,
  minNetPnlUsd: 0,
  maxDrawdownFraction: 0.25,
  minDsr: 0.95,
  maxLiquidations: 0,
  beatsBaselines: [...BASELINE_NAMES],
  walkForward: {
    minFolds: 4,
    minSeeds: 5,
    minNetPnlUsd: 0,
    stressMultiplier: 2,
    minDsr: 0.95,
    maxPbo: 0.2,
    maxSpaP: 0.05,
    trackRecordConfidence: 0.95,
    maxWorstSeedDrawdownFraction: 0.25,
    lagKeepsAtLeast: 0.7,
    entropyBand: { min: 0.01, max: 1.09 },
    maxCalibrationError: 0.05,
    minChampionDeltaUsd: 0,
  },
};

/** The first threshold that means nothing, or null: shares outside 0 to 1, counts that are not whole. */
export function gatePolicyProblem(
  values: Omit<GatePolicy, "id" | "version">,
): { field: string; message: string } | null {
  const { walkForward } = values;
  const shares: Record<string, number> = {
    minWinRate: values.minWinRate,
    maxDrawdownFraction: values.maxDrawdownFraction,
    minDsr: values.minDsr,
    "walkForward.minDsr": walkForward.minDsr,
    "walkForward.maxPbo": walkForward.maxPbo,
    "walkForward.maxSpaP": walkForward.maxSpaP,
    "walkForward.trackRecordConfidence": walkForward.trackRecordConfidence,
    "walkForward.maxWorstSeedDrawdownFraction": walkForward.maxWorstSeedDrawdownFraction,
    "walkForward.lagKeepsAtLeast": walkForward.lagKeepsAtLeast,
    "walkForward.maxCalibrationError": walkForward.maxCalibrationError,
  };
  for (const [field, value] of Object.entries(shares)) {
    if (!(value >= 0 && value <= 1)) return { field, message: `${field} must be from 0 to 1, got ${value}` };
  }
  const counts: Record<string, number> = {
    minTrades: values.minTrades,
    maxLiquidations: values.maxLiquidations,
    "walkForward.minFolds": walkForward.minFolds,
    "walkForward.minSeeds": walkForward.minSeeds,
  };
  for (const [field, value] of Object.entries(counts)) {
    if (!Number.isSafeInteger(value) || value < 0) {
      return { field, message: `${field} must be a whole number of at least 0, got ${value}` };
    }
  }
  if (!(walkForward.stressMultiplier >= 1 && walkForward.stressMultiplier <= 10)) {
    return {
      field: "walkForward.stressMultiplier",
      message: "walkForward.stressMultiplier must be from 1 to 10",
    };
  }
  const { min, max } = walkForward.entropyBand;
  if (!(min >= 0 && min < max)) {
    return { field: "walkForward.entropyBand", message: "walkForward.entropyBand needs 0 <= min < max" };
  }
  return null;
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
  const { sharpe } = subject;
  const sample = { sharpe: sharpe.perObservation, ...sharpe };
  const dsr = trialCount >= 1 ? deflatedSharpe(sample, trialCount, trialSharpeVariance) : Number.NaN;
  const trials = `${trialCount} ${trialCount === 1 ? "trial" : "trials"} counted`;
  return [
    atLeast("minTrades", "Trade count", subject.tradeCount, policy.minTrades, whole),
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
      ...atLeast("minDsr", "Deflated Sharpe", dsr, policy.minDsr, twoDigits, ` with ${trials}`),
      convention: PSR_CONVENTION,
    },
    atMost("maxLiquidations", "Liquidations", subject.liquidations, policy.maxLiquidations, whole),
    baselineGate(subject, policy, usd),
  ];
}

/** True when every gate has passed (and there is at least one). */
export function allGatesPass(results: readonly GateResult[]): boolean {
  return results.length > 0 && results.every((result) => result.passed);
}

/** Compares with the best of the named baselines; a missing one fails the gate. */
function baselineGate(subject: GateSubject, policy: GatePolicy, show: Show): GateResult {
  const gate: GateName = "beatsBaselines";
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

/** Bars with open times in [fromMs, toMs). */
export interface BarRange {
  fromMs: number;
  toMs: number;
}

const DAY_MS = 86_400_000;
const minute = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");

/** An evaluation on bars that the version was trained on shows its memory. */
export function unseenGate(evaluated: BarRange, trained: BarRange): GateResult {
  const gate: GateName = "unseenBars";
  const fromMs = Math.max(evaluated.fromMs, trained.fromMs);
  const toMs = Math.min(evaluated.toMs, trained.toMs);
  const seenDays = Math.max(0, toMs - fromMs) / DAY_MS;
  const passed = seenDays === 0;
  const sentence = passed
    ? "None of the evaluated bars was trained on."
    : `The bars from ${minute(fromMs)} to ${minute(toMs)} UTC were trained on; evaluate on bars outside of the training data.`;
  return { gate, passed, value: seenDays, threshold: 0, convention: null, sentence };
}
