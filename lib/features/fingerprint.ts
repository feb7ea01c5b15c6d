import { canonicalJson } from "../core/canonicalJson";
import { sha256Hex } from "../core/sha256";
import type { FeatureSetSpec } from "./types";

/** SHA-256 (hex) of the canonical JSON of the set: names, kinds, parameters, order and warm-up. */
export function featureFingerprint(spec: FeatureSetSpec): string {
  return sha256Hex(canonicalJson(spec));
}
