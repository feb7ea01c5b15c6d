/** What can be trained at all: settings within limits, and a dataset that passes quality. Reads only. */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { requireDataset } from "../datasets/model";

/** Refuses steps, seeds and hyper-parameters that no training could run with. */
export function assertTrainable(steps: number, seeds: readonly number[], hyperparameters = {}): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > LIMITS.trainingStepsMax) {
    throw new ConvexError(
      appError(
        "INVALID_ARGUMENT",
        `steps must be a whole number from 1 to ${LIMITS.trainingStepsMax}`,
        "steps",
      ),
    );
  }
  if (seeds.some((seed) => !Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", "seed must be a whole number from 0 to 4294967295", "seed"),
    );
  }
  if (Object.keys(hyperparameters).length > LIMITS.hyperparametersMax) {
    throw new ConvexError(
      appError(
        "LIMIT_EXCEEDED",
        `at most ${LIMITS.hyperparametersMax} hyper-parameters can be set`,
        "hyperparameters",
      ),
    );
  }
}

/** The dataset, if its quality allows training on it. */
export async function requireTrainingDataset(
  ctx: QueryCtx,
  datasetId: Id<"datasets">,
): Promise<Doc<"datasets">> {
  const dataset = await requireDataset(ctx, datasetId);
  if (dataset.quality.verdict === "failed") {
    throw new ConvexError(
      appError(
        "NO_DATA",
        `Dataset coverage is ${dataset.quality.coveragePct.toFixed(1)} %; training needs a dataset that passes quality`,
        "datasetId",
      ),
    );
  }
  return dataset;
}
