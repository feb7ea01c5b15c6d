/** Loading a trained version: nothing is used before checksum, schema and golden outputs agree. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { featureFingerprint } from "../../lib/features/fingerprint";
import { featureSetById } from "../../lib/features/registry";
import type { FeatureSetSpec } from "../../lib/features/types";
import { type LoadedPolicy, verifyArtifact } from "../../lib/policy/artifact";
import type { ArtifactManifest } from "../../lib/policy/types";
import { assertEnvSpec, type EnvSpec } from "../env/envSpec";
import { type Desk, downloadVerified } from "../transport/desk";

export interface LoadedVersion extends LoadedPolicy {
  spec: FeatureSetSpec;
  envSpec: EnvSpec;
}

/** The artifact was refused; the message says what does not match. */
export class ArtifactRefusedError extends Error {
  override name = "ArtifactRefusedError";
}

/** Downloads and verifies a version's artifact; throws ArtifactRefusedError or HashMismatchError. */
export async function loadVersion(desk: Desk, versionId: Id<"agentVersions">): Promise<LoadedVersion> {
  const stored = await desk.query(api.agents.worker.artifact, { versionId });
  const files = new Map<string, Uint8Array>();
  for (const { name, url, sha256 } of stored.files) {
    files.set(name, await downloadVerified(url, sha256, `artifact file ${name}`));
  }
  const loaded = verifyArtifact(
    JSON.parse(stored.manifest) as ArtifactManifest,
    files,
    stored.artifactSha256,
  );
  if (!loaded.ok) throw new ArtifactRefusedError(`The artifact is refused: ${loaded.error.message}`);
  const { manifest } = loaded.value;
  const spec = featureSetById(manifest.featureSetId);
  const fingerprint = featureFingerprint(spec);
  if (fingerprint !== manifest.featureFingerprint) {
    throw new ArtifactRefusedError(
      `The artifact was trained on ${manifest.featureSetId} with fingerprint ${manifest.featureFingerprint.slice(0, 12)}…; this build has ${fingerprint.slice(0, 12)}…`,
    );
  }
  const envSpec = manifest.environment as EnvSpec;
  assertEnvSpec(envSpec);
  return { ...loaded.value, spec, envSpec };
}
