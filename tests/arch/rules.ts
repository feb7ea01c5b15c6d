import { controlPlaneRules } from "./rules/controlPlane";
import { hygieneRules } from "./rules/hygiene";
import { purityRules } from "./rules/purity";
import { testRules } from "./rules/tests";
import type { SourceRule } from "./rules/types";

/** The rules beside those of `.dependency-cruiser.cjs`; a fixture in `fixtures/<name>` proves each can refuse. */
export const SOURCE_RULES: SourceRule[] = [
  ...purityRules,
  ...controlPlaneRules,
  ...testRules,
  ...hygieneRules,
];
