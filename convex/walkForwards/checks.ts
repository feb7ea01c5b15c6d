/** What a walk-forward must be: its plan, its layout, and everything that it needs before it counts. Reads only. */
import { ConvexError, type Infer, type ObjectType } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { foldRangesProblem, targetHorizonBars } from "../../lib/dataset/walkForward";
import { lookbackBars } from "../../lib/features/lookback";
import { featureSetById } from "../../lib/features/registry";
import { timeframeMs } from "../../lib/market/timeframe";
import { BASELINE_NAMES } from "../../lib/stats/reportTypes";
import { PROBES } from "../../lib/stats/walkForwardGates";
import { championSubject, LAG_BARS, seedSubject } from "../../lib/stats/walkForwardSummary";
import type { Doc } from "../_generated/dataModel";
import type { planFields, vFoldRange } from "./schema";

export type Plan = ObjectType<typeof planFields>;

export function refuse(field: string, message: string): never {
  throw new ConvexError(appError("INVALID_ARGUMENT", message, field));
}

export function assertPlan({ folds, trainFraction, seeds, costMultipliers }: Plan): void {
  if (!Number.isInteger(folds) || folds < 1 || folds > LIMITS.walkForwardFoldsMax) {
    refuse("folds", `folds must be a whole number from 1 to ${LIMITS.walkForwardFoldsMax}`);
  }
  if (!(trainFraction >= 0.1 && trainFraction <= 0.9)) {
    refuse(
      "trainFraction",
      "trainFraction must be from 0.1 to 0.9: the share of rows the first fold trains on",
    );
  }
  if (seeds.length < 1 || seeds.length > LIMITS.walkForwardSeedsMax || new Set(seeds).size !== seeds.length) {
    refuse("seeds", `give 1 to ${LIMITS.walkForwardSeedsMax} different seeds`);
  }
  const isMultiplier = (value: number) => value >= 0 && value <= 10;
  if (
    !costMultipliers.includes(1) ||
    costMultipliers.length > LIMITS.costMultipliersMax ||
    new Set(costMultipliers).size !== costMultipliers.length ||
    !costMultipliers.every(isMultiplier)
  ) {
    refuse(
      "costMultipliers",
      `costMultipliers must contain 1 and hold at most ${LIMITS.costMultipliersMax} different numbers from 0 to 10`,
    );
  }
}

export interface WalkForwardBeginning {
  foldRanges: Infer<typeof vFoldRange>[];
  purgeRows: number;
  embargoRows: number;
  environmentHash: string;
  costModelId: string;
  kernel: string;
}

/**
 * What purge and embargo must at least be, derived here from the recipes and the features: a worker that leaves
 * less between training and test is refused.
 */
export function assertLayout(walkForward: Doc<"walkForwards">, beginning: WalkForwardBeginning): void {
  const { recipe, champion, timeframe, plan } = walkForward;
  const { foldRanges, purgeRows, embargoRows } = beginning;
  const recipes = champion === undefined ? [recipe] : [recipe, champion.recipe];
  const horizon = Math.max(...recipes.map((own) => targetHorizonBars(own.algorithm, own.hyperparameters)));
  const lookback = lookbackBars(featureSetById(recipe.featureSetId), timeframe);
  if (!(purgeRows >= horizon)) refuse("purgeRows", `purgeRows must be at least ${horizon}, got ${purgeRows}`);
  if (!(embargoRows >= lookback))
    refuse("embargoRows", `embargoRows must be at least ${lookback}, got ${embargoRows}`);
  const wanted = { folds: plan.folds, gapRows: purgeRows + embargoRows, stepMs: timeframeMs(timeframe) };
  const problem = foldRangesProblem(foldRanges, wanted);
  if (problem !== null) refuse("foldRanges", `The folds cannot be used: ${problem}`);
  if (
    walkForward.foldRanges.length > 0 &&
    canonicalJson(walkForward.foldRanges) !== canonicalJson(foldRanges)
  ) {
    throw new ConvexError(
      appError(
        "CONFLICT",
        "The folds differ from those that this walk-forward began with; start a new one",
        "foldRanges",
      ),
    );
  }
}

/**
 * What the walk-forward must have before it counts; a sentence for the first thing missing, else null. Every seed
 * needs every cost and the lag: who could leave some out could choose among them.
 */
export function missingPart(
  { plan, probes, champion }: Doc<"walkForwards">,
  slices: readonly Doc<"walkForwardSlices">[],
): string | null {
  const foldsOf = (subject: string, costMultiplier: number, lagBars: number) =>
    new Set(
      slices
        .filter(
          (row) =>
            row.subject === subject && row.costMultiplier === costMultiplier && row.lagBars === lagBars,
        )
        .map(({ fold }) => fold),
    ).size;
  const plain = [1, 0] as const;
  const wanted = [
    ...plan.seeds.flatMap((seed) => [
      ...plan.costMultipliers.map((multiplier) => [seedSubject(seed), multiplier, 0] as const),
      [seedSubject(seed), 1, LAG_BARS] as const,
      ...(champion === undefined ? [] : [[championSubject(seed), ...plain] as const]),
    ]),
    ...BASELINE_NAMES.map((name) => [name, ...plain] as const),
  ];
  for (const [subject, multiplier, lagBars] of wanted) {
    const folds = foldsOf(subject, multiplier, lagBars);
    if (folds === plan.folds) continue;
    const condition =
      lagBars > 0 ? `, ${lagBars} bar late,` : multiplier === 1 ? "" : ` at costs times ${multiplier}`;
    return `${subject}${condition} has ${folds} of ${plan.folds} folds`;
  }
  const probe = plan.probes ? PROBES.find((name) => !probes.some((row) => row.probe === name)) : undefined;
  return probe === undefined ? null : `the probe ${probe} was not run`;
}
