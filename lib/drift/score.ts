/** One number out of every signal of drift, and a sentence about the one that leads. */
import { benjaminiHochberg, populationStabilityIndex } from "../stats/drift";
import type { DriftPolicy } from "./policy";

export interface DriftSignals {
  features: { name: string; psi: number; pValue: number }[];
  /** Null where there was too little to measure. */
  actionPsi: number | null;
  calibrationGap: number | null;
  slippageGapBps: number | null;
}

export interface DriftScore {
  /** 1 is severe. */
  score: number;
  signal: "features" | "actions" | "calibration" | "slippage";
  sentence: string;
  /** One for each feature. */
  drifted: boolean[];
}

/** Which features have drifted: PSI at the policy's minimum or above, and KS refused at its false-discovery rate. */
export function driftedFeatures(
  features: DriftSignals["features"],
  { minPsi, falseDiscoveryRate }: Pick<DriftPolicy, "minPsi" | "falseDiscoveryRate">,
): boolean[] {
  const refused = benjaminiHochberg(
    features.map(({ pValue }) => pValue),
    falseDiscoveryRate,
  );
  return features.map(({ psi }, i) => psi >= minPsi && refused[i]!);
}

/** The largest of the signals, each divided by what the policy calls severe. */
export function scoreDrift(signals: DriftSignals, policy: DriftPolicy): DriftScore {
  const { features, actionPsi, calibrationGap, slippageGapBps } = signals;
  const { severe } = policy;
  const drifted = driftedFeatures(features, policy);
  const names = features.filter((_, i) => drifted[i]).sort((a, b) => b.psi - a.psi);
  const most = names.slice(0, 3).map(({ name, psi }) => `${name} PSI ${psi.toFixed(2)}`);
  const share = features.length === 0 ? 0 : names.length / features.length;
  const shown = names.length === 0 ? "" : ` (${most.join(", ")}${names.length > 3 ? ", …" : ""})`;
  const rows: [DriftScore["signal"], number, string][] = [
    [
      "features",
      share / severe.featureShare,
      `${names.length} of ${features.length} features differ from the training reference${shown}.`,
    ],
    [
      "actions",
      (actionPsi ?? 0) / severe.actionPsi,
      `The actions differ from those on the training bars (PSI ${(actionPsi ?? 0).toFixed(2)}).`,
    ],
    [
      "calibration",
      Math.max(0, calibrationGap ?? 0) / severe.calibrationGap,
      `The calibration error is ${(100 * (calibrationGap ?? 0)).toFixed(1)} % above that on the training bars.`,
    ],
    [
      "slippage",
      Math.max(0, slippageGapBps ?? 0) / severe.slippageGapBps,
      `Fills slip ${(slippageGapBps ?? 0).toFixed(2)} bps more than in the backtest.`,
    ],
  ];
  const [signal, score, sentence] = rows.reduce((best, row) => (row[1] > best[1] ? row : best));
  return { score, signal, sentence, drifted };
}

export interface ActionMix {
  short: number;
  flat: number;
  long: number;
}

/** PSI of an action mix against another. */
export function actionShift(reference: ActionMix, current: ActionMix): number {
  const shares = ({ short, flat, long }: ActionMix) => [short, flat, long];
  return populationStabilityIndex(shares(reference), shares(current));
}
