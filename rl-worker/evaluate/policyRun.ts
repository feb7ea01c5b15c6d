/** A policy over a range of bars, with what it said about its own certainty. */
import { judgeRow } from "../../lib/features/guard";
import type { LoadedPolicy } from "../../lib/policy/artifact";
import { applyPlatt, expectedCalibrationError, fitPlatt, type PlattScale } from "../../lib/stats/calibration";
import type { EnvSpec } from "../env/envSpec";
import type { MarketData, RowRange } from "../env/marketData";
import { type BacktestResult, runBacktest } from "./backtest";

/** Equal-width bins of the calibration error. */
const CALIBRATION_BINS = 10;
/** Fewer directional decisions than this calibrate nothing. */
const CALIBRATION_PAIRS_MIN = 50;

/** Stated probability of the chosen direction, and whether the next bar closed that way (1) or not (0). */
export interface ConfidencePairs {
  stated: number[];
  outcomes: number[];
}

export interface PolicyRun {
  result: BacktestResult;
  /** Mean policy entropy in nats. */
  entropy: number;
  pairs: ConfidencePairs;
}

const FLAT = 1;

export interface PolicyRunInput {
  dataset: MarketData;
  rows: RowRange;
  spec: EnvSpec;
  /** Bars by which every decision is carried out late; the account starts flat. */
  lagBars?: number;
  fundingRateAt?: (timeMs: number) => number;
}

/** Backtests a loaded policy over the rows, remembering entropy and stated confidence. */
export function runPolicy({ policy, manifest }: LoadedPolicy, input: PolicyRunInput): PolicyRun {
  const { dataset, rows, spec, lagBars = 0, fundingRateAt } = input;
  const { close } = dataset.candles;
  const { values, width } = dataset.features;
  const pairs: ConfidencePairs = { stated: [], outcomes: [] };
  const late: (number | null)[] = Array.from({ length: lagBars }, () => FLAT);
  let entropySum = 0;
  let decisions = 0;
  const result = runBacktest({
    ...dataset,
    ...rows,
    spec,
    normaliser: manifest.normaliser,
    fundingRateAt,
    decide(observation, row) {
      if (judgeRow(manifest, values, row * width).forcedHold !== null) {
        late.push(null);
        return late.shift() as number | null;
      }
      const { action, probabilities } = policy.decide(observation);
      for (const p of probabilities) if (p > 0) entropySum -= p * Math.log(p);
      decisions += 1;
      if (action !== FLAT) {
        const move = (close[row + 1]! - close[row]!) * (action - FLAT);
        if (move !== 0) {
          pairs.stated.push(probabilities[action]!);
          pairs.outcomes.push(move > 0 ? 1 : 0);
        }
      }
      late.push(action);
      return late.shift() as number | null;
    },
  });
  return { result, entropy: decisions === 0 ? 0 : entropySum / decisions, pairs };
}

/** The scale that makes stated confidence a frequency, or null where too few directions were stated. */
export function calibrate({ stated, outcomes }: ConfidencePairs): PlattScale | null {
  return stated.length < CALIBRATION_PAIRS_MIN ? null : fitPlatt(stated, outcomes);
}

/** Expected calibration error of the scaled confidence; null where there is nothing to measure. */
export function calibrationErrorOf(
  scale: PlattScale | null,
  { stated, outcomes }: ConfidencePairs,
): number | null {
  if (scale === null || stated.length < CALIBRATION_PAIRS_MIN) return null;
  const scaled = stated.map((p) => applyPlatt(scale, p));
  return expectedCalibrationError(scaled, outcomes, CALIBRATION_BINS);
}
