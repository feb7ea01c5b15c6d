/** The walk-forward's part of the promotion policy: every gate with value, threshold and a sentence. */
import { PBO_CONVENTION } from "./backtestOverfitting";
import { CALIBRATION_CONVENTION } from "./calibration";
import { DAILY_CONVENTION } from "./dailyReturns";
import { deflatedSharpe, minimumTrackRecord, PSR_CONVENTION } from "./deflatedSharpe";
import {
  above,
  atLeast,
  atMost,
  type GateName,
  type GateResult,
  nats,
  percent,
  result,
  twoDigits,
  usd,
  whole,
} from "./gateResult";
import type { WalkForwardGatePolicy } from "./gates";
import { SPA_CONVENTION } from "./superiorPredictiveAbility";
import type { SeriesSummary, WalkForwardSummary } from "./walkForwardSummary";

/** What the trial ledger knows about the instrument and timeframe. */
export interface TrialLedger {
  /** Trainings, search trials and walk-forwards counted; at least 1. */
  trialCount: number;
  /** Variance of the trials' Sharpe ratios per day. */
  sharpeVariance: number;
  /** Configurations compared over the same days, and their probability of overfitting. */
  overfitting: { configurations: number; pbo: number | null };
}

/** A probe that could have shown the result to be false. */
export interface ProbeResult {
  probe: "causality" | "shuffledReturns" | "plantedSignal";
  passed: boolean;
  sentence: string;
  /** What a clean probe saw that a person should look at. */
  warning?: string;
}

export const PROBES: readonly ProbeResult["probe"][] = ["causality", "shuffledReturns", "plantedSignal"];

/**
 * The largest number of trials with which the deflated Sharpe still reaches `minDsr`; 0 when even one trial is
 * too many. At most 1,000,000 is looked for.
 */
