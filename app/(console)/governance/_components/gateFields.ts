/** The thresholds of the promotion policy as an operator reads and sets them. */
import type { FunctionReturnType } from "convex/server";
import { formatCount, formatNumber, formatPercent, formatSignedUsd } from "@/components/format";
import type { api } from "@/convex/_generated/api";

export type GateValues = FunctionReturnType<typeof api.governance.console.gatePolicy>["values"];

interface GateField {
  id: string;
  label: string;
  /** How it is written in the form. */
  unit: string;
  get: (values: GateValues) => number;
  set: (values: GateValues, value: number) => GateValues;
  show: (value: number) => string;
}

type Show = (value: number) => string;
const share: Show = (value) => formatPercent(value, 0);
const plain: Show = (value) => formatNumber(value);
const usd: Show = (value) => formatSignedUsd(value);

type SingleName = Exclude<keyof GateValues, "beatsBaselines" | "walkForward">;
type WalkName = Exclude<keyof GateValues["walkForward"], "entropyBand">;

const single = (name: SingleName, label: string, unit: string, show: Show): GateField => ({
  id: name,
  label,
  unit,
  get: (values) => values[name],
  set: (values, value) => ({ ...values, [name]: value }),
  show,
});

const walk = (name: WalkName, label: string, unit: string, show: Show): GateField => ({
  id: `walkForward.${name}`,
  label,
  unit,
  get: (values) => values.walkForward[name],
  set: (values, value) => ({ ...values, walkForward: { ...values.walkForward, [name]: value } }),
  show,
});

const band = (end: "min" | "max", label: string): GateField => ({
  id: `walkForward.entropyBand.${end}`,
  label,
  unit: "nats",
  get: (values) => values.walkForward.entropyBand[end],
  set: (values, value) => ({
    ...values,
    walkForward: {
      ...values.walkForward,
      entropyBand: { ...values.walkForward.entropyBand, [end]: value },
    },
  }),
  show: (value) => `${formatNumber(value, 3)} nats`,
});

export const EVALUATION_GATES: readonly GateField[] = [
  single("minTrades", "Trades, at least", "count", formatCount),
  single("minWinRate", "Win rate, at least", "0 to 1", share),
  single("minNetPnlUsd", "Net PnL above", "USD", usd),
  single("maxDrawdownFraction", "Drawdown, at most", "0 to 1", share),
  single("minDsr", "Deflated Sharpe, at least", "0 to 1", plain),
  single("maxLiquidations", "Liquidations, at most", "count", formatCount),
];

export const WALK_FORWARD_GATES: readonly GateField[] = [
  walk("minFolds", "Folds, at least", "count", formatCount),
  walk("minSeeds", "Seeds, at least", "count", formatCount),
  walk("minNetPnlUsd", "Net PnL above, median seed", "USD", usd),
  walk("stressMultiplier", "Cost stress", "times the costs", (value) => `× ${formatNumber(value, 1)}`),
  walk("minDsr", "Deflated Sharpe, at least", "0 to 1", plain),
  walk("maxPbo", "Overfitting (PBO), at most", "0 to 1", share),
  walk("maxSpaP", "Superiority p, at most", "0 to 1", plain),
  walk("trackRecordConfidence", "Track record confidence", "0 to 1", share),
  walk("maxWorstSeedDrawdownFraction", "Worst seed's drawdown, at most", "0 to 1", share),
  walk("lagKeepsAtLeast", "Edge kept one bar late, at least", "0 to 1", share),
  band("min", "Entropy, at least"),
  band("max", "Entropy, at most"),
  walk("maxCalibrationError", "Calibration error, at most", "0 to 1", share),
  walk("minChampionDeltaUsd", "Net PnL above the champion's by", "USD", usd),
];

const ALL = [...EVALUATION_GATES, ...WALK_FORWARD_GATES];

/** What changed from one version to the next, in words; empty where nothing did. */
export function changesBetween(before: GateValues, after: GateValues): string[] {
  const changes = ALL.flatMap(({ id, label, get, show }) =>
    get(before) === get(after)
      ? []
      : [
          `${id.startsWith("walkForward.") ? "walk-forward: " : ""}${label.toLowerCase()} ${show(get(before))} → ${show(get(after))}`,
        ],
  );
  const [was, is] = [before.beatsBaselines.join(", "), after.beatsBaselines.join(", ")];
  return was === is ? changes : [...changes, `baselines to beat: ${was || "none"} → ${is || "none"}`];
}
