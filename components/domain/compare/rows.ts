/** What two to four versions have in common and where they differ. Pure, so that it can be tested. */
import {
  formatCompact,
  formatCount,
  formatDay,
  formatNumber,
  formatPercent,
  formatSignedUsd,
  shortHash,
  UNKNOWN,
  words,
} from "../../format";
import { showHyperparameter } from "../walkForward/view";

export interface ComparedVersion {
  algorithm: string;
  instrument: string;
  timeframe: string;
  seed: number;
  stepsRequested: number;
  environmentSteps: number;
  datasetHash: string;
  featureSetId: string;
  costModelId?: string;
  stepsPerSecond: number;
  trainingSeconds: number;
  finalMetrics: Record<string, number>;
  hyperparameters?: Record<string, number>;
}

interface Performance {
  netPnlUsd: number;
  sharpe: { value: number };
  maxDrawdownFraction: number;
  tradeCount: number;
  winRate: number;
}

/** One column of the comparison: the version, what its manifest adds, and how it was judged last. */
export interface Compared {
  version: ComparedVersion;
  manifest: {
    hyperparameters: Record<string, number>;
    network: { hiddenSizes: number[] };
    environmentHash: string;
    trainedWithKernel: string;
  } | null;
  evaluation: { fromMs: number; toMs: number; costModelId: string; performance: Performance } | null;
  walkForward: {
    plan: { folds: number; seeds: number[] };
    summary?: {
      netPnlUsd: { median: number; worst: number };
      worstDrawdownFraction: number;
      profitableFolds: number;
      seeds: { subject: string; sharpe: { annualised: number } }[];
      medianSubject: string;
    };
  } | null;
}

export interface ComparisonRow {
  section: string;
  label: string;
  /** One a version. */
  values: string[];
  differs: boolean;
}

/** One row of a comparison; null when nothing compared has such a value. */
export function comparisonRow<One>(
  section: string,
  label: string,
  compared: readonly One[],
  cell: (one: One) => string | undefined,
): ComparisonRow | null {
  const values = compared.map((one) => cell(one) ?? UNKNOWN);
  if (values.every((value) => value === UNKNOWN)) return null;
  return { section, label, values, differs: new Set(values).size > 1 };
}

const keysOf = (records: (Record<string, number> | undefined)[]) =>
  [...new Set(records.flatMap((record) => Object.keys(record ?? {})))].sort();

/** Every row of the comparison, sections in a fixed order; rows that no version has are left out. */
export function comparisonRows(compared: readonly Compared[]): ComparisonRow[] {
  const rows: ComparisonRow[] = [];
  const add = (section: string, label: string, cell: (one: Compared) => string | undefined) => {
    const row = comparisonRow(section, label, compared, cell);
    if (row !== null) rows.push(row);
  };
  add("Recipe", "Algorithm", ({ version }) => version.algorithm.toUpperCase());
  add("Recipe", "Market", ({ version }) => `${version.instrument} ${version.timeframe}`);
  add("Recipe", "Steps asked for", ({ version }) => formatCompact(version.stepsRequested));
  add("Recipe", "Seed", ({ version }) => String(version.seed));
  add("Recipe", "Hidden layers", ({ manifest }) => manifest?.network.hiddenSizes.join(" × "));
  add("Recipe", "Training kernel", ({ manifest }) => manifest?.trainedWithKernel);
  const settings = (one: Compared) => one.manifest?.hyperparameters ?? one.version.hyperparameters;
  for (const name of keysOf(compared.map(settings))) {
    add("Hyperparameters", name, (one) => {
      const value = settings(one)?.[name];
      return value === undefined ? undefined : showHyperparameter(value);
    });
  }
  add("Data and costs", "Dataset", ({ version }) => shortHash(version.datasetHash));
  add("Data and costs", "Features", ({ version }) => version.featureSetId);
  add("Data and costs", "Cost model", ({ version }) => version.costModelId);
  add("Data and costs", "Environment", ({ manifest }) =>
    manifest === null ? undefined : shortHash(manifest.environmentHash),
  );
  add("Training", "Steps done", ({ version }) => formatCompact(version.environmentSteps));
  add("Training", "Steps a second", ({ version }) =>
    version.stepsPerSecond > 0 ? formatCount(version.stepsPerSecond) : undefined,
  );
  add("Training", "Time", ({ version }) =>
    version.trainingSeconds > 0 ? `${formatNumber(version.trainingSeconds, 1)} s` : undefined,
  );
  for (const name of keysOf(compared.map(({ version }) => version.finalMetrics))) {
    if (name === "environmentSteps") continue;
    add("Training", words(name.replace("reward.", "reward ")), ({ version }) => {
      const value = version.finalMetrics[name];
      return value === undefined ? undefined : showHyperparameter(value).replace("-", "−");
    });
  }
  const judged = (label: string, cell: (performance: Performance) => string) =>
    add("Newest evaluation", label, ({ evaluation }) =>
      evaluation === null ? undefined : cell(evaluation.performance),
    );
  add("Newest evaluation", "Period", ({ evaluation }) =>
    evaluation === null ? undefined : `${formatDay(evaluation.fromMs)} to ${formatDay(evaluation.toMs)}`,
  );
  add("Newest evaluation", "Cost model", ({ evaluation }) => evaluation?.costModelId);
  judged("Net PnL", (performance) => formatSignedUsd(performance.netPnlUsd));
  judged("Sharpe", (performance) => formatNumber(performance.sharpe.value));
  judged("Max drawdown", (performance) => formatPercent(performance.maxDrawdownFraction));
  judged("Trades", (performance) => formatCount(performance.tradeCount));
  judged("Win rate", (performance) => formatPercent(performance.winRate, 1));
  const walked = (
    label: string,
    cell: (summary: NonNullable<NonNullable<Compared["walkForward"]>["summary"]>) => string | undefined,
  ) =>
    add("Newest walk-forward", label, ({ walkForward }) =>
      walkForward?.summary === undefined ? undefined : cell(walkForward.summary),
    );
  add("Newest walk-forward", "Folds × seeds", ({ walkForward }) =>
    walkForward === null ? undefined : `${walkForward.plan.folds} × ${walkForward.plan.seeds.length}`,
  );
  walked("Net PnL, median seed", ({ netPnlUsd }) => formatSignedUsd(netPnlUsd.median));
  walked("Net PnL, worst seed", ({ netPnlUsd }) => formatSignedUsd(netPnlUsd.worst));
  walked("Sharpe, median seed", ({ seeds, medianSubject }) =>
    formatNumber(seeds.find(({ subject }) => subject === medianSubject)?.sharpe.annualised),
  );
  walked("Worst drawdown", ({ worstDrawdownFraction }) => formatPercent(worstDrawdownFraction));
  walked("Profitable folds, median seed", ({ profitableFolds }) => formatCount(profitableFolds));
  return rows;
}