export function trialsAllowed(
  sharpe: SeriesSummary["sharpe"],
  sharpeVariance: number,
  minDsr: number,
): number {
  const passes = (trials: number) =>
    deflatedSharpe({ ...sharpe, sharpe: sharpe.perObservation }, trials, sharpeVariance) >= minDsr;
  if (!passes(1)) return 0;
  let low = 1;
  let high = 1_000_000;
  if (passes(high)) return high;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** All gates of the walk-forward policy for a finished walk-forward. A value that is not finite fails. */
export function evaluateWalkForwardGates(
  summary: WalkForwardSummary,
  probes: readonly ProbeResult[],
  ledger: TrialLedger,
  policy: WalkForwardGatePolicy,
): GateResult[] {
  const median = summary.seeds.find(({ subject }) => subject === summary.medianSubject)!;
  const stress = summary.stress.find(({ costMultiplier }) => costMultiplier === policy.stressMultiplier);
  const liquidations = Math.max(...summary.seeds.map((seed) => seed.liquidations));
  return [
    atLeast("walkForward", "Walk-forward folds", summary.folds, policy.minFolds, whole),
    atLeast("seeds", "Seeds trained", summary.seeds.length, policy.minSeeds, whole),
    above(
      "walkForwardNetPnl",
      "Out-of-sample net PnL of the median seed",
      median.netPnlUsd,
      policy.minNetPnlUsd,
      usd,
    ),
    above(
      "walkForwardCosts",
      `Out-of-sample net PnL with ${policy.stressMultiplier} times the costs`,
      stress?.medianNetPnlUsd ?? Number.NaN,
      policy.minNetPnlUsd,
      usd,
    ),
    dsrGate(median, ledger, policy),
    pboGate(ledger, policy),
    spaGate(summary, policy),
    trackRecordGate(median, policy),
    atMost(
      "worstSeedDrawdown",
      "Worst seed's drawdown",
      summary.worstDrawdownFraction,
      policy.maxWorstSeedDrawdownFraction,
      percent,
    ),
    atMost("walkForwardLiquidations", "Liquidations of any seed", liquidations, 0, whole),
    lagGate(summary, policy),
    probeGate(probes),
    entropyGate(summary, policy),
    {
      ...atMost(
        "calibration",
        "Calibration error of the stated confidence",
        summary.calibrationError ?? Number.NaN,
        policy.maxCalibrationError,
        percent,
      ),
      convention: CALIBRATION_CONVENTION,
    },
    ...championGate(summary, median, policy),
  ];
}

function dsrGate(median: SeriesSummary, ledger: TrialLedger, policy: WalkForwardGatePolicy): GateResult {
  const { trialCount, sharpeVariance } = ledger;
  const sample = { ...median.sharpe, sharpe: median.sharpe.perObservation };
  const dsr = deflatedSharpe(sample, trialCount, sharpeVariance);
  const allowed = trialsAllowed(median.sharpe, sharpeVariance, policy.minDsr);
  const suffix = `: ${allowed} ${allowed === 1 ? "trial" : "trials"} allowed, you ran ${trialCount}`;
  return {
    ...atLeast("walkForwardDsr", "Out-of-sample deflated Sharpe", dsr, policy.minDsr, twoDigits, suffix),
    convention: `${PSR_CONVENTION} over ${median.sharpe.convention}`,
  };
}

function pboGate({ overfitting }: TrialLedger, policy: WalkForwardGatePolicy): GateResult {
  const { configurations, pbo } = overfitting;
  if (configurations < 2) {
    const sentence =
      "One configuration was tried, so nothing was selected and overfitting by selection is 0.";
    return {
      gate: "walkForwardPbo",
      passed: true,
      value: 0,
      threshold: policy.maxPbo,
      convention: null,
      sentence,
    };
  }
  return {
    ...atMost(
      "walkForwardPbo",
      `Probability of backtest overfitting over ${configurations} configurations`,
      pbo ?? Number.NaN,
      policy.maxPbo,
      twoDigits,
    ),
    convention: `${PBO_CONVENTION} over ${DAILY_CONVENTION}`,
  };
}

function spaGate({ superiority }: WalkForwardSummary, policy: WalkForwardGatePolicy): GateResult {
  const known = superiority.filter((row) => row.pConsistent !== null);
  const worst = known.reduce<(typeof superiority)[number] | null>(
    (found, row) => (found === null || row.pConsistent! > found.pConsistent! ? row : found),
    null,
  );
  const isComplete = superiority.length > 0 && known.length === superiority.length;
  return {
    ...atMost(
      "walkForwardSpa",
      worst === null ? "Superiority over the baselines" : `Superiority p against ${worst.against}`,
      isComplete ? worst!.pConsistent! : Number.NaN,
      policy.maxSpaP,
      twoDigits,
    ),
    convention: `${SPA_CONVENTION} over ${DAILY_CONVENTION}`,
  };
}

function trackRecordGate(median: SeriesSummary, policy: WalkForwardGatePolicy): GateResult {
  const { perObservation, observations, skew, kurtosis, convention } = median.sharpe;
  const needed = minimumTrackRecord(
    { sharpe: perObservation, skew, kurtosis },
    0,
    policy.trackRecordConfidence,
  );
  const gate: GateName = "trackRecord";
  if (!Number.isFinite(needed)) {
    const sentence = `No track record is long enough: the Sharpe over ${observations} days is not above zero.`;
    return { gate, passed: false, value: observations, threshold: 0, convention, sentence };
  }
  return {
    ...atLeast(gate, "Track record in days", observations, Math.ceil(needed), whole),
    convention: `${PSR_CONVENTION} over ${convention}`,
  };
}

function lagGate({ lagKeptFraction }: WalkForwardSummary, policy: WalkForwardGatePolicy): GateResult {
  if (lagKeptFraction === null) {
    const sentence = "There is no edge that a late decision could keep; the one-bar-lag probe cannot pass.";
    return {
      gate: "lagProbe",
      passed: false,
      value: null,
      threshold: policy.lagKeepsAtLeast,
      convention: null,
      sentence,
    };
  }
  return atLeast(
    "lagProbe",
    "Share of the edge kept one bar late",
    lagKeptFraction,
    policy.lagKeepsAtLeast,
    percent,
  );
}

function probeGate(probes: readonly ProbeResult[]): GateResult {
  const missing = PROBES.filter((name) => !probes.some(({ probe }) => probe === name));
  const failed = probes.filter(({ passed }) => !passed);
  const passed = missing.length === 0 && failed.length === 0;
  const warnings = probes.flatMap(({ warning }) => (warning === undefined ? [] : [`Note: ${warning}`]));
  const sentence = passed
    ? ["The causality, shuffled-returns and planted-signal probes are clean.", ...warnings].join(" ")
    : [
        ...failed.map((probe) => probe.sentence),
        ...(missing.length > 0 ? [`Not run: ${missing.join(", ")}.`] : []),
      ].join(" ");
  const value = PROBES.length - missing.length - failed.length;
  return { gate: "probes", passed, value, threshold: PROBES.length, convention: null, sentence };
}

function entropyGate({ entropy }: WalkForwardSummary, policy: WalkForwardGatePolicy): GateResult {
  const { min, max } = policy.entropyBand;
  if (entropy === null || entropy >= min) {
    return atMost("entropy", "Mean action entropy", entropy ?? Number.NaN, max, nats);
  }
  return result("entropy", "Mean action entropy", entropy, min, false, "below", nats);
}

function championGate(
  { champion }: WalkForwardSummary,
  median: SeriesSummary,
  policy: WalkForwardGatePolicy,
): GateResult[] {
  if (champion === null) return [];
  return [
    above(
      "beatsChampion",
      "Net PnL over the champion's on the same folds",
      median.netPnlUsd - champion.netPnlUsd,
      policy.minChampionDeltaUsd,
      usd,
    ),
  ];
}
