import type { ArtifactManifest } from "@/lib/policy/types";

/** The parsed manifest of a trained version, or null while there is none; it was checked when it was stored. */
export function readManifest(text: string | null): ArtifactManifest | null {
  return text === null ? null : (JSON.parse(text) as ArtifactManifest);
}
