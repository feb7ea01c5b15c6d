import { CORE_V1 } from "./coreV1";
import { CORE_V2 } from "./coreV2";
import type { FeatureSetSpec } from "./types";

export const FEATURE_SETS: readonly FeatureSetSpec[] = [CORE_V1, CORE_V2];

/** The feature set with this id. Throws RangeError naming the known ones. */
export function featureSetById(id: string): FeatureSetSpec {
  const found = FEATURE_SETS.find((spec) => spec.id === id);
  if (found === undefined) {
    throw new RangeError(
      `feature set "${id}" is unknown; known are ${FEATURE_SETS.map((s) => s.id).join(", ")}`,
    );
  }
  return found;
}
